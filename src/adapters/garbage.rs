//! What a state folder holds and nobody needs: files of our own patterns only. What is of no known pattern is not touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::content_store;
use super::state_folder::StateFolder;
use crate::execute::ports::StorageError;
use crate::plan::digest::Digest;

/// Why a file is not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No record of the journal refers to it.
    Object,
    /// A process that was killed left it half written.
    Temporary,
    /// A copy from before a migration, and not the last one.
    Backup,
}

/// A file that nobody needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Garbage {
    /// Where it is.
    pub path: PathBuf,
    /// Why it is not needed.
    pub kind: Kind,
    /// Its length.
    pub bytes: u64,
}

/// What is not needed in `folder`, when its journal refers to the objects `referred`. To be called under the lock of the run:
/// then nobody else writes here.
///
/// # Errors
/// When a folder is there and can't be read.
pub fn find(
    folder: &StateFolder,
    referred: &BTreeSet<Digest>,
) -> Result<Vec<Garbage>, StorageError> {
    let mut found = Vec::new();
    for (name, path, metadata) in files(&folder.objects())? {
        let kind = match Digest::try_from(name.clone()) {
            Ok(digest) if !referred.contains(&digest) => Kind::Object,
            Err(_) if is_drawn(&name, content_store::TEMPORARY) => Kind::Temporary,
            _ => continue,
        };
        found.push(garbage(path, kind, &metadata));
    }
    let mut backups: BTreeMap<String, Vec<(u32, Garbage)>> = BTreeMap::new();
    for (name, path, metadata) in files(folder.path())? {
        if is_drawn(&name, ".tmp") {
            found.push(garbage(path, Kind::Temporary, &metadata));
        } else if let Some((database, version)) = backup(&name) {
            let backup = (version, garbage(path, Kind::Backup, &metadata));
            backups.entry(database.to_owned()).or_default().push(backup);
        }
    }
    for mut copies in backups.into_values() {
        copies.sort_by_key(|(version, _)| *version);
        copies.pop();
        found.extend(copies.into_iter().map(|(_, copy)| copy));
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Removes `garbage`.
///
/// # Errors
/// When one of it is there and can't be removed; what comes after it stays.
pub fn remove(garbage: &[Garbage]) -> Result<(), StorageError> {
    for Garbage { path, .. } in garbage {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StorageError::io(path.display().to_string(), &error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn garbage(path: PathBuf, kind: Kind, metadata: &Metadata) -> Garbage {
    Garbage {
        path,
        kind,
        bytes: metadata.len(),
    }
}

/// The files in `folder` that are no links, by their names.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf, Metadata)>, StorageError> {
    let failed = |error: std::io::Error| StorageError::io(folder.display().to_string(), &error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string()
            && metadata.is_file()
        {
            files.push((name, entry.path(), metadata));
        }
    }
    Ok(files)
}

/// Whether `name` is `prefix` and the six letters or digits that are drawn for a temporary file.
fn is_drawn(name: &str, prefix: &str) -> bool {
    let drawn = name.strip_prefix(prefix);
    drawn.is_some_and(|drawn| {
        drawn.len() == 6 && drawn.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// `journal.db.v2.bak` is `journal.db` in layout 2.
fn backup(name: &str) -> Option<(&str, u32)> {
    let (database, version) = name.strip_suffix(".bak")?.rsplit_once(".v")?;
    let is_ours = ["journal.db", "limits.db", "control.db"].contains(&database);
    is_ours.then_some((database, version.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_our_own_patterns_are_known() {
        for (name, is_ours) in [
            (".tmpAb3dE9", true),
            (".tmp", false),
            (".tmpAb3dE", false),
            (".tmp-notes", false),
            ("x.tmpAb3dE9", false),
        ] {
            assert_eq!(is_drawn(name, ".tmp"), is_ours, "{name}");
        }
        for (name, known) in [
            ("journal.db.v2.bak", Some(("journal.db", 2))),
            ("journal.db.v12.bak", Some(("journal.db", 12))),
            ("journal.db.bak", None),
            ("notes.v2.bak", None),
            ("journal.db.vx.bak", None),
        ] {
            assert_eq!(backup(name), known, "{name}");
        }
    }
}
