//! The place of last resort for records that the journal could not take: `errored-<run>.jsonl`, in the state folder, else in
//! the output folder, else in the system's folder of temporary files. The next process takes it in.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::high_water::Place;
use super::journal::SqliteJournal;
use crate::execute::ports::{Journal as _, StorageError, Trouble};
use crate::run::event::Record;

const PREFIX: &str = "errored-";
const SUFFIX: &str = ".jsonl";
/// What a file that comes too late is renamed to.
const STALE: &str = "stale";
/// More than any run could leave.
const MAX_BYTES: u64 = 1 << 30;
/// How many files of one name there may be.
const MAX_FILES: u32 = 10;

/// The first line: behind which event of which journal the records belong.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    format_version: u32,
    errored: Place,
}

/// Where errored files may be: the state folder, and folders that are not ours alone.
#[derive(Debug, Clone)]
pub struct Places {
    /// The state folder.
    pub state: PathBuf,
    /// The output folder and the folder of temporary files.
    pub others: Vec<PathBuf>,
}

/// An errored file that is being written.
#[derive(Debug)]
pub(super) struct Errored {
    file: File,
    pub(super) path: PathBuf,
}

impl Places {
    /// What the name of a file in `folder` begins with. Elsewhere than at home it says whose it is.
    fn prefix(&self, folder: &Path, journal: &str) -> String {
        if folder == self.state {
            PREFIX.to_owned()
        } else {
            let short: String = journal.chars().take(12).collect();
            format!("millrun-{short}-{PREFIX}")
        }
    }

    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.state).chain(&self.others)
    }

    /// Begins a file with `records`, which belong behind `place`, in the first folder that takes it.
    pub(super) fn begin(&self, place: &Place, records: &[Record]) -> Option<Errored> {
        let text = head(place) + &lines(records);
        let run = records.iter().find_map(|record| record.run);
        let run = run.map_or_else(|| "state".to_owned(), |run| run.to_string());
        self.all().find_map(|folder| {
            let prefix = self.prefix(folder, &place.journal);
            (1..=MAX_FILES).find_map(|n| {
                let number = if n == 1 {
                    String::new()
                } else {
                    format!("-{n}")
                };
                let path = folder.join(format!("{prefix}{run}{number}{SUFFIX}"));
                write_new(&path, &text)
                    .ok()
                    .map(|file| Errored { file, path })
            })
        })
    }

    /// The errored files of `journal`, by their names.
    #[must_use]
    pub fn find(&self, journal: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for folder in self.all() {
            let prefix = self.prefix(folder, journal);
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if name.starts_with(&prefix) && name.ends_with(SUFFIX) {
                    found.push(entry.path());
                }
            }
        }
        found.sort();
        found
    }
}

impl Errored {
    /// Appends `records`, durably.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        let text = lines(records);
        let written = self.file.write_all(text.as_bytes());
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|error| StorageError::io(self.path.display().to_string(), &error))
    }
}

/// The first line of a file whose records belong behind `place`.
pub(super) fn head(place: &Place) -> String {
    let head = Head {
        format_version: 1,
        errored: place.clone(),
    };
    serde_json::to_string(&head).map_or_else(|_| String::new(), |line| line + "\n")
}

/// `records`, one a line.
pub(super) fn lines(records: &[Record]) -> String {
    let lines = records
        .iter()
        .filter_map(|record| serde_json::to_string(record).ok());
    lines.map(|line| line + "\n").collect()
}

/// A new file with `text`, whole and synced with its name, for nobody but the user.
fn write_new(path: &Path, text: &str) -> std::io::Result<File> {
    let write = || {
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all());
        written.map(|()| file).inspect_err(|_| {
            let _ = fs::remove_file(path);
        })
    };
    write()
}

/// Takes the errored files of `journal` in, and removes them. What is told of it is for people.
///
/// # Errors
/// When the journal is damaged, or a file can't be read or taken in: nothing may be sent then.
pub fn take_in(journal: &mut SqliteJournal, places: &Places) -> Result<Vec<String>, StorageError> {
    let files = places.find(&journal.here().journal);
    if files.is_empty() {
        return Ok(Vec::new());
    }
    // Something went wrong with the disk: what is on it is looked at before it is relied on.
    journal.quick_check()?;
    files
        .iter()
        .map(|path| take_in_one(journal, path))
        .collect()
}

fn take_in_one(journal: &mut SqliteJournal, path: &Path) -> Result<String, StorageError> {
    let name = path.display();
    let failed = |error: std::io::Error| StorageError::io(name.to_string(), &error);
    let text = read_ours(path, journal)?;
    let (head, records) = parse(&text, &name.to_string())?;
    let there = journal.records_behind(head.errored.seq)?;
    let is_known = head.errored.journal == journal.here().journal;
    if !is_known || there.len() > records.len() || there != records[..there.len()] {
        // The journal went on without it: those sends were settled by exact retries.
        fs::rename(path, path.with_extension(STALE)).map_err(failed)?;
        return Ok(format!(
            "{name} came too late, and is kept as .{STALE}: the journal went on without it"
        ));
    }
    let new = &records[there.len()..];
    journal.append(new)?;
    fs::remove_file(path).map_err(failed)?;
    Ok(format!("took {} records in from {name}", new.len()))
}

/// The text of a file that is the user's own, like the journal, and that nobody else could have written.
fn read_ours(path: &Path, journal: &SqliteJournal) -> Result<String, StorageError> {
    let name = path.display().to_string();
    let failed = |error: std::io::Error| StorageError::io(&name, &error);
    let link = fs::symlink_metadata(path).map_err(failed)?;
    let owner = journal.owner()?;
    if !link.is_file() || link.uid() != owner || link.mode() & 0o022 != 0 || link.len() > MAX_BYTES
    {
        let why = "it looks like records of an earlier run, but somebody else could have put it there: look at it, and \
                   move it away";
        return Err(StorageError::new(name, why));
    }
    let mut text = String::new();
    let mut file = File::open(path).map_err(failed)?;
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Head and records. A last line without its end was not written whole.
fn parse(text: &str, name: &str) -> Result<(Head, Vec<Record>), StorageError> {
    let damaged = |what: &str, why: &dyn std::fmt::Display| {
        let why = format!("{what} can't be understood: {why}");
        StorageError::new(name, why).of(Trouble::Damaged)
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut lines = whole.lines();
    let head = serde_json::from_str(lines.next().unwrap_or_default())
        .map_err(|error| damaged("its first line", &error))?;
    let records = (2..).zip(lines).map(|(number, line)| {
        serde_json::from_str(line).map_err(|error| damaged(&format!("line {number}"), &error))
    });
    Ok((head, records.collect::<Result<_, _>>()?))
}
