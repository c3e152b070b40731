//! The machine of a night: its state and its files, behind one fuse and one witness.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrun::adapters::content_store::ContentStore;
use millrun::adapters::files::Output;
use millrun::adapters::journal::SqliteJournal;
use millrun::adapters::limits_db::LimitsDb;
use millrun::execute::ports::{Admission, Files, Journal, StorageError};
use millrun::plan::digest::Digest;
use millrun::plan::memory::Published;
use millrun::plan::remote::{Stored, Timestamp};
use millrun::plan::settings::Limits;
use millrun::run::event::Record;
use millrun::schedule::slot::{Admittance, Class, SlotId};

use super::disk::Disk;
use super::draw::Draw;
use super::fuse::Fuse;
use super::real::Folder;
use super::volume::{ForgetfulVolume, Unsynced};
use super::witness::Witness;

/// Where state and files are. Files are in a folder; a journal and limits too, or in memory.
pub(super) struct Machine {
    folder: Folder,
    memory: Option<Disk>,
    unsynced: Unsynced,
}

/// What one process has open.
pub(super) struct Opened {
    pub(super) records: Vec<Record>,
    pub(super) journal: Fused<Box<dyn Journal>>,
    pub(super) objects: Arc<ContentStore>,
    pub(super) files: Fused<Output>,
}

impl Machine {
    pub(super) fn new(is_on_disk: bool) -> Self {
        Self {
            folder: Folder::new(),
            memory: (!is_on_disk).then(Disk::default),
            unsynced: Unsynced::default(),
        }
    }

    /// The folder of everything.
    pub(super) fn place(&self) -> &Path {
        self.folder.place()
    }

    pub(super) fn open(&self, fuse: &Fuse, witness: &Witness) -> Result<Opened, StorageError> {
        let (records, journal): (_, Box<dyn Journal>) = match &self.memory {
            Some(disk) => (disk.records(), Box::new(disk.clone())),
            None => {
                let journal = SqliteJournal::open(&self.folder.path("journal.db"))?;
                (journal.records()?, Box::new(journal))
            }
        };
        let volume = Arc::new(ForgetfulVolume {
            unsynced: self.unsynced.clone(),
            fuse: fuse.clone(),
        });
        let objects = Arc::new(ContentStore::open_on(volume, self.folder.path("objects"))?);
        let output = Output::new(Arc::clone(&objects), self.folder.path("out"));
        Ok(Opened {
            records,
            journal: Fused::new(journal, fuse, witness),
            objects,
            files: Fused::new(output, fuse, witness),
        })
    }

    pub(super) fn limits(
        &self,
        limits: &Limits,
        now: Timestamp,
        fuse: &Fuse,
        witness: &Witness,
    ) -> Result<Fused<Box<dyn Admission>>, StorageError> {
        let path = self.folder.path("limits.db");
        let admission: Box<dyn Admission> = match &self.memory {
            Some(disk) => Box::new(disk.limits(limits, now)),
            None => Box::new(LimitsDb::open(&path, limits, now)?),
        };
        Ok(Fused::new(admission, fuse, witness))
    }

    pub(super) fn records(&self) -> Vec<Record> {
        match &self.memory {
            Some(disk) => disk.records(),
            None => SqliteJournal::read(&self.folder.path("journal.db")).unwrap(),
        }
    }

    /// The files of the output folder.
    pub(super) fn published(&self) -> BTreeMap<String, Bytes> {
        self.folder.files("out")
    }

    /// The files of the content store.
    pub(super) fn objects(&self) -> BTreeMap<String, Bytes> {
        self.folder.files("objects")
    }

    /// The power fails. Says what is lost; a journal and limits lose nothing, as all of them is synced.
    pub(super) fn loses_power(&self, draw: &mut Draw) -> Vec<String> {
        self.unsynced.lose(draw)
    }
}

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

impl Files for Fused<Output> {
    fn read(&self, digest: Digest) -> Result<Bytes, StorageError> {
        self.inner.read(digest)
    }

    fn publish(
        &self,
        wanted: &Path,
        stored: Stored,
        ours: Option<&Published>,
    ) -> Result<Published, StorageError> {
        let published = self.inner.publish(wanted, stored, ours);
        self.fuse.unwind_if_dead();
        published
    }
}
