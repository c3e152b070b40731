//! The state folder: `.millrun/<family>/<origin>/`, which state belongs to which manifest, and the lock of a run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder_name::{folder_name, origin_name, with_digest};
use super::mount;
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
    /// The state would be on another machine's disk.
    #[error(
        "{} is on a network file system ({kind}), where locks and syncs may not mean what they say: keep the state on a \
         disk of this machine with --state, or take the risk with --force-network-state",
        folder.display()
    )]
    Network {
        /// The folder.
        folder: PathBuf,
        /// What kind it is.
        kind: &'static str,
    },
    /// Two processes would both get the lock.
    #[error(
        "locks mean nothing in {}: two runs could be at it at once; keep the state on another disk with --state",
        folder.display()
    )]
    NoLocks {
        /// The folder.
        folder: PathBuf,
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

    /// Refuses a state that is, or would be, on another machine's disk.
    ///
    /// # Errors
    /// When it is, or the system does not tell.
    pub fn refuse_network(&self) -> Result<(), StateError> {
        match mount::network(&self.origin)? {
            Some(kind) => Err(StateError::Network {
                folder: self.origin.clone(),
                kind,
            }),
            None => Ok(()),
        }
    }

    /// Makes the folders and takes the lock of the run. It is held until the answer is dropped, or the process ends in
    /// whatever way.
    ///
    /// # Errors
    /// When another process holds it, or the folders can't be made.
    pub fn lock(&self, holder: &str) -> Result<RunLock, StateError> {
        make_private(&self.origin)?;
        let lock = match RunLock::take(&self.run_lock(), holder)? {
            Taken::Ours(lock) => lock,
            Taken::By(holder) => return Err(StateError::Locked { holder }),
            Taken::Nothing => {
                return Err(StateError::NoLocks {
                    folder: self.origin.clone(),
                });
            }
        };
        self.write_card()?;
        Ok(lock)
    }

    /// The folder of the family and origin.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.origin
    }

    /// The lock of a run.
    #[must_use]
    pub fn run_lock(&self) -> PathBuf {
        self.origin.join("run.lock")
    }

    /// The journal's high-water mark. It is beside the origin's folder: who puts that back from a copy leaves the mark.
    #[must_use]
    pub fn mark(&self) -> PathBuf {
        let mut name = self.origin.file_name().unwrap_or_default().to_owned();
        name.push(".mark");
        self.family.join(name)
    }

    /// Room that is kept for a full disk.
    #[must_use]
    pub fn ballast(&self) -> PathBuf {
        self.origin.join("ballast")
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.origin.join("journal.db")
    }

    /// What people ask of a run from another process.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.origin.join("control.db")
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
        write()
            .map_err(|error: std::io::Error| StorageError::io(path.display().to_string(), &error))
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
    let failed = |error: std::io::Error| StorageError::io(base.display().to_string(), &error);
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
mod tests;
