//! The content store: artifacts and images under the SHA-256 of their bytes, in the state folder.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::execute::ports::StorageError;
use crate::plan::content::Digest;
use crate::plan::remote::Stored;

/// Files by content. What is in it is whole, synced, and never changed.
#[derive(Debug)]
pub struct ContentStore {
    folder: PathBuf,
}

impl ContentStore {
    /// The store in `folder`, which is made when it is not there.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let folder = folder.into();
        super::private_folder::make_private(&folder)?;
        Ok(Self { folder })
    }

    /// Stores `bytes`.
    ///
    /// # Errors
    /// When they could not be written and synced.
    pub fn put(&self, bytes: &[u8]) -> Result<Stored, StorageError> {
        let sha256 = Digest::of(bytes);
        let stored = Stored {
            sha256,
            bytes: bytes.len() as u64,
        };
        let path = self.path(sha256);
        if fs::metadata(&path).is_ok_and(|there| there.len() == stored.bytes) {
            return Ok(stored);
        }
        let write = || {
            let mut temporary = tempfile::Builder::new()
                .prefix(".put-")
                .tempfile_in(&self.folder)?;
            temporary.write_all(bytes)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path).map_err(|error| error.error)?;
            File::open(&self.folder)?.sync_all()
        };
        write()
            .map(|()| stored)
            .map_err(|error| StorageError::new(path.display().to_string(), error))
    }

    /// The bytes under `digest`.
    ///
    /// # Errors
    /// When they are not there, or are not what the digest says.
    pub fn get(&self, digest: Digest) -> Result<Bytes, StorageError> {
        let path = self.path(digest);
        let bytes = fs::read(&path)
            .map_err(|error| StorageError::new(path.display().to_string(), error))?;
        if Digest::of(&bytes) == digest {
            Ok(bytes.into())
        } else {
            Err(StorageError::new(
                path.display().to_string(),
                "the file is damaged: its content is not what its name says",
            ))
        }
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// Where the store is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
