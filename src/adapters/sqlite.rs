//! How SQLite is opened: settings that survive a power cut, a version that is fit for them, and a copy before each migration.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};

use crate::execute::ports::{StorageError, Trouble};

/// The first SQLite without the WAL-reset bug, in which two connections could lose commits.
const MIN_SQLITE: i32 = 3_051_003;
/// How often, and after which pause, it is tried to turn the write-ahead log on: for about as long as the busy timeout.
const WAL_TRIES: u32 = 3_000;
const WAL_PAUSE: Duration = Duration::from_millis(10);
/// The write-ahead log is copied back when it has so many pages of 4 KiB: 32 MiB.
const WAL_PAGES: &str = "8192";

/// Opens the database at `path`, creating it when it is not there. `migrations` are run in order, from the one that the
/// file's `user_version` names; a file that is newer than all of them is refused, and one that is older is copied first, to
/// the file that [`backup`] names.
///
/// # Errors
/// When the file can't be opened, is of another application, or is newer than this program.
pub fn open(
    path: &Path,
    application_id: i32,
    migrations: &[&str],
) -> Result<Connection, StorageError> {
    let failed = |error: rusqlite::Error| trouble(&path.display().to_string(), &error);
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
        if version > 0 {
            back_up(&connection, path, version)?;
        }
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

/// A database that is only looked at.
#[derive(Debug)]
pub(super) struct ToRead {
    pub(super) connection: Connection,
    /// How many migrations it has seen; at least one.
    pub(super) layout: usize,
    /// A copy that is looked at in its place.
    _copy: Option<tempfile::TempDir>,
}

/// Opens the database at `path` without changing it; `None` when there is none, or it has no tables yet.
///
/// # Errors
/// When it can't be read, is of another application, or is newer than this program.
pub(super) fn open_to_read(
    path: &Path,
    application_id: i32,
    migrations: &[&str],
) -> Result<Option<ToRead>, StorageError> {
    if !path.exists() {
        return Ok(None);
    }
    let look = |path: &Path| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| trouble(&path.display().to_string(), &error))?;
        connection
            .busy_timeout(Duration::from_secs(30))
            .map_err(|error| trouble(&path.display().to_string(), &error))?;
        if was_left_half_made(&connection) {
            return Ok((connection, 0));
        }
        layout(&connection, path, application_id, migrations).map(|layout| (connection, layout))
    };
    let (looked, copy) = match look(path) {
        Err(error) if error.trouble == Trouble::ReadOnly => {
            // SQLite has to write beside a write-ahead log even to read. Where nobody may write, a copy tells the same.
            let copy = copy_of(path)?;
            let name = path.file_name().unwrap_or_default();
            (look(&copy.path().join(name))?, Some(copy))
        }
        other => (other?, None),
    };
    let (connection, layout) = looked;
    Ok((layout > 0).then_some(ToRead {
        connection,
        layout,
        _copy: copy,
    }))
}

/// The database at `path` and its write-ahead log, copied to where it can be opened.
fn copy_of(path: &Path) -> Result<tempfile::TempDir, StorageError> {
    let io = |error: std::io::Error| StorageError::io(path.display().to_string(), &error);
    let folder = tempfile::tempdir().map_err(io)?;
    let name = path.file_name().unwrap_or_default();
    std::fs::copy(path, folder.path().join(name)).map_err(io)?;
    let beside = |suffix: &str| {
        let mut name = name.to_owned();
        name.push(suffix);
        name
    };
    let log = path.with_file_name(beside("-wal"));
    if log.exists() {
        std::fs::copy(&log, folder.path().join(beside("-wal"))).map_err(io)?;
    }
    Ok(folder)
}

/// Asks SQLite whether the file is sound.
///
/// # Errors
/// What is wrong with it.
pub(super) fn quick_check(connection: &Connection, name: &str) -> Result<(), StorageError> {
    let told: String = connection
        .query_row("pragma quick_check(1)", [], |row| row.get(0))
        .map_err(|error| trouble(name, &error))?;
    if told == "ok" {
        Ok(())
    } else {
        Err(StorageError::new(name, format!("it is damaged: {told}")).of(Trouble::Damaged))
    }
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
    let name = path.display().to_string();
    let failed = |error: rusqlite::Error| trouble(&name, &error);
    // The version first: whoever makes the file in between writes both at once.
    let version: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    let found: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(failed)?;
    if version > 0 && found != application_id {
        let error = StorageError::new(&name, "it is not a file of millrun");
        return Err(error.of(Trouble::Damaged));
    }
    match usize::try_from(version) {
        Ok(seen) if seen <= migrations.len() => Ok(seen),
        _ => Err(StorageError::new(
            &name,
            format!("it was written by a newer millrun (version {version} of its layout)"),
        )
        .of(Trouble::Newer)),
    }
}

/// Where the database at `path` is copied to before it leaves layout `version`.
#[must_use]
pub fn backup(path: &Path, version: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}.bak"));
    name.into()
}

/// Copies the database as it is now, whole and synced, for nobody but the user. A copy that is there already was made by a
/// process that was killed before it could migrate: it is replaced.
fn back_up(connection: &Connection, path: &Path, version: usize) -> Result<(), StorageError> {
    let wanted = backup(path, version);
    let name = wanted.display().to_string();
    let folder = path.parent().unwrap_or(Path::new("."));
    let io = |error: std::io::Error| StorageError::io(&name, &error);
    // SQLite writes into a file that is there only when it is empty, and then keeps its mode: 0600.
    let temporary = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    let target = temporary.path().to_string_lossy();
    connection
        .execute("vacuum into ?1", [&target])
        .map_err(|error| trouble(&name, &error))?;
    temporary.as_file().sync_all().map_err(io)?;
    temporary
        .persist(&wanted)
        .map_err(|error| io(error.error))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io)
}

/// An error of SQLite in doing `what`, and what kind of trouble it means.
pub(super) fn trouble(what: &str, error: &rusqlite::Error) -> StorageError {
    let kind = match error.sqlite_error() {
        None => Trouble::Other,
        Some(error) => match (error.code, error.extended_code) {
            // A quota that is used up, and a file that may not grow, are told as a write that failed.
            (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_WRITE) => Trouble::Full,
            (_, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => Trouble::Unsynced,
            (ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen, _) => {
                Trouble::ReadOnly
            }
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Trouble::Damaged,
            _ => Trouble::Other,
        },
    };
    StorageError::new(what, error).of(kind)
}

/// Turns the write-ahead log on; the answer is the mode that the file has then. The busy timeout does not hold here: where
/// several processes make a file at once, SQLite tells all but one of them at once that it is locked.
fn write_ahead(connection: &Connection) -> rusqlite::Result<String> {
    let mut tries = 0;
    loop {
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        let code = mode
            .as_ref()
            .err()
            .and_then(rusqlite::Error::sqlite_error_code);
        let is_busy = matches!(
            code,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        );
        if !is_busy || tries >= WAL_TRIES {
            return mode;
        }
        tries += 1;
        std::thread::sleep(WAL_PAUSE);
    }
}

/// The settings that commits rely on.
fn settle(connection: &Connection, path: &Path) -> Result<(), StorageError> {
    let failed = |error: rusqlite::Error| trouble(&path.display().to_string(), &error);
    // Without it SQLite prepares a statement anew for every value that could change its plan.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(failed)?;
    // SQLite keeps the old mode without an error where it can't have this one, as on a network file system.
    let mode = write_ahead(connection).map_err(failed)?;
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

/// The file exists with mode 0600 before SQLite opens it; the files that SQLite puts beside it inherit the mode. One that is
/// there is left alone: opening and closing it would let go of the locks that another connection of this process has.
fn create_private(path: &Path) -> Result<(), StorageError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let opened = std::fs::OpenOptions::new()
        .create_new(true)
        .append(true)
        .mode(0o600)
        .open(path);
    match opened {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StorageError::io(path.display().to_string(), &error))
        }
        _ => Ok(()),
    }
}

/// Whether the process that made the file was killed while it turned the write-ahead log on: then a rollback journal lies
/// beside it, which whoever opens it for writing carries out. Nothing was ever recorded in such a file.
fn was_left_half_made(connection: &Connection) -> bool {
    let read = connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0));
    let error = read.err();
    let code = error.as_ref().and_then(rusqlite::Error::sqlite_error);
    code.is_some_and(|code| code.extended_code == ffi::SQLITE_READONLY_ROLLBACK)
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
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const FIRST: &str = "create table one (n integer);";

    #[test]
    fn a_database_is_copied_before_each_migration_and_the_copy_is_the_users_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let first = open(&path, 7, &[FIRST]).unwrap();
        first.execute("insert into one values (1)", []).unwrap();
        drop(first);
        let copy = backup(&path, 1);
        // What a killed process left is replaced.
        std::fs::write(&copy, "half").unwrap();
        let second = open(&path, 7, &[FIRST, "drop table one;"]).unwrap();
        assert!(second.prepare("select * from one").is_err());
        let kept = Connection::open(&copy).unwrap();
        let n: i64 = kept
            .query_row("select n from one", [], |row| row.get(0))
            .unwrap();
        let version: u32 = kept
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!((n, version), (1, 1));
        let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // A fresh one, and one that is not older, need no copy.
        drop(open(&path, 7, &[FIRST, "drop table one;"]).unwrap());
        drop(open(&folder.path().join("b.db"), 7, &[FIRST]).unwrap());
        let copies = std::fs::read_dir(folder.path()).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().ends_with(".bak")
        });
        assert_eq!(copies.count(), 1);
    }

    #[test]
    fn a_full_disk_and_a_damaged_file_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let full = open(&path, 7, &[FIRST]).unwrap();
        full.pragma_update(None, "max_page_count", 2).unwrap();
        let error = full
            .execute_batch("create table two (n integer); create table three (n integer);")
            .unwrap_err();
        assert_eq!(trouble("a", &error).trouble, Trouble::Full, "{error}");
        drop(full);
        std::fs::write(&path, "no database, but long enough. ".repeat(100)).unwrap();
        let error = open(&path, 7, &[FIRST]).unwrap_err();
        assert_eq!(error.trouble, Trouble::Damaged, "{error}");
    }

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
