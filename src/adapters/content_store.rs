//! The content store: artifacts and images under the SHA-256 of their bytes, in the state folder.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::execute::ports::StorageError;
use crate::plan::content::Digest;
use crate::plan::remote::Stored;

/// What our temporary files begin with.
pub(super) const TEMPORARY: &str = ".put-";

/// Where fetched files are put.
pub trait Objects: std::fmt::Debug + Send + Sync {
    /// Stores `bytes`: whole and synced when it returns.
    ///
    /// # Errors
    /// When they could not be written and synced.
    fn put(&self, bytes: &[u8]) -> Result<Stored, StorageError>;
}

impl Objects for ContentStore {
    fn put(&self, bytes: &[u8]) -> Result<Stored, StorageError> {
        Self::put(self, bytes)
    }
}

/// Files by content. What is in it is whole, synced, and never changed. One process has it open at a time: the one that
/// holds the lock of the run.
#[derive(Debug)]
pub struct ContentStore {
    folder: PathBuf,
}

impl ContentStore {
    /// The store in `folder`, which is made when it is not there. What a killed process left half written is swept out.
    ///
    /// # Errors
    /// When the folder can't be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let folder = folder.into();
        super::private_folder::make_private(&folder)?;
        sweep(&folder).map_err(|error| StorageError::io(folder.display().to_string(), &error))?;
        Ok(Self { folder })
    }

    /// Stores `bytes`. An object that is there already counts only when its content is what its name says: good bytes
    /// heal a damaged one.
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
        if is_whole(&path, &stored) {
            return Ok(stored);
        }
        let write = || {
            let mut temporary = tempfile::Builder::new()
                .prefix(TEMPORARY)
                .tempfile_in(&self.folder)?;
            temporary.write_all(bytes)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path).map_err(|error| error.error)?;
            File::open(&self.folder)?.sync_all()
        };
        write()
            .map(|()| stored)
            .map_err(|error| StorageError::io(path.display().to_string(), &error))
    }

    /// The bytes under `digest`.
    ///
    /// # Errors
    /// When they are not there, or are not what the digest says.
    pub fn get(&self, digest: Digest) -> Result<Bytes, StorageError> {
        let path = self.path(digest);
        let bytes = fs::read(&path)
            .map_err(|error| StorageError::io(path.display().to_string(), &error))?;
        if Digest::of(&bytes) == digest {
            Ok(bytes.into())
        } else {
            Err(StorageError::new(
                path.display().to_string(),
                "the file is damaged: its content is not what its name says",
            ))
        }
    }

    /// Whether there is an object of this name and length. Its content is not looked at.
    #[must_use]
    pub fn has(&self, stored: &Stored) -> bool {
        fs::metadata(self.path(stored.sha256)).is_ok_and(|there| there.len() == stored.bytes)
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

/// The objects in `folder`, by their names; their content is not looked at, and nothing is changed.
///
/// # Errors
/// When the folder is there and can't be read.
pub fn listed(folder: &Path) -> Result<Vec<Stored>, StorageError> {
    let failed = |error: std::io::Error| StorageError::io(folder.display().to_string(), &error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut listed = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Ok(sha256) = Digest::try_from(name) {
            let bytes = entry.metadata().map_err(failed)?.len();
            listed.push(Stored { sha256, bytes });
        }
    }
    listed.sort_by_key(|stored| stored.sha256);
    Ok(listed)
}

/// Whether the object at `path` is there and undamaged.
fn is_whole(path: &Path, stored: &Stored) -> bool {
    let is_as_long = fs::metadata(path).is_ok_and(|there| there.len() == stored.bytes);
    is_as_long && fs::read(path).is_ok_and(|there| Digest::of(&there) == stored.sha256)
}

fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_bytes_heal_a_damaged_object() {
        let folder = tempfile::tempdir().unwrap();
        let store = ContentStore::open(folder.path()).unwrap();
        let stored = store.put(b"one").unwrap();
        fs::write(folder.path().join(stored.sha256.to_string()), "two").unwrap();
        assert!(store.get(stored.sha256).is_err());
        assert_eq!(store.put(b"one").unwrap(), stored);
        assert_eq!(store.get(stored.sha256).unwrap(), "one");
    }

    #[test]
    fn what_a_killed_process_left_is_swept_when_the_store_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let stored = ContentStore::open(folder.path())
            .unwrap()
            .put(b"one")
            .unwrap();
        fs::write(folder.path().join(".put-abc"), "half").unwrap();
        let store = ContentStore::open(folder.path()).unwrap();
        assert_eq!(store.get(stored.sha256).unwrap(), "one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
