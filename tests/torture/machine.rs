//! The machine of a night: a disk in memory or a real one, behind one fuse and one witness.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrun::adapters::content_store::{ContentStore, Objects};
use millrun::adapters::files::Output;
use millrun::adapters::journal::SqliteJournal;
use millrun::adapters::limits_db::LimitsDb;
use millrun::execute::ports::{Admission, Files, Journal, StorageError};
use millrun::plan::content::Digest;
use millrun::plan::memory::Published;
use millrun::plan::remote::{Stored, Timestamp};
use millrun::plan::settings::Limits;
use millrun::run::event::Record;
use millrun::schedule::slot::{Admittance, Class, SlotId};

use super::disk::Disk;
use super::fuse::Fuse;
use super::real::Folder;
use super::witness::Witness;

/// Where state and files are.
pub(super) enum Machine {
    Memory(Disk),
    Real(Folder),
}

/// What one process has open.
pub(super) struct Opened {
    pub(super) records: Vec<Record>,
    pub(super) journal: Fused<Box<dyn Journal>>,
    pub(super) objects: Arc<Fused<Arc<dyn Objects>>>,
    pub(super) files: Fused<Box<dyn Files>>,
}

impl Machine {
    pub(super) fn new(is_on_disk: bool) -> Self {
        if is_on_disk {
            Self::Real(Folder::new())
        } else {
            Self::Memory(Disk::default())
        }
    }

    pub(super) fn open(&self, fuse: &Fuse, witness: &Witness) -> Result<Opened, StorageError> {
        let (records, journal, objects, files): Parts = match self {
            Self::Memory(disk) => (
                disk.records(),
                Box::new(disk.clone()),
                Arc::new(disk.clone()),
                Box::new(disk.clone()),
            ),
            Self::Real(folder) => {
                let journal = SqliteJournal::open(&folder.path("journal.db"))?;
                let store = Arc::new(ContentStore::open(folder.path("objects"))?);
                let output = Output::new(Arc::clone(&store), folder.path("out"));
                (
                    journal.records()?,
                    Box::new(journal),
                    store,
                    Box::new(output),
                )
            }
        };
        Ok(Opened {
            records,
            journal: Fused::new(journal, fuse, witness),
            objects: Arc::new(Fused::new(objects, fuse, witness)),
            files: Fused::new(files, fuse, witness),
        })
    }

    pub(super) fn limits(
        &self,
        limits: &Limits,
        now: Timestamp,
        fuse: &Fuse,
        witness: &Witness,
    ) -> Result<Fused<Box<dyn Admission>>, StorageError> {
        let admission: Box<dyn Admission> = match self {
            Self::Memory(disk) => Box::new(disk.limits(limits, now)),
            Self::Real(folder) => Box::new(LimitsDb::open(&folder.path("limits.db"), limits, now)?),
        };
        Ok(Fused::new(admission, fuse, witness))
    }

    pub(super) fn records(&self) -> Vec<Record> {
        match self {
            Self::Memory(disk) => disk.records(),
            Self::Real(folder) => SqliteJournal::read(&folder.path("journal.db")).unwrap(),
        }
    }

    /// The files of the output folder.
    pub(super) fn published(&self) -> BTreeMap<String, Bytes> {
        match self {
            Self::Memory(disk) => disk.published(),
            Self::Real(folder) => folder.published(),
        }
    }
}

type Parts = (
    Vec<Record>,
    Box<dyn Journal>,
    Arc<dyn Objects>,
    Box<dyn Files>,
);

/// Passes everything on while its fuse burns, and tells the witness what is on the disk.
pub(super) struct Fused<T> {
    inner: T,
    fuse: Fuse,
    witness: Witness,
    /// Slots that are not on the disk yet.
    admitted: Vec<Class>,
}

impl<T> std::fmt::Debug for Fused<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fused").finish_non_exhaustive()
    }
}

impl<T> Fused<T> {
    fn new(inner: T, fuse: &Fuse, witness: &Witness) -> Self {
        Self {
            inner,
            fuse: fuse.clone(),
            witness: witness.clone(),
            admitted: Vec::new(),
        }
    }
}

impl Journal for Fused<Box<dyn Journal>> {
    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        self.fuse.write(|| {
            self.inner.append(records)?;
            self.witness.durable(records);
            Ok(())
        })
    }
}

impl Admission for Fused<Box<dyn Admission>> {
    fn admit(&mut self, classes: &[Class], now: Timestamp) -> Admittance {
        let admittance = self.inner.admit(classes, now);
        if let Admittance::Granted(_) = &admittance {
            self.admitted.extend_from_slice(classes);
        }
        admittance
    }

    fn answered(&mut self, slots: &[SlotId], now: Timestamp) {
        self.inner.answered(slots, now);
    }

    fn refused(&mut self, slots: &[SlotId], retry_after: Option<Duration>, now: Timestamp) {
        self.inner.refused(slots, retry_after, now);
    }

    fn commit(&mut self) -> Result<(), StorageError> {
        if self.admitted.is_empty() {
            return self.inner.commit();
        }
        let (inner, admitted, witness) = (&mut self.inner, &mut self.admitted, &self.witness);
        self.fuse.write(|| {
            inner.commit()?;
            witness.slots(admitted);
            admitted.clear();
            Ok(())
        })
    }
}

impl Objects for Fused<Arc<dyn Objects>> {
    fn put(&self, bytes: &[u8]) -> Result<Stored, StorageError> {
        self.fuse.elsewhere(|| self.inner.put(bytes))
    }
}

impl Files for Fused<Box<dyn Files>> {
    fn read(&self, digest: Digest) -> Result<Bytes, StorageError> {
        self.inner.read(digest)
    }

    fn publish(
        &self,
        wanted: &Path,
        stored: Stored,
        ours: Option<&Published>,
    ) -> Result<Published, StorageError> {
        self.fuse.write(|| self.inner.publish(wanted, stored, ours))
    }
}
