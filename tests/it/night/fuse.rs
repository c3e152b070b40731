//! A process that dies at a commit: what was written before is on the disk, and nothing after it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use millrun::adapters::journal::SqliteJournal;
use millrun::adapters::limits_db::LimitsDb;
use millrun::execute::ports::{Admission, Journal, StorageError};
use millrun::plan::remote::Timestamp;
use millrun::run::event::Record;
use millrun::schedule::slot::{Admittance, Class, SlotId};

use super::harness::Dies;

/// The process is gone.
pub(super) struct Death;

/// So many commits are left until the process dies.
pub(super) struct Fuse {
    pub(super) left: AtomicU32,
    pub(super) dies: Dies,
}

/// Passes everything on until its fuse has burnt down.
pub(super) struct Fused<'a, T> {
    pub(super) inner: T,
    pub(super) fuse: &'a Fuse,
}

impl<T> Fused<'_, T> {
    fn commit<E>(&mut self, commit: impl FnOnce(&mut T) -> Result<(), E>) -> Result<(), E> {
        let is_last = self.fuse.left.fetch_sub(1, Ordering::Relaxed) == 1;
        if !is_last || self.fuse.dies == Dies::AfterCommit {
            commit(&mut self.inner)?;
        }
        if is_last {
            std::panic::resume_unwind(Box::new(Death));
        }
        Ok(())
    }
}

impl Journal for Fused<'_, SqliteJournal> {
    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        self.commit(|journal| journal.append(records))
    }
}

impl Admission for Fused<'_, LimitsDb> {
    fn admit(&mut self, classes: &[Class], now: Timestamp) -> Admittance {
        self.inner.admit(classes, now)
    }

    fn answered(&mut self, slots: &[SlotId], now: Timestamp) {
        self.inner.answered(slots, now);
    }

    fn refused(&mut self, slots: &[SlotId], retry_after: Option<Duration>, now: Timestamp) {
        self.inner.refused(slots, retry_after, now);
    }

    fn commit(&mut self) -> Result<(), StorageError> {
        Fused::commit(self, Admission::commit)
    }
}
