//! Room that is kept for the moment when the disk is full: what was paid for by then still gets recorded.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::execute::ports::{StorageError, Trouble};

/// How much is kept: a few thousand replies.
pub const BALLAST_BYTES: u64 = 4 << 20;

/// The file that is given up when the disk is full.
#[derive(Debug)]
pub struct Ballast {
    path: PathBuf,
}

impl Ballast {
    /// Makes the file at `path`, unless it is there.
    ///
    /// # Errors
    /// When the disk has not even that much room: a run would soon stop in the middle. Where it can't be made for another
    /// reason, the run goes without.
    pub fn keep(path: &Path) -> Result<Self, StorageError> {
        let ballast = Self {
            path: path.to_owned(),
        };
        if fs::metadata(path).is_ok_and(|there| there.len() == BALLAST_BYTES) {
            return Ok(ballast);
        }
        let Err(error) = ballast.write() else {
            return Ok(ballast);
        };
        let _ = fs::remove_file(path);
        let has_no_room = matches!(
            error.kind(),
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
        );
        if has_no_room {
            let why = format!(
                "there are not even {} MiB of room: {error}",
                BALLAST_BYTES >> 20
            );
            return Err(StorageError::new(path.display().to_string(), why).of(Trouble::Full));
        }
        tracing::warn!(
            "no room is kept for a full disk: {}: {error}",
            path.display()
        );
        Ok(ballast)
    }

    fn write(&self) -> std::io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)?;
        // Noise: some file systems keep no room for what they can squeeze.
        let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
        let mut bytes = Vec::with_capacity(usize::try_from(BALLAST_BYTES).unwrap_or(0));
        while (bytes.len() as u64) < BALLAST_BYTES {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            bytes.extend_from_slice(&noise.to_le_bytes());
        }
        file.write_all(&bytes)?;
        file.sync_all()
    }

    /// Gives the room back to the disk. Whether there was any.
    pub fn release(&self) -> bool {
        let had_room = fs::metadata(&self.path).is_ok_and(|there| there.len() > 0);
        let emptied = File::options().write(true).open(&self.path);
        let emptied = emptied.and_then(|file| {
            file.set_len(0)?;
            file.sync_all()
        });
        let removed = fs::remove_file(&self.path);
        had_room && (emptied.is_ok() || removed.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_given_back_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ballast");
        let ballast = Ballast::keep(&path).unwrap();
        let made = fs::metadata(&path).unwrap();
        assert_eq!(made.len(), BALLAST_BYTES);
        let again = Ballast::keep(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().modified().unwrap(),
            made.modified().unwrap()
        );
        assert!(ballast.release());
        assert!(!again.release());
        assert!(!path.exists());
    }
}
