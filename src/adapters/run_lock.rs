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
    /// We, and anybody else too: locks mean nothing here.
    Nothing,
}

/// What this process says of itself in its lock: for people only, since the lock is what counts.
#[must_use]
pub fn holder(since: &str) -> String {
    let machine = rustix::system::uname();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot = match boot.trim() {
        "" => String::new(),
        id => format!(" (boot {id})"),
    };
    format!(
        "process {} on {} since {since}{boot}",
        std::process::id(),
        machine.nodename().to_string_lossy()
    )
}

impl RunLock {
    /// Who holds the lock at `path`, by its own words; `None` when nobody does. Nothing is changed.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn held_by(path: &Path) -> Result<Option<String>, StorageError> {
        let failed = |error: std::io::Error| StorageError::io(path.display().to_string(), &error);
        let mut file = match File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        // A shared lock is let go at once: who takes the lock in this moment is told that we hold it, and may try again.
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                Ok(Some(holder.trim().to_owned()))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Takes the lock at `path`, unless another process holds it. `holder` is what that would be told of us.
    pub(super) fn take(path: &Path, holder: &str) -> Result<Taken, StorageError> {
        let failed = |error: std::io::Error| StorageError::io(path.display().to_string(), &error);
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
        // Some file systems grant every lock. A second one on the same file must not be.
        let probe = File::open(path).map_err(failed)?;
        if probe.try_lock().is_ok() {
            return Ok(Taken::Nothing);
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{holder}"))
            .map_err(failed)?;
        Ok(Taken::Ours(Self { _file: file }))
    }
}
