//! The log of effects: one JSON line each, on disk before anything they led to is answered.
//!
//! Requests put their effects into a shared buffer, in the order they happened. Whoever then waits first writes and
//! syncs all that has gathered, and those who wait behind find their effects durable already: hundreds of requests
//! in flight share one sync.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::effect::Entry;

const FILE_NAME: &str = "world.jsonl";

/// Why a simulator could not be opened or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The log could not be opened, read or written.
    #[error("the simulated world's log: {0}")]
    Io(#[from] io::Error),
    /// A whole line of the log is no effect.
    #[error("line {line} of the simulated world's log cannot be read: {source}")]
    Corrupt {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Another process has this world open.
    #[error("the simulated world is in use by another process")]
    InUse,
    /// The address can't be had, most often because its port is taken.
    #[error("the simulator can't listen on {address}: {source}")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The simulator is only ever served to its own machine.
    #[error("the simulator listens on loopback addresses only, not on {0}")]
    NotLoopback(std::net::SocketAddr),
}

/// The log could not be written: what was answered since its last sync may be lost, so nothing more is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogFailed;

/// Where effects go.
#[derive(Debug)]
pub(crate) enum Log {
    /// Nowhere: the world lives as long as the process.
    Memory,
    Disk(Arc<DiskLog>),
}

#[derive(Debug)]
pub(crate) struct DiskLog {
    queue: Mutex<Queue>,
    /// How many effects are durable.
    synced: AtomicU64,
    file: Arc<tokio::sync::Mutex<File>>,
}

impl Drop for DiskLog {
    /// Lets the world go at once: a process that was started meanwhile has the file too, until it runs its own program.
    fn drop(&mut self) {
        if let Ok(file) = self.file.try_lock() {
            let _ = file.unlock();
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    /// Lines not yet written.
    lines: Vec<u8>,
    /// Effects ever appended.
    appended: u64,
    failed: bool,
}

impl Log {
    /// Opens or creates the log in `dir` for this process alone, and reads back what it holds.
    pub(crate) fn open(dir: &Path) -> Result<(Self, Vec<Entry>), SimulatorError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(dir.join(FILE_NAME))?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => SimulatorError::InUse,
            fs::TryLockError::Error(error) => SimulatorError::Io(error),
        })?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let (entries, whole) = parse(&text)?;
        if whole < text.len() {
            file.set_len(whole as u64)?;
        }
        file.sync_all()?;
        File::open(dir)?.sync_all()?;
        let log = DiskLog {
            queue: Mutex::default(),
            synced: AtomicU64::new(0),
            file: Arc::new(tokio::sync::Mutex::new(file)),
        };
        Ok((Self::Disk(Arc::new(log)), entries))
    }

    /// Takes an effect in; it is durable once [`Log::durable`] says so.
    pub(crate) fn append(&self, entry: &Entry) {
        if let Self::Disk(log) = self {
            let mut queue = log.queue();
            match serde_json::to_writer(&mut queue.lines, entry) {
                Ok(()) => queue.lines.push(b'\n'),
                Err(_) => queue.failed = true,
            }
            queue.appended += 1;
        }
    }

    /// How many effects were appended: what [`Log::durable`] is to wait for.
    pub(crate) fn appended(&self) -> u64 {
        match self {
            Self::Memory => 0,
            Self::Disk(log) => log.queue().appended,
        }
    }

    /// Returns once the first `count` effects are on disk.
    pub(crate) async fn durable(&self, count: u64) -> Result<(), LogFailed> {
        let Self::Disk(log) = self else {
            return Ok(());
        };
        if log.has_synced(count) {
            return Ok(());
        }
        let file = Arc::clone(&log.file).lock_owned().await;
        if log.has_synced(count) {
            return Ok(());
        }
        // The guard goes along: a caller that is dropped meanwhile must not let the next one write beside this.
        let log = Arc::clone(log);
        match tokio::task::spawn_blocking(move || log.sync(file)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(LogFailed),
        }
    }
}

impl DiskLog {
    fn sync(&self, mut file: OwnedMutexGuard<File>) -> Result<(), LogFailed> {
        let (lines, appended) = {
            let mut queue = self.queue();
            if queue.failed {
                return Err(LogFailed);
            }
            (std::mem::take(&mut queue.lines), queue.appended)
        };
        // After a failed sync the pages count as clean: trying again would only seem to work.
        if file
            .write_all(&lines)
            .and_then(|()| file.sync_data())
            .is_err()
        {
            self.queue().failed = true;
            return Err(LogFailed);
        }
        self.synced.store(appended, Ordering::Release);
        Ok(())
    }

    fn has_synced(&self, count: u64) -> bool {
        self.synced.load(Ordering::Acquire) >= count
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the entries of a log and the length of its whole lines. The last line may be torn: a crash while it was
/// written, before anyone was answered.
fn parse(text: &[u8]) -> Result<(Vec<Entry>, usize), SimulatorError> {
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let entries = text[..whole]
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|source| SimulatorError::Corrupt {
                line: index + 1,
                source,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok((entries, whole))
}
