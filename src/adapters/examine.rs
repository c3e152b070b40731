//! Looking a journal over without changing it: is the file sound, and do its rows say what its events say?

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::journal_layout::{APPLICATION_ID, MIGRATIONS};
use super::journal_rows::project;
use super::sqlite::{open_to_read, quick_check, trouble};
use crate::execute::ports::StorageError;
use crate::run::event::Record;

/// The projections of the events, and what their rows are known by.
const PROJECTIONS: [(&str, &str); 2] = [
    ("sends", "select * from sends order by idempotency_key"),
    ("jobs", "select * from jobs order by job_id"),
];

/// Asks SQLite whether the journal at `path` is sound. The answer is the version of its layout, and the newest one; `None`
/// when there is no journal.
///
/// # Errors
/// What is wrong with it.
pub fn is_sound(path: &Path) -> Result<Option<(usize, usize)>, StorageError> {
    let Some(found) = open_to_read(path, APPLICATION_ID, MIGRATIONS)? else {
        return Ok(None);
    };
    quick_check(&found.connection, &path.display().to_string())?;
    Ok(Some((found.layout, MIGRATIONS.len())))
}

/// The projections in the journal at `path` that differ from what `records` come to.
///
/// # Errors
/// When it can't be read.
pub fn stale_projections(
    path: &Path,
    records: &[Record],
) -> Result<Vec<&'static str>, StorageError> {
    let name = path.display().to_string();
    let failed = |error: rusqlite::Error| trouble(&name, &error);
    let Some(found) = open_to_read(path, APPLICATION_ID, MIGRATIONS)? else {
        return Ok(Vec::new());
    };
    let mut fresh = Connection::open_in_memory().map_err(failed)?;
    for migration in MIGRATIONS {
        fresh.execute_batch(migration).map_err(failed)?;
    }
    let change = fresh.transaction().map_err(failed)?;
    for record in records {
        project(&change, record, &name)?;
    }
    change.commit().map_err(failed)?;
    let mut stale = Vec::new();
    for (table, query) in PROJECTIONS {
        let there = rows(&found.connection, query).map_err(failed)?;
        if there != rows(&fresh, query).map_err(failed)? {
            stale.push(table);
        }
    }
    Ok(stale)
}

/// All rows without their ids, which say only in which order they came.
fn rows(connection: &Connection, query: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut query = connection.prepare(query)?;
    let columns = query.column_count();
    let rows = query.query_map(params![], |row| {
        (1..columns).map(|at| row.get(at)).collect()
    })?;
    rows.collect()
}

/// The version of SQLite in this program.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
