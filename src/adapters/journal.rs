//! The family's journal in SQLite: the events, and beside them a projection of the sends and jobs for those who look.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Transaction, params};

use super::journal_rows::project;
use super::sqlite::{self, blocking};
use crate::execute::ports::{Journal, StorageError};
use crate::plan::ids::RunId;
use crate::plan::remote::Timestamp;
use crate::run::event::Record;

/// `MLRJ`.
const APPLICATION_ID: i32 = 0x4d4c_524a;

const MIGRATIONS: &[&str] = &["
create table events (
    seq integer primary key,
    run integer,
    at integer not null,
    name text not null,
    body text not null
) strict;
create table sends (
    id integer primary key,
    idempotency_key text not null unique,
    send blob not null,
    content_sha256 text not null,
    part text not null,
    step text not null,
    attempt integer not null,
    hold_cents integer not null,
    state text not null,
    job_id text
) strict;
create index sends_by_send on sends (send);
create table jobs (
    id integer primary key,
    job_id text not null unique,
    part text not null,
    state text not null,
    next_poll_at integer,
    charged_cents integer
) strict;
"];

/// The journal of one family and origin.
#[derive(Debug)]
pub struct SqliteJournal {
    connection: Connection,
    path: String,
}

impl SqliteJournal {
    /// Opens the journal at `path`, creating it when it is not there.
    ///
    /// # Errors
    /// When it can't be opened or was written by a newer millrun.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let connection = sqlite::open(path, APPLICATION_ID, MIGRATIONS)?;
        Ok(Self {
            connection,
            path: path.display().to_string(),
        })
    }

    /// Reads all records of the journal at `path` without changing it; none when there is no journal.
    ///
    /// # Errors
    /// When it can't be read, or holds something that this version does not understand.
    pub fn read(path: &Path) -> Result<Vec<Record>, StorageError> {
        if !path.exists() {
            return Ok(Vec::new());
        }
        let name = path.display().to_string();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| StorageError::new(&name, error))?;
        if was_left_half_made(&connection) {
            return Ok(Vec::new());
        }
        match sqlite::layout(&connection, path, APPLICATION_ID, MIGRATIONS)? {
            // The process that made the file was killed before it got its tables.
            0 => Ok(Vec::new()),
            _ => records(&connection, &name),
        }
    }

    /// All records, oldest first.
    ///
    /// # Errors
    /// When they can't be read, or hold something that this version does not understand.
    pub fn records(&self) -> Result<Vec<Record>, StorageError> {
        records(&self.connection, &self.path)
    }
}

impl Journal for SqliteJournal {
    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        let path = &self.path;
        let failed = |error: rusqlite::Error| StorageError::new(path, error);
        let connection = &mut self.connection;
        blocking(|| {
            let change = connection
                .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
                .map_err(failed)?;
            for record in records {
                insert(&change, record, path)?;
                project(&change, record, path)?;
            }
            change.commit().map_err(failed)
        })
    }
}

/// Whether the process that made the file was killed while it turned the write-ahead log on: then a rollback journal lies
/// beside it, which whoever opens it for writing carries out. Nothing was ever recorded in such a file.
fn was_left_half_made(connection: &Connection) -> bool {
    let read = connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0));
    let error = read.err();
    let code = error.as_ref().and_then(rusqlite::Error::sqlite_error);
    code.is_some_and(|code| code.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

fn records(connection: &Connection, path: &str) -> Result<Vec<Record>, StorageError> {
    let failed = |error: rusqlite::Error| StorageError::new(path, error);
    let mut query = connection
        .prepare("select run, at, body, seq from events order by seq")
        .map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let body = row.get_ref(2).map_err(failed)?;
        let event = serde_json::from_slice(body.as_bytes().unwrap_or_default());
        let event = event.map_err(|error| {
            let seq: i64 = row.get(3).unwrap_or_default();
            StorageError::new(path, format!("event {seq} can't be read: {error}"))
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

fn insert(change: &Transaction<'_>, record: &Record, path: &str) -> Result<(), StorageError> {
    let body =
        serde_json::to_string(&record.event).map_err(|error| StorageError::new(path, error))?;
    let run = record.run.map(|run| run.0);
    change
        .prepare_cached("insert into events (run, at, name, body) values (?, ?, ?, ?)")
        .and_then(|mut insert| insert.execute(params![run, record.at.0, record.event.name(), body]))
        .map(drop)
        .map_err(|error| StorageError::new(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::content::{Content, Prompt};
    use crate::plan::ids::{PartId, StepId, StepRef};
    use crate::plan::key::{IdempotencyKey, LineageId, Salt, StepKey};
    use crate::plan::memory::SendId;
    use crate::plan::money::Cents;
    use crate::plan::remote::JobId;
    use crate::run::call::{Call, Endpoint};
    use crate::run::event::Event;

    struct Fixture {
        _folder: tempfile::TempDir,
        path: std::path::PathBuf,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        Fixture {
            path: folder.path().join("journal.db"),
            _folder: folder,
        }
    }

    impl Fixture {
        /// The database as another program sees it.
        fn connect(&self) -> Connection {
            Connection::open(&self.path).unwrap()
        }

        /// State and job of each attempt.
        fn sends(&self) -> Vec<(String, Option<String>)> {
            let connection = self.connect();
            let mut query = connection
                .prepare("select state, job_id from sends order by attempt")
                .unwrap();
            let rows = query
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            rows.map(Result::unwrap).collect()
        }
    }

    fn record(event: Event) -> Record {
        Record {
            at: Timestamp(1_700_000_000_000),
            run: Some(RunId(1)),
            event,
        }
    }

    fn call(endpoint: Endpoint) -> Call {
        Call {
            endpoint,
            status: Some(200),
            request_id: None,
            rate_limited: false,
        }
    }

    /// One create, `attempt` times.
    struct Create {
        send: SendId,
        content: Content,
    }

    impl Create {
        fn new() -> Self {
            let content = Content::Create {
                prompt: Prompt::new("a plate"),
                images: Vec::new(),
            };
            let key = StepKey::new(&content, None);
            let lineage = LineageId {
                create: key,
                ordinal: 0,
                generation: 0,
            };
            Self {
                send: SendId { lineage, key },
                content,
            }
        }

        fn intended(&self, attempt: u32) -> Record {
            let salt = Salt {
                name: "plates".to_owned(),
                uid: String::new(),
            };
            record(Event::Intended {
                send: self.send,
                step: StepRef {
                    part: PartId::new("p").unwrap(),
                    step: StepId::new("create").unwrap(),
                },
                content: self.content.clone(),
                target: None,
                attempt,
                key: IdempotencyKey::new(&salt, self.send.key, self.send.lineage, attempt),
                hold: Cents(200),
            })
        }

        fn accepted(&self, job: &str) -> Record {
            record(Event::Accepted {
                send: self.send,
                call: call(Endpoint::Create),
                job: JobId(job.to_owned()),
                next_poll_at: Timestamp(1_700_000_030_000),
            })
        }

        fn failed(&self) -> Record {
            record(Event::JobFailed {
                send: self.send,
                call: call(Endpoint::Job),
                charged: None,
                why: "the service failed the job".to_owned(),
                again_at: None,
            })
        }
    }

    #[test]
    fn a_failed_attempt_keeps_its_row_when_the_next_one_goes_on() {
        let f = fixture();
        let create = Create::new();
        let mut journal = SqliteJournal::open(&f.path).unwrap();
        let first = [create.intended(0), create.accepted("one"), create.failed()];
        journal.append(&first).unwrap();
        journal
            .append(&[create.intended(1), create.accepted("two")])
            .unwrap();
        let row = |state: &str, job: &str| (state.to_owned(), Some(job.to_owned()));
        assert_eq!(
            f.sends(),
            [row("job_failed", "one"), row("accepted", "two")]
        );
        let jobs: Vec<(String, String, String)> = f
            .connect()
            .prepare("select job_id, part, state from jobs order by job_id")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let job = |job: &str, state: &str| (job.to_owned(), "p".to_owned(), state.to_owned());
        assert_eq!(jobs, [job("one", "job_failed"), job("two", "accepted")]);
        assert_eq!(journal.records().unwrap().len(), 5);
    }

    #[test]
    fn a_journal_without_its_tables_yet_is_empty() {
        let f = fixture();
        assert_eq!(SqliteJournal::read(&f.path).unwrap(), []);
        std::fs::write(&f.path, "").unwrap();
        assert_eq!(SqliteJournal::read(&f.path).unwrap(), []);
        // The mode is set, the migration is not done.
        f.connect()
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        assert_eq!(SqliteJournal::read(&f.path).unwrap(), []);
        assert!(SqliteJournal::open(&f.path).is_ok());
    }

    /// The header of a rollback journal without a page in it, of a database of one page: as SQLite leaves it when it is
    /// killed while it turns the write-ahead log on.
    fn hot_journal() -> Vec<u8> {
        let mut header = vec![0; 512];
        header[..8].copy_from_slice(&[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
        header[20..24].copy_from_slice(&512_u32.to_be_bytes());
        header[24..28].copy_from_slice(&4_096_u32.to_be_bytes());
        header
    }

    #[test]
    fn a_journal_whose_maker_was_killed_is_empty_and_can_be_opened() {
        let f = fixture();
        // A page that is there, as the killed process wrote it.
        let page = f
            .connect()
            .execute_batch("create table t (x); drop table t");
        page.unwrap();
        let beside = f.path.with_file_name("journal.db-journal");
        std::fs::write(&beside, hot_journal()).unwrap();
        assert!(was_left_half_made(
            &Connection::open_with_flags(&f.path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
        ));
        assert_eq!(SqliteJournal::read(&f.path).unwrap(), []);
        assert_eq!(SqliteJournal::open(&f.path).unwrap().records().unwrap(), []);
    }

    #[test]
    fn a_journal_of_a_newer_version_is_not_taken_for_a_damaged_one() {
        let f = fixture();
        drop(SqliteJournal::open(&f.path).unwrap());
        f.connect().pragma_update(None, "user_version", 99).unwrap();
        for error in [
            SqliteJournal::read(&f.path).unwrap_err(),
            SqliteJournal::open(&f.path).unwrap_err(),
        ] {
            assert!(error.to_string().contains("newer millrun"), "{error}");
        }
    }
}
