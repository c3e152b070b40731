//! Carrying a state elsewhere: all that only the state knows, as one JSON document, and into an empty state again.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::open::{Loaded, Session, SessionError};
use super::service::Origin;
use super::state::{Risks, find, lock, standing_of};
use crate::adapters::content_store::{ContentStore, listed};
use crate::adapters::high_water::{HighWater, Place, Standing};
use crate::adapters::journal::SqliteJournal;
use crate::adapters::private_folder::make_private;
use crate::execute::ports::{Journal as _, StorageError};
use crate::plan::digest::Digest;
use crate::plan::key::Salt;
use crate::plan::remote::Stored;
use crate::run::event::Record;

/// The version of the document.
const FORMAT_VERSION: u32 = 1;

/// A state, as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// The version of this document.
    pub format_version: u32,
    /// The family's name.
    pub name: String,
    /// The family's uid.
    pub uid: String,
    /// The origin that its jobs are at.
    pub origin: String,
    /// Everything that was recorded, oldest first.
    pub records: Vec<Record>,
    /// The files in the content store. They are not in this document.
    pub objects: Vec<Stored>,
}

/// Which version a document has, whatever else it holds.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// The state of `session` at `origin`. Its files are copied to `objects` when that is wanted.
///
/// # Errors
/// When a file can't be read or copied.
pub fn export(
    session: &Session,
    origin: &Origin,
    objects: Option<&Path>,
) -> Result<Carried, SessionError> {
    let folder = session.state.objects();
    let stored = listed(&folder)?;
    if let Some(target) = objects {
        make_private(target)?;
        for one in &stored {
            let name = one.sha256.to_string();
            let target = target.join(&name);
            fs::copy(folder.join(&name), &target)
                .map_err(|error| StorageError::io(target.display().to_string(), &error))?;
        }
    }
    let Salt { name, uid } = session.loaded.family.salt.clone();
    Ok(Carried {
        format_version: FORMAT_VERSION,
        name,
        uid,
        origin: origin.name(),
        records: session.records.clone(),
        objects: stored,
    })
}

impl Carried {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is none, or of a newer millrun.
    pub fn parse(text: &str) -> Result<Self, SessionError> {
        let bad =
            |why: &dyn std::fmt::Display| SessionError::Import(format!("it can't be read: {why}"));
        let Version { format_version } = serde_json::from_str(text).map_err(|error| bad(&error))?;
        if format_version > FORMAT_VERSION {
            let why = format!("a newer millrun wrote it (format version {format_version})");
            return Err(SessionError::Import(why));
        }
        serde_json::from_str(text).map_err(|error| bad(&error))
    }

    /// Puts it into the state of `loaded` at `origin`, which has to be empty. Files are taken from `objects`.
    ///
    /// # Errors
    /// When it belongs to another family or origin, the state is not empty or is newer than this, or a file is damaged. The
    /// state has none of the records then.
    pub fn import(
        &self,
        loaded: &Loaded,
        origin: &Origin,
        state: Option<&Path>,
        objects: Option<&Path>,
        risks: Risks,
    ) -> Result<(), SessionError> {
        self.check(&loaded.family.salt, origin)?;
        let folder = find(loaded, origin, state)?;
        let _lock = lock(&folder, risks)?;
        let there = SqliteJournal::read(&folder.journal()).map_err(SessionError::Unreadable)?;
        if !there.is_empty() {
            let why = format!(
                "{} has {} records already, and it goes only into an empty state",
                folder.path().display(),
                there.len()
            );
            return Err(SessionError::Import(why));
        }
        self.refuse_older(standing_of(&folder, origin)?, risks)?;
        let store = ContentStore::open(folder.objects())?;
        if let Some(objects) = objects {
            for stored in &self.objects {
                take(objects, stored, &store)?;
            }
        }
        let mark = folder.mark();
        let epoch = HighWater::read(&mark).map_or(0, |mark| mark.epoch);
        let mut journal = SqliteJournal::open_marked(&folder.journal(), epoch, &mark)?;
        Ok(journal.append(&self.records)?)
    }

    fn check(&self, salt: &Salt, origin: &Origin) -> Result<(), SessionError> {
        let is_family = match (self.uid.as_str(), salt.uid.as_str()) {
            ("", "") => self.name == salt.name,
            (ours, theirs) => ours == theirs,
        };
        if !is_family {
            let why = format!(
                "it is of another family: {} with uid {:?}, and the manifest is {} with uid {:?}",
                self.name, self.uid, salt.name, salt.uid
            );
            return Err(SessionError::Import(why));
        }
        if self.origin != origin.name() {
            let why = format!(
                "its jobs are at {}, and the command is about {}",
                self.origin,
                origin.name()
            );
            return Err(SessionError::Import(why));
        }
        Ok(())
    }

    /// A state that was lost may have come further than the document.
    fn refuse_older(&self, standing: Standing, risks: Risks) -> Result<(), SessionError> {
        match standing {
            Standing::RolledBack { mark, .. }
                if mark.seq > self.records.len() as u64 && !risks.rollback =>
            {
                let found = Place {
                    journal: String::new(),
                    epoch: 0,
                    seq: self.records.len() as u64,
                };
                Err(SessionError::RolledBack {
                    mark,
                    found: Some(found),
                })
            }
            _ => Ok(()),
        }
    }
}

/// Takes one file of `objects` into the store, when it is what its name says.
fn take(objects: &Path, stored: &Stored, store: &ContentStore) -> Result<(), SessionError> {
    let path = objects.join(stored.sha256.to_string());
    let failed =
        |why: &dyn std::fmt::Display| SessionError::Import(format!("{}: {why}", path.display()));
    let there = fs::metadata(&path).map_err(|error| failed(&error))?;
    if there.len() != stored.bytes {
        return Err(failed(&"its length is not what the document says"));
    }
    let bytes = fs::read(&path).map_err(|error| failed(&error))?;
    if Digest::of(&bytes) != stored.sha256 {
        return Err(failed(&"its content is not what its name says"));
    }
    store.put(&bytes)?;
    Ok(())
}
