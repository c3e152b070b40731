//! How SQLite is opened: settings that survive a power cut, and a version that is fit for them.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::execute::ports::StorageError;

/// The first SQLite without the WAL-reset bug, in which two connections could lose commits.
const MIN_SQLITE: i32 = 3_051_003;

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
    for (name, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
    ] {
        connection
            .pragma_update(None, name, value)
            .map_err(failed)?;
    }
    #[cfg(target_os = "macos")]
    for name in ["fullfsync", "checkpoint_fullfsync"] {
        connection.pragma_update(None, name, "ON").map_err(failed)?;
    }
    let missing = check(&connection, path, application_id, migrations)?;
    if !missing.is_empty() {
        let change = connection.transaction().map_err(failed)?;
        for migration in missing {
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

/// Makes sure that the file of `connection` is one that this program understands; the answer are the migrations that it
/// has not had yet.
///
/// # Errors
/// When it is of another application, is newer than this program, or can't be read.
pub fn check<'a>(
    connection: &Connection,
    path: &Path,
    application_id: i32,
    migrations: &'a [&'a str],
) -> Result<&'a [&'a str], StorageError> {
    let name = || path.display().to_string();
    let failed = |error: rusqlite::Error| StorageError::new(name(), error);
    let found: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(failed)?;
    let version: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    if version > 0 && found != application_id {
        return Err(StorageError::new(name(), "it is not a file of millrun"));
    }
    migrations.get(version as usize..).ok_or_else(|| {
        let why = format!("it was written by a newer millrun (version {version} of its layout)");
        StorageError::new(name(), why)
    })
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
