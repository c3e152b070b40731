//! The state folder: `.millrun/<family>/<origin>/`, which state belongs to which manifest, and the lock of a run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder_name::{folder_name, origin_name, with_digest};
use super::private_folder::{make_private, shared_mode};
use super::run_lock::{RunLock, Taken};
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
    /// Others than the user may write into the state.
    #[error(
        "others may write into {} (mode {mode:o}), so what it says can't be relied on: take that right from them with \
         `chmod go-w`, or keep the state elsewhere with --state",
        folder.display()
    )]
    Shared {
        /// The folder.
        folder: PathBuf,
        /// Its permissions.
        mode: u32,
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
    /// When several states fit, the one that fits belongs to another manifest that is still there, or others than the user
    /// may write into it.
    pub fn find(
        base: &Path,
        manifest: &Path,
        salt: &Salt,
        origin: &str,
    ) -> Result<Self, StateError> {
        refuse_shared(base)?;
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
        let origin = family.join(origin_name(origin));
        refuse_shared(&family)?;
        refuse_shared(&origin)?;
        Ok(Self {
            family,
            origin,
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
        let lock = match RunLock::take(&path, holder)? {
            Taken::Ours(lock) => lock,
            Taken::By(holder) => return Err(StateError::Locked { holder }),
        };
        self.write_card()?;
        Ok(lock)
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

/// Who can write into a state can make us publish, pay or forget what they like.
fn refuse_shared(folder: &Path) -> Result<(), StateError> {
    match shared_mode(folder)? {
        Some(mode) => Err(StateError::Shared {
            folder: folder.to_owned(),
            mode,
        }),
        None => Ok(()),
    }
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

/// A folder of its own for a family that has none: its name, with a digest when another family has that name. Names are
/// compared as a file system compares them that knows no case.
fn fresh(base: &Path, card: &Card, cards: &[(PathBuf, Card)]) -> PathBuf {
    let is_taken = |name: &String| {
        let others = cards.iter().filter_map(|(folder, _)| folder.file_name());
        let mut others = others.filter_map(|other| other.to_str());
        others.any(|other| other.eq_ignore_ascii_case(name))
    };
    // Families take other names and keep their folders, so even name and uid may have been somebody else's.
    let other = |n: u64| with_digest(&card.name, &format!("{}\0{}\0{n}", card.name, card.uid));
    let mut names = std::iter::once(folder_name(&card.name)).chain((0..).map(other));
    let free = names.find(|name| !is_taken(name));
    base.join(free.expect("there are more names than families"))
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
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt as _;

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
    fn families_never_share_a_folder_whatever_they_are_called() {
        let f = Fixture::new();
        let long = "n".repeat(300);
        let names = [
            ("plates", "u1"),
            ("plates", "u2"),
            ("Plates", "u3"),
            ("PLATES", "u4"),
            ("a b", "u5"),
            ("a_b", "u6"),
            ("a/b", "u7"),
            (".plates", "u8"),
            (&long, "u9"),
            (&long, "u10"),
            (&format!("{long}x"), "u11"),
            ("\u{e4}", "u12"),
            ("\u{f6}", "u13"),
        ];
        let mut folders = BTreeSet::new();
        for (name, uid) in names {
            let state = f.find(&f.manifest(uid), name, uid).unwrap();
            drop(state.lock("test").unwrap());
            let family = state.path().parent().unwrap().file_name().unwrap();
            let family = family.to_str().unwrap().to_lowercase();
            assert!(folders.insert(family.clone()), "{name:?} {uid}: {family}");
        }
        // One that took another name keeps its folder.
        let renamed = f
            .find(&f.folder.path().join("u2"), "renamed", "u14")
            .unwrap();
        drop(renamed.lock("test").unwrap());
        let second = f.find(&f.manifest("u15"), "plates", "u2").unwrap();
        assert_ne!(second.path(), renamed.path());
        let first = f.find(&f.folder.path().join("u1"), "plates", "u1").unwrap();
        assert!(first.path().ends_with("plates/sim"), "{:?}", first.path());
    }

    #[test]
    fn a_state_into_which_others_may_write_is_refused() {
        let f = Fixture::new();
        let a = f.manifest("a.yaml");
        let state = f.find(&a, "plates", "u1").unwrap();
        drop(state.lock("test").unwrap());
        let base = f.folder.path().join(".millrun");
        for folder in [state.path(), state.path().parent().unwrap(), &base] {
            for mode in [0o720, 0o702] {
                fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
                match f.find(&a, "plates", "u1") {
                    Err(error @ StateError::Shared { .. }) => {
                        let said = error.to_string();
                        assert!(said.contains("chmod go-w"), "{said}");
                    }
                    other => panic!("{other:?}"),
                }
            }
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
            assert!(f.find(&a, "plates", "u1").is_ok());
        }
        fs::set_permissions(state.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(state.lock("test").is_err());
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
