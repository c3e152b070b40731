//! The state folder: `.millrun/<family>/<origin>/`, which state belongs to which manifest, and the lock of a run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::execute::ports::StorageError;
use crate::plan::key::Salt;

/// The name of the file that says which family a folder belongs to.
const CARD: &str = "family.json";

/// What a family's folder says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Card {
    name: String,
    uid: String,
    /// The manifest's absolute path when it ran last.
    manifest: PathBuf,
}

/// Why the state of a manifest can't be told.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Two manifests would share a state.
    #[error(
        "the state in {} belongs to {}, which has the same name and uid: give one of the two another `name` or `uid`, or keep its state elsewhere with --state",
        folder.display(),
        other.display()
    )]
    Taken {
        /// The state.
        folder: PathBuf,
        /// The manifest that it belongs to.
        other: PathBuf,
    },
    /// Several states would fit.
    #[error(
        "several states fit this manifest: {}; say which one with --state",
        list(folders)
    )]
    Ambiguous {
        /// They.
        folders: Vec<PathBuf>,
    },
    /// Another process runs the family.
    #[error("another run holds the state: {holder}")]
    Locked {
        /// What it says of itself.
        holder: String,
    },
    /// The disk.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The state of one family and origin.
#[derive(Debug, Clone)]
pub struct StateFolder {
    family: PathBuf,
    origin: PathBuf,
    card: Card,
}

impl StateFolder {
    /// Finds the state of `manifest` under `base` (normally `.millrun` beside it): by the recorded path of the manifest, else
    /// by its uid, else by its name. Nothing is written: a family that never ran gets the name of a folder that isn't there.
    ///
    /// # Errors
    /// When several states fit, or the one that fits belongs to another manifest that is still there.
    pub fn find(
        base: &Path,
        manifest: &Path,
        salt: &Salt,
        origin: &str,
    ) -> Result<Self, StateError> {
        let manifest = manifest
            .canonicalize()
            .unwrap_or_else(|_| manifest.to_owned());
        let card = Card {
            name: salt.name.clone(),
            uid: salt.uid.clone(),
            manifest: manifest.clone(),
        };
        let cards = cards(base)?;
        let tests: [&dyn Fn(&Card) -> bool; 3] = [
            &|other| other.manifest == manifest,
            &|other| !card.uid.is_empty() && other.uid == card.uid,
            &|other| other.name == card.name && (other.uid.is_empty() || card.uid.is_empty()),
        ];
        let fitting = tests.iter().map(|test| {
            cards
                .iter()
                .filter(|(_, other)| test(other))
                .collect::<Vec<_>>()
        });
        let family = match fitting
            .into_iter()
            .find(|found| !found.is_empty())
            .as_deref()
        {
            None => fresh(base, &card, &cards),
            Some([(folder, other)]) if other.manifest == manifest || !other.manifest.exists() => {
                folder.clone()
            }
            Some([(folder, other)]) => {
                return Err(StateError::Taken {
                    folder: folder.clone(),
                    other: other.manifest.clone(),
                });
            }
            Some(several) => {
                return Err(StateError::Ambiguous {
                    folders: several.iter().map(|(folder, _)| folder.clone()).collect(),
                });
            }
        };
        Ok(Self {
            origin: family.join(slug(origin)),
            family,
            card,
        })
    }

    /// Makes the folders and takes the lock of the run. It is held until the answer is dropped, or the process ends in
    /// whatever way.
    ///
    /// # Errors
    /// When another process holds it, or the folders can't be made.
    pub fn lock(&self, holder: &str) -> Result<RunLock, StateError> {
        make_private(&self.origin)?;
        let path = self.origin.join("run.lock");
        let failed = |error: std::io::Error| StorageError::new(path.display().to_string(), error);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                return Err(StateError::Locked {
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error).into()),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{holder}"))
            .map_err(failed)?;
        self.write_card()?;
        Ok(RunLock { _file: file })
    }

    /// The folder of the family and origin.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.origin
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.origin.join("journal.db")
    }

    /// The limiter's slots.
    #[must_use]
    pub fn limits(&self) -> PathBuf {
        self.origin.join("limits.db")
    }

    /// Artifacts and images by content.
    #[must_use]
    pub fn objects(&self) -> PathBuf {
        self.origin.join("objects")
    }

    /// The simulator's world.
    #[must_use]
    pub fn world(&self) -> PathBuf {
        self.origin.join("world")
    }

    fn write_card(&self) -> Result<(), StorageError> {
        let path = self.family.join(CARD);
        let known = fs::read(&path)
            .ok()
            .and_then(|text| serde_json::from_slice::<Card>(&text).ok());
        if known.as_ref() == Some(&self.card) {
            return Ok(());
        }
        let write = || {
            let mut temporary = tempfile::NamedTempFile::new_in(&self.family)?;
            serde_json::to_writer_pretty(&mut temporary, &self.card)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path).map_err(|error| error.error)?;
            File::open(&self.family)?.sync_all()
        };
        write().map_err(|error| StorageError::new(path.display().to_string(), error))
    }
}

/// The lock of a run; dropping it lets it go.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Makes `folder` and what is missing above it, for nobody but the user.
///
/// # Errors
/// When it can't be made.
pub fn make_private(folder: &Path) -> Result<(), StorageError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(|error| StorageError::new(folder.display().to_string(), error))
}

fn cards(base: &Path) -> Result<Vec<(PathBuf, Card)>, StorageError> {
    let failed = |error: std::io::Error| StorageError::new(base.display().to_string(), error);
    let entries = match fs::read_dir(base) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut cards = Vec::new();
    for entry in entries {
        let folder = entry.map_err(failed)?.path();
        let card = fs::read(folder.join(CARD))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        cards.extend(card.map(|card| (folder, card)));
    }
    cards.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(cards)
}

/// A folder of its own for a family that has none: its name, with its uid when another family has that name.
fn fresh(base: &Path, card: &Card, cards: &[(PathBuf, Card)]) -> PathBuf {
    let plain = base.join(slug(&card.name));
    if cards.iter().any(|(folder, _)| *folder == plain) {
        base.join(slug(&format!("{}-{}", card.name, card.uid)))
    } else {
        plain
    }
}

/// `text` as the name of a folder.
fn slug(text: &str) -> String {
    let safe: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '_'
            }
        })
        .collect();
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() {
        "_".to_owned()
    } else {
        safe.chars().take(100).collect()
    }
}

fn list(folders: &[PathBuf]) -> String {
    folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
            }
        }

        fn manifest(&self, name: &str) -> PathBuf {
            let path = self.folder.path().join(name);
            fs::write(&path, "").unwrap();
            path
        }

        fn find(&self, manifest: &Path, name: &str, uid: &str) -> Result<StateFolder, StateError> {
            let salt = Salt {
                name: name.to_owned(),
                uid: uid.to_owned(),
            };
            StateFolder::find(&self.folder.path().join(".millrun"), manifest, &salt, "sim")
        }
    }

    #[test]
    fn a_state_follows_its_manifest_through_renames_and_moves() {
        let f = Fixture::new();
        let a = f.manifest("a.yaml");
        let state = f.find(&a, "plates", "u1").unwrap();
        drop(state.lock("test").unwrap());
        assert_eq!(f.find(&a, "renamed", "u2").unwrap().path(), state.path());
        let b = f.folder.path().join("b.yaml");
        fs::rename(&a, &b).unwrap();
        assert_eq!(f.find(&b, "plates", "u1").unwrap().path(), state.path());
    }

    #[test]
    fn two_manifests_never_share_a_state() {
        let f = Fixture::new();
        let (a, b) = (f.manifest("a.yaml"), f.manifest("b.yaml"));
        let state = f.find(&a, "plates", "u1").unwrap();
        drop(state.lock("test").unwrap());
        assert!(matches!(
            f.find(&b, "plates", "u1"),
            Err(StateError::Taken { .. })
        ));
        let other = f.find(&b, "plates", "u2").unwrap();
        assert_ne!(other.path(), state.path());
    }

    #[test]
    fn one_process_at_a_time_holds_the_lock() {
        let f = Fixture::new();
        let state = f.find(&f.manifest("a.yaml"), "plates", "u1").unwrap();
        let lock = state.lock("process 1 since noon").unwrap();
        match state.lock("process 2") {
            Err(StateError::Locked { holder }) => assert_eq!(holder, "process 1 since noon"),
            other => panic!("{other:?}"),
        }
        drop(lock);
        assert!(state.lock("process 2").is_ok());
    }
}
