//! Who shares the slots. Each process holds the lock of a file of its own as long as it lives: the system lets it go when
//! the process ends, however it ends. Process ids are told, never relied on.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::clock::wall_now_ms;
use super::private_folder::make_private;
use crate::execute::ports::StorageError;

/// The number of a process that shares slots; it is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HolderId(pub(super) i64);

/// The lock that shows that a process is alive.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) id: HolderId,
    _alive: File,
}

/// A process that shares slots, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderRow {
    /// Its process id.
    pub pid: u32,
    /// Which family it runs.
    pub family: String,
    /// Since when, by the wall's clock, in milliseconds.
    pub since_ms: i64,
    pub(super) id: HolderId,
}

/// The folder of the locks of the database at `path`.
fn folder(path: &Path) -> PathBuf {
    path.with_extension("holders")
}

fn lock_file(path: &Path, id: HolderId) -> PathBuf {
    folder(path).join(id.0.to_string())
}

/// Enters this process as a holder. Its lock is held before others can see it.
pub(super) fn enter(
    connection: &Connection,
    path: &Path,
    family: &str,
) -> Result<Holder, StorageError> {
    let failed = |why: &dyn std::fmt::Display| StorageError::new(path.display().to_string(), why);
    make_private(&folder(path))?;
    let inserted = connection.execute(
        "insert into holders (pid, family, since) values (?, ?, ?)",
        params![std::process::id(), family, wall_now_ms()],
    );
    inserted.map_err(|error| failed(&error))?;
    let id = HolderId(connection.last_insert_rowid());
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(lock_file(path, id))
        .map_err(|error| failed(&error))?;
    file.try_lock().map_err(|error| failed(&error))?;
    Ok(Holder { id, _alive: file })
}

/// Whether the process of `id` lives.
pub(super) fn is_alive(path: &Path, id: HolderId) -> bool {
    match File::open(lock_file(path, id)) {
        // A shared lock: two that look at once are no sign of life to each other.
        Ok(file) => file.try_lock_shared().is_err(),
        Err(_) => false,
    }
}

/// Takes a holder that is gone out of the list.
pub(super) fn forget(connection: &Connection, path: &Path, id: HolderId) -> rusqlite::Result<()> {
    connection.execute("delete from holders where id = ?", [id.0])?;
    connection.execute("delete from waits where holder = ?", [id.0])?;
    // A file that stays behind does no harm: its number is never given again.
    let _ = fs::remove_file(lock_file(path, id));
    Ok(())
}

/// All that are in the list, the oldest first.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<HolderRow>> {
    let mut rows =
        connection.prepare_cached("select id, pid, family, since from holders order by id")?;
    let rows = rows.query_map([], |row| {
        Ok(HolderRow {
            id: HolderId(row.get(0)?),
            pid: row.get(1)?,
            family: row.get(2)?,
            since_ms: row.get(3)?,
        })
    })?;
    rows.collect()
}

/// Whether anybody but `me` is in the list.
pub(super) fn has_others(connection: &Connection, me: HolderId) -> rusqlite::Result<bool> {
    let mut other = connection.prepare_cached("select 1 from holders where id <> ? limit 1")?;
    Ok(other.query_row([me.0], |_| Ok(())).optional()?.is_some())
}
