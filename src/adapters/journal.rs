//! The family's journal in SQLite: the events, and beside them a projection of the sends and jobs for those who look.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Transaction, params};

use super::sqlite::{self, blocking};
use crate::execute::ports::{Journal, StorageError};
use crate::plan::content::Digest;
use crate::plan::ids::RunId;
use crate::plan::memory::SendId;
use crate::plan::remote::Timestamp;
use crate::run::event::{Event, Record};

/// `MLRJ`.
const APPLICATION_ID: i32 = 0x4d4c_524a;

const MIGRATIONS: &[&str] = &["
create table events (
    seq integer primary key,
    run integer,
    at integer not null,
    name text not null,
    body text not null check (json_valid(body))
) strict;
create table sends (
    idempotency_key text primary key,
    send text not null,
    content_sha256 text not null,
    part text not null,
    step text not null,
    attempt integer not null,
    hold_cents integer not null,
    state text not null,
    job_id text
) strict, without rowid;
create index sends_by_send on sends (send);
create table jobs (
    job_id text primary key,
    part text not null,
    state text not null,
    next_poll_at integer,
    charged_cents integer
) strict, without rowid;
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
        let missing = sqlite::check(&connection, path, APPLICATION_ID, MIGRATIONS)?;
        if missing.len() == MIGRATIONS.len() {
            // Whoever made the file died before anything was in it.
            return Ok(Vec::new());
        }
        records(&connection, &name)
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

/// Keeps the rows of sends and jobs as the event says.
fn project(change: &Transaction<'_>, record: &Record, path: &str) -> Result<(), StorageError> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        let done = change
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values));
        done.map_err(|error| StorageError::new(path, error))
    };
    let state = record.event.name();
    match &record.event {
        Event::Intended {
            send,
            step,
            content,
            target,
            attempt,
            key,
            hold,
        } => {
            let json = serde_json::to_string(&(content, target))
                .map_err(|error| StorageError::new(path, error))?;
            let digest = Digest::of(json.as_bytes()).to_string();
            let kept = run(
                "insert into sends values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 on conflict (idempotency_key) do update set state = ?8, hold_cents = ?7 where content_sha256 = ?3",
                &[
                    &key.as_str(),
                    &text(send),
                    &digest,
                    &step.part.as_str(),
                    &step.step.as_str(),
                    attempt,
                    &hold.0,
                    &state,
                    &target.as_ref().map(|target| &target.job.0),
                ],
            )?;
            if kept == 0 {
                return Err(StorageError::new(
                    path,
                    format!("the idempotency key of {step} was used for something else"),
                ));
            }
        }
        Event::Accepted {
            send,
            job,
            next_poll_at,
            ..
        } => {
            run(
                "update sends set state = ?2, job_id = ?3 where send = ?1",
                &[&text(send), &state, &job.0],
            )?;
            run(
                "insert into jobs (job_id, part, state, next_poll_at)
                 select ?1, part, ?2, ?3 from sends where send = ?4 order by attempt desc limit 1
                 on conflict (job_id) do update set state = ?2, next_poll_at = ?3",
                &[&job.0, &state, &next_poll_at.0, &text(send)],
            )?;
        }
        Event::PollSent { send, next_poll_at }
        | Event::Polled {
            send, next_poll_at, ..
        } => {
            run(
                "update jobs set next_poll_at = ?2 where job_id = (select job_id from sends where send = ?1 order by attempt desc limit 1)",
                &[&text(send), &next_poll_at.0],
            )?;
        }
        Event::Completed { send, .. } | Event::JobFailed { send, .. } => {
            let charged = match &record.event {
                Event::Completed { result, .. } => result.charged,
                Event::JobFailed { charged, .. } => *charged,
                _ => None,
            };
            run(
                "update sends set state = ?2 where send = ?1",
                &[&text(send), &state],
            )?;
            run(
                "update jobs set state = ?2, next_poll_at = null, charged_cents = coalesce(?3, charged_cents)
                 where job_id = (select job_id from sends where send = ?1 order by attempt desc limit 1)",
                &[&text(send), &state, &charged.map(|charged| charged.0)],
            )?;
        }
        event => {
            if let Some(send) = event.send() {
                run(
                    "update sends set state = ?2 where send = ?1",
                    &[&text(send), &state],
                )?;
            }
        }
    }
    Ok(())
}

fn text(send: &SendId) -> String {
    let lineage = send.lineage;
    format!(
        "{}/{}.{}/{}",
        lineage.create, lineage.ordinal, lineage.generation, send.key
    )
}
