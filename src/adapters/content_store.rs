//! The content store: artifacts and images under the SHA-256 of their bytes, in the state folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::volume::{Temporary, ThisMachine, Volume, put_whole, sync_entry};
use crate::execute::ports::StorageError;
use crate::plan::digest::Digest;
use crate::plan::remote::Stored;
use crate::teeth::Bug;

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
    volume: Arc<dyn Volume>,
}

impl ContentStore {
    /// The store in `folder`, which is made when it is not there. What a killed process left half written is swept out.
    ///
    /// # Errors
    /// When the folder can't be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        Self::open_on(Arc::new(ThisMachine), folder)
    }

    /// The same on another disk than this machine's.
    ///
    /// # Errors
    /// As [`ContentStore::open`].
    pub fn open_on(
        volume: Arc<dyn Volume>,
        folder: impl Into<PathBuf>,
    ) -> Result<Self, StorageError> {
        let folder = folder.into();
        super::private_folder::make_private(&folder)?;
        sweep(&*volume, &folder)
            .and_then(|()| sync_entry(&*volume, &folder))
            .map_err(|error| StorageError::io(folder.display().to_string(), &error))?;
        Ok(Self { folder, volume })
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
        let temporary = Temporary {
            prefix: TEMPORARY,
            suffix: "",
            mode: 0o600,
            bug: Bug::StoreBeforeSync,
        };
        // Who put it there may have died before it synced the folder.
        let put = if is_whole(&path, &stored) {
            sync_entry(&*self.volume, &path)
        } else {
            put_whole(&*self.volume, &path, bytes, temporary)
        };
        put.map(|()| stored)
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

    /// The disk that it is on.
    pub(super) fn volume(&self) -> &dyn Volume {
        &*self.volume
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

fn sweep(volume: &dyn Volume, folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            volume.remove(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::volume::tests::Watched;
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
    fn an_object_that_is_there_already_has_its_name_synced() {
        let folder = tempfile::tempdir().unwrap();
        let volume = Arc::new(Watched::default());
        let objects = folder.path().join("objects");
        let store = ContentStore::open_on(volume.clone(), &objects).unwrap();
        assert_eq!(volume.told().len(), 1, "the folder may be new");
        store.put(b"one").unwrap();
        volume.told();
        store.put(b"one").unwrap();
        assert_eq!(volume.told(), ["sync folder objects"]);
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
