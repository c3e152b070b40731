//! The lock of a run. The system lets it go when its process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::execute::ports::StorageError;

/// The lock of a run; dropping it lets it go.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Who has the lock.
#[derive(Debug)]
pub(super) enum Taken {
    /// We.
    Ours(RunLock),
    /// Another process; what it says of itself.
    By(String),
}

impl RunLock {
    /// Takes the lock at `path`, unless another process holds it. `holder` is what that would be told of us.
    pub(super) fn take(path: &Path, holder: &str) -> Result<Taken, StorageError> {
        let failed = |error: std::io::Error| StorageError::new(path.display().to_string(), error);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                return Ok(Taken::By(holder.trim().to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{holder}"))
            .map_err(failed)?;
        Ok(Taken::Ours(Self { _file: file }))
    }
}
