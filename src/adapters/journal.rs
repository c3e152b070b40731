//! The family's journal in SQLite: the events, and beside them a projection of the sends and jobs for those who look.
//!
//! Who opens it takes it over: its *epoch* goes up by one, and each append asks in its own transaction whether the epoch and
//! the last event are still its own. A process that slept while another took over can't add anything any more.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::high_water::{HighWater, Place};
use super::journal_layout::{APPLICATION_ID, MIGRATIONS};
use super::journal_rows::project;
use super::sqlite::{self, blocking, trouble};
use crate::execute::ports::{Journal, StorageError, Trouble};
use crate::plan::ids::RunId;
use crate::plan::remote::Timestamp;
use crate::run::event::Record;

/// The journal of one family and origin, taken over by this process.
#[derive(Debug)]
pub struct SqliteJournal {
    connection: Connection,
    path: PathBuf,
    name: String,
    /// Device and number of the file that was opened: another one may stand in its place by now.
    file: (u64, u64),
    place: Place,
    mark: Option<HighWater>,
    /// It can't be relied on any more.
    broken: bool,
}

impl SqliteJournal {
    /// Opens the journal at `path`, creating it when it is not there, and takes it over from whoever had it.
    ///
    /// # Errors
    /// When it can't be opened or was written by a newer millrun.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        Self::take_over(path, 0)
    }

    /// Opens the journal as [`SqliteJournal::open`] does. Its epoch will be higher than `epoch`, which is known from
    /// elsewhere, and what it comes to is written to `mark`.
    ///
    /// # Errors
    /// When one of the two can't be opened, or the journal was written by a newer millrun.
    pub fn open_marked(path: &Path, epoch: u64, mark: &Path) -> Result<Self, StorageError> {
        let mut journal = Self::take_over(path, epoch)?;
        let mark = HighWater::open(mark)?;
        mark.note(&journal.place)?;
        mark.sync()?;
        journal.mark = Some(mark);
        Ok(journal)
    }

    fn take_over(path: &Path, epoch: u64) -> Result<Self, StorageError> {
        let mut connection = sqlite::open(path, APPLICATION_ID, MIGRATIONS)?;
        let name = path.display().to_string();
        let failed = |error: rusqlite::Error| trouble(&name, &error);
        let change = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        change
            .execute(
                "update holder set epoch = max(epoch, ?1) + 1",
                [epoch.cast_signed()],
            )
            .map_err(failed)?;
        let place = place(&change).map_err(failed)?;
        change.commit().map_err(failed)?;
        Ok(Self {
            file: identity(path)?,
            connection,
            path: path.to_owned(),
            name,
            place,
            mark: None,
            broken: false,
        })
    }

    /// Reads all records of the journal at `path` without changing it; none when there is no journal.
    ///
    /// # Errors
    /// When it can't be read, or holds something that this version does not understand.
    pub fn read(path: &Path) -> Result<Vec<Record>, StorageError> {
        let name = path.display().to_string();
        match sqlite::open_to_read(path, APPLICATION_ID, MIGRATIONS)? {
            // The process that made the file was killed before it got its tables.
            None => Ok(Vec::new()),
            Some(found) => records(&found.connection, &name, 0),
        }
    }

    /// How far the journal at `path` has come, without changing it; `None` when there is none.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn place(path: &Path) -> Result<Option<Place>, StorageError> {
        let Some(found) = sqlite::open_to_read(path, APPLICATION_ID, MIGRATIONS)? else {
            return Ok(None);
        };
        let failed = |error: rusqlite::Error| trouble(&path.display().to_string(), &error);
        if found.layout > 1 {
            return place(&found.connection).map(Some).map_err(failed);
        }
        // The first layout had no epochs.
        let last = "select coalesce(max(seq), 0) from events";
        let seq: i64 = found
            .connection
            .query_row(last, [], |row| row.get(0))
            .map_err(failed)?;
        Ok(Some(Place {
            journal: String::new(),
            epoch: 0,
            seq: seq.cast_unsigned(),
        }))
    }

    /// How far it has come.
    #[must_use]
    pub fn here(&self) -> &Place {
        &self.place
    }

    /// The user whose file it is.
    ///
    /// # Errors
    /// When the file is gone.
    pub(super) fn owner(&self) -> Result<u32, StorageError> {
        let there =
            std::fs::metadata(&self.path).map_err(|error| StorageError::io(&self.name, &error))?;
        Ok(there.uid())
    }

    /// All records, oldest first.
    ///
    /// # Errors
    /// When they can't be read, or hold something that this version does not understand.
    pub fn records(&self) -> Result<Vec<Record>, StorageError> {
        records(&self.connection, &self.name, 0)
    }

    /// The records behind the `seq`-th, oldest first.
    ///
    /// # Errors
    /// As [`SqliteJournal::records`].
    pub fn records_behind(&self, seq: u64) -> Result<Vec<Record>, StorageError> {
        records(&self.connection, &self.name, seq)
    }

    /// Asks SQLite whether the file is sound.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn quick_check(&self) -> Result<(), StorageError> {
        sqlite::quick_check(&self.connection, &self.name)
    }

    fn try_append(&mut self, records: &[Record]) -> Result<Place, StorageError> {
        if self.broken {
            let why = "it failed before, and takes nothing more in this process";
            return Err(StorageError::new(&self.name, why));
        }
        if identity(&self.path).ok() != Some(self.file) {
            let why = "another file was put in its place, or it was removed";
            return Err(fenced(&self.name, why));
        }
        let (name, ours) = (&self.name, &self.place);
        let failed = |error: rusqlite::Error| trouble(name, &error);
        let connection = &mut self.connection;
        blocking(|| {
            let change = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(failed)?;
            let found = place(&change).map_err(failed)?;
            if found != *ours {
                return Err(fenced(
                    name,
                    format!(
                        "another process took it over: it is in epoch {} at event {}, and this process left it in epoch \
                         {} at event {}",
                        found.epoch, found.seq, ours.epoch, ours.seq
                    ),
                ));
            }
            for record in records {
                insert(&change, record, name)?;
                project(&change, record, name)?;
            }
            // The projection has row ids of its own: what was appended is asked for.
            let place = place(&change).map_err(failed)?;
            change.commit().map_err(failed)?;
            Ok(place)
        })
    }
}

impl Journal for SqliteJournal {
    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        if records.is_empty() {
            return Ok(());
        }
        match self.try_append(records) {
            Ok(place) => {
                self.place = place;
                // What is in the journal counts; the mark only tells when an older journal is put in its place.
                if let Some(Err(error)) = self.mark.as_ref().map(|mark| mark.note(&self.place)) {
                    tracing::warn!("{error}");
                }
                Ok(())
            }
            Err(error) => {
                // Room may be made. After anything else nobody knows what is on the disk.
                self.broken = error.trouble != Trouble::Full;
                Err(error)
            }
        }
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.mark.as_ref().map(HighWater::sync) {
            tracing::warn!("{error}");
        }
    }
}

fn fenced(name: &str, why: impl std::fmt::Display) -> StorageError {
    StorageError::new(name, why).of(Trouble::Fenced)
}

fn identity(path: &Path) -> Result<(u64, u64), StorageError> {
    let there = std::fs::metadata(path)
        .map_err(|error| StorageError::io(path.display().to_string(), &error))?;
    Ok((there.dev(), there.ino()))
}

fn place(connection: &Connection) -> rusqlite::Result<Place> {
    let mut query = connection.prepare_cached(
        "select journal, epoch, (select coalesce(max(seq), 0) from events) from holder",
    )?;
    query.query_row([], |row| {
        Ok(Place {
            journal: row.get(0)?,
            epoch: row.get::<_, i64>(1)?.cast_unsigned(),
            seq: row.get::<_, i64>(2)?.cast_unsigned(),
        })
    })
}

fn records(connection: &Connection, path: &str, behind: u64) -> Result<Vec<Record>, StorageError> {
    let failed = |error: rusqlite::Error| trouble(path, &error);
    let mut query = connection
        .prepare("select run, at, body, seq, name from events where seq > ? order by seq")
        .map_err(failed)?;
    let mut rows = query.query([behind.cast_signed()]).map_err(failed)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let body = row.get_ref(2).map_err(failed)?;
        let event = serde_json::from_slice(body.as_bytes().unwrap_or_default());
        let event = event.map_err(|error| {
            let seq: i64 = row.get(3).unwrap_or_default();
            let name: String = row.get(4).unwrap_or_default();
            unreadable(path, &format!("event {seq} ({name})"), &error)
        })?;
        let run: Option<u32> = row.get(0).map_err(failed)?;
        let at = Timestamp(row.get(1).map_err(failed)?);
        records.push(Record {
            at,
            run: run.map(RunId),
            event,
        });
    }
    Ok(records)
}

/// Why `what` can't be understood: a newer millrun knows more kinds of things.
fn unreadable(path: &str, what: &str, error: &serde_json::Error) -> StorageError {
    let why = error.to_string();
    match why.strip_prefix("unknown variant ") {
        Some(rest) => {
            let unknown = rest.split(',').next().unwrap_or_default();
            let why = format!("{what} was written by a newer millrun: {unknown} is not known here");
            StorageError::new(path, why).of(Trouble::Newer)
        }
        None => {
            StorageError::new(path, format!("{what} can't be read: {why}")).of(Trouble::Damaged)
        }
    }
}

fn insert(change: &Transaction<'_>, record: &Record, path: &str) -> Result<(), StorageError> {
    let body =
        serde_json::to_string(&record.event).map_err(|error| StorageError::new(path, error))?;
    let run = record.run.map(|run| run.0);
    change
        .prepare_cached("insert into events (run, at, name, body) values (?, ?, ?, ?)")
        .and_then(|mut insert| insert.execute(params![run, record.at.0, record.event.name(), body]))
        .map(drop)
        .map_err(|error| trouble(path, &error))
}

#[cfg(test)]
mod tests;
