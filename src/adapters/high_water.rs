//! The high-water mark: a small file outside the journal that says how far the journal has come, so that an older copy of it
//! is not taken for the truth.
//!
//! It is written after each commit and synced at the start and at the end of a process. It may lag behind, after a power
//! cut; it is never ahead of a journal that nobody put back.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::execute::ports::StorageError;

/// The file has always this length, so that what was longer leaves nothing behind.
const LENGTH: usize = 128;

/// How far a journal has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which journal: drawn when it was made. Empty for one that is older than epochs.
    pub journal: String,
    /// How often it was taken over.
    pub epoch: u64,
    /// Its last event.
    pub seq: u64,
}

/// What the mark says of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is known to be missing.
    Sound,
    /// It is older than what was here, or another one. What it does not know may have been paid.
    RolledBack {
        /// How far the journal had come that was here.
        mark: Place,
        /// How far the one has come that is here now.
        found: Option<Place>,
    },
}

/// What `mark` says of a journal that has come as far as `found`.
#[must_use]
pub fn standing(mark: Option<Place>, found: Option<Place>) -> Standing {
    let Some(mark) = mark else {
        return Standing::Sound;
    };
    let is_sound = match &found {
        None => mark.seq == 0,
        Some(found) => {
            found.journal == mark.journal && found.epoch >= mark.epoch && found.seq >= mark.seq
        }
    };
    if is_sound {
        Standing::Sound
    } else {
        Standing::RolledBack { mark, found }
    }
}

/// The mark's file.
#[derive(Debug)]
pub struct HighWater {
    file: File,
    name: String,
}

impl HighWater {
    /// Opens the mark at `path`, creating it when it is not there.
    ///
    /// # Errors
    /// When it can't be opened for writing.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let name = path.display().to_string();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| StorageError::io(&name, &error))?;
        Ok(Self { file, name })
    }

    /// What the mark at `path` says; `None` where there is none that can be understood.
    #[must_use]
    pub fn read(path: &Path) -> Option<Place> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Notes how far the journal has come. It outlives the process; a power cut may lose it.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn note(&self, place: &Place) -> Result<(), StorageError> {
        let text =
            serde_json::to_string(place).map_err(|error| StorageError::new(&self.name, error))?;
        let line = format!("{text:<width$}\n", width = LENGTH - 1);
        self.file
            .write_all_at(line.as_bytes(), 0)
            .map_err(|error| StorageError::io(&self.name, &error))
    }

    /// Makes the mark durable.
    ///
    /// # Errors
    /// When it can't be synced.
    pub fn sync(&self) -> Result<(), StorageError> {
        self.file
            .sync_all()
            .map_err(|error| StorageError::io(&self.name, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(journal: &str, epoch: u64, seq: u64) -> Place {
        Place {
            journal: journal.to_owned(),
            epoch,
            seq,
        }
    }

    #[test]
    fn a_journal_that_lags_behind_its_mark_was_put_back() {
        let mark = || Some(at("a", 3, 40));
        for (mark, found, is_sound) in [
            (None, None, true),
            (None, Some(at("a", 1, 1)), true),
            (mark(), Some(at("a", 3, 40)), true),
            (mark(), Some(at("a", 4, 40)), true),
            (mark(), Some(at("a", 3, 41)), true),
            (Some(at("a", 1, 0)), None, true),
            (mark(), None, false),
            (mark(), Some(at("a", 2, 40)), false),
            (mark(), Some(at("a", 3, 39)), false),
            (mark(), Some(at("b", 9, 99)), false),
            (mark(), Some(at("", 0, 99)), false),
        ] {
            let told = standing(mark.clone(), found.clone());
            assert_eq!(told == Standing::Sound, is_sound, "{mark:?} {found:?}");
        }
    }

    #[test]
    fn a_mark_that_becomes_shorter_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mark");
        assert_eq!(HighWater::read(&path), None);
        let mark = HighWater::open(&path).unwrap();
        assert_eq!(HighWater::read(&path), None);
        for place in [at("a", 1_000_000, u64::MAX), at("a", 1, 1)] {
            mark.note(&place).unwrap();
            mark.sync().unwrap();
            assert_eq!(HighWater::read(&path), Some(place));
        }
    }
}
