//! How SQLite is opened: settings that survive a power cut, and a version that is fit for them.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use crate::execute::ports::StorageError;

/// The first SQLite without the WAL-reset bug, in which two connections could lose commits.
const MIN_SQLITE: i32 = 3_051_003;
/// The write-ahead log is copied back when it has so many pages of 4 KiB: 32 MiB.
const WAL_PAGES: &str = "8192";

/// Opens the database at `path`, creating it when it is not there. `migrations` are run in order, from the one that the
/// file's `user_version` names; a file that is newer than all of them is refused.
///
/// # Errors
/// When the file can't be opened, is of another application, or is newer than this program.
pub fn open(
    path: &Path,
    application_id: i32,
    migrations: &[&str],
) -> Result<Connection, StorageError> {
    let failed = |error: rusqlite::Error| StorageError::new(path.display().to_string(), error);
    if rusqlite::version_number() < MIN_SQLITE {
        return Err(StorageError::new(
            "SQLite",
            format!(
                "version {} is too old: 3.51.3 is needed",
                rusqlite::version()
            ),
        ));
    }
    create_private(path)?;
    let mut connection = Connection::open(path).map_err(failed)?;
    connection
        .busy_timeout(Duration::from_secs(30))
        .map_err(failed)?;
    settle(&connection, path)?;
    let version = layout(&connection, path, application_id, migrations)?;
    if version < migrations.len() {
        let change = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        // Another process may have been faster.
        let version = layout(&change, path, application_id, migrations)?;
        for migration in &migrations[version..] {
            change.execute_batch(migration).map_err(failed)?;
        }
        change
            .pragma_update(None, "application_id", application_id)
            .map_err(failed)?;
        change
            .pragma_update(
                None,
                "user_version",
                u32::try_from(migrations.len()).unwrap_or(u32::MAX),
            )
            .map_err(failed)?;
        change.commit().map_err(failed)?;
    }
    Ok(connection)
}

/// How many of `migrations` the database at `path` has seen: none when the process that made it was killed before the first.
///
/// # Errors
/// When it is of another application, or newer than this program.
pub fn layout(
    connection: &Connection,
    path: &Path,
    application_id: i32,
    migrations: &[&str],
) -> Result<usize, StorageError> {
    let failed = |why: &dyn std::fmt::Display| StorageError::new(path.display().to_string(), why);
    let found: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|error| failed(&error))?;
    let version: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| failed(&error))?;
    if version > 0 && found != application_id {
        return Err(failed(&"it is not a file of millrun"));
    }
    match usize::try_from(version) {
        Ok(seen) if seen <= migrations.len() => Ok(seen),
        _ => Err(failed(&format!(
            "it was written by a newer millrun (version {version} of its layout)"
        ))),
    }
}

/// The settings that commits rely on.
fn settle(connection: &Connection, path: &Path) -> Result<(), StorageError> {
    let failed = |error: rusqlite::Error| StorageError::new(path.display().to_string(), error);
    // Without it SQLite prepares a statement anew for every value that could change its plan.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(failed)?;
    // SQLite keeps the old mode without an error where it can't have this one, as on a network file system.
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(failed)?;
    if !mode.eq_ignore_ascii_case("wal") {
        let why = format!(
            "a write-ahead log can't be kept here (journal_mode is {mode}): put the state on a disk of this machine \
             with --state"
        );
        return Err(StorageError::new(path.display().to_string(), why));
    }
    for (name, value) in [
        ("synchronous", "FULL"),
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
        // Copying back after every few commits would cost more syncs than the commits do.
        ("wal_autocheckpoint", WAL_PAGES),
    ] {
        connection
            .pragma_update(None, name, value)
            .map_err(failed)?;
    }
    #[cfg(target_os = "macos")]
    for name in ["fullfsync", "checkpoint_fullfsync"] {
        connection.pragma_update(None, name, "ON").map_err(failed)?;
    }
    Ok(())
}

/// The file exists with mode 0600 before SQLite opens it; the files that SQLite puts beside it inherit the mode.
fn create_private(path: &Path) -> Result<(), StorageError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let opened = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    opened
        .map(drop)
        .map_err(|error| StorageError::new(path.display().to_string(), error))
}

/// Runs `work`, which blocks, without holding up the other tasks of a runtime with several threads. On a runtime with one
/// thread, as in virtual time, it simply runs.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_takes_no_write_ahead_log_is_refused() {
        // A database in memory has none either.
        let connection = Connection::open_in_memory().unwrap();
        let error = settle(&connection, Path::new("journal.db")).unwrap_err();
        assert!(
            error.to_string().contains("journal_mode is memory"),
            "{error}"
        );
    }
}
