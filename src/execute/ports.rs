//! The ports: what the engine needs of the outside world, and what recovery relies on.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::plan::content::{ImageType, Prompt};

use crate::plan::digest::Digest;
use crate::plan::key::IdempotencyKey;
use crate::plan::memory::Published;
use crate::plan::remote::{ArtifactId, JobId, RevisionId, Stored, Timestamp};
use crate::run::control::{Command, CommandId};
use crate::run::event::Record;
use crate::run::history::History;
use crate::schedule::answer::Reply;
use crate::schedule::slot::{Admittance, Class, SlotId};

/// Storage failed: nothing further may be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct StorageError {
    /// What was being done, and where.
    pub what: String,
    /// What went wrong.
    pub why: String,
    /// What kind of trouble it is.
    pub trouble: Trouble,
    /// Records that could be written to no disk at all, one JSON object a line; empty: there are none.
    pub unsaved: String,
}

/// What kind of trouble storage is in: it decides what helps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trouble {
    /// None of the kinds below.
    #[default]
    Other,
    /// There is no room left, or no right to more of it.
    Full,
    /// It may not be written.
    ReadOnly,
    /// It is damaged, or no file of ours.
    Damaged,
    /// A newer millrun wrote it.
    Newer,
    /// A sync failed: what was written last may be there or not.
    Unsynced,
    /// Another process took the journal over, or put another in its place.
    Fenced,
}

impl StorageError {
    /// An error in doing `what`.
    pub fn new(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self {
            what: what.into(),
            why: why.to_string(),
            trouble: Trouble::Other,
            unsaved: String::new(),
        }
    }

    /// An error of the file system in doing `what`.
    pub fn io(what: impl Into<String>, why: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let trouble = match why.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Trouble::Full
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Trouble::ReadOnly,
            _ => Trouble::Other,
        };
        Self::new(what, why).of(trouble)
    }

    /// The same error, of this kind.
    #[must_use]
    pub fn of(self, trouble: Trouble) -> Self {
        Self { trouble, ..self }
    }
}

/// An image, as it is sent.
#[derive(Debug, Clone)]
pub struct ImageFile {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its type.
    pub image_type: ImageType,
}

/// A request to the service.
#[derive(Debug, Clone)]
pub enum Request {
    /// Start a job.
    Create {
        /// Makes a retry exact.
        key: IdempotencyKey,
        /// What to make.
        prompt: Prompt,
        /// Reference images.
        images: Vec<ImageFile>,
    },
    /// Send a follow-up on a job.
    FollowUp {
        /// Makes a retry exact.
        key: IdempotencyKey,
        /// The job.
        job: JobId,
        /// What to change.
        prompt: Prompt,
        /// Reference images.
        images: Vec<ImageFile>,
    },
    /// Ask the review assistant.
    Review {
        /// Makes a retry exact.
        key: IdempotencyKey,
        /// The job.
        job: JobId,
        /// What to look at.
        prompt: Prompt,
        /// The revision; the service takes the current one when it is absent.
        revision: Option<RevisionId>,
        /// What it is shown beside the model: a JSON object.
        viewer_state: Option<serde_json::Value>,
    },
    /// Look at a job.
    Job(JobId),
    /// Read a page of the job list: the first, or the one after this cursor.
    List(Option<String>),
    /// Read a job's history.
    History(JobId),
    /// Read a job's history and put it into the content store, as Markdown.
    Transcript(JobId),
    /// Read the balance.
    Balance,
    /// Fetch a file and put it into the content store. It must be a whole STEP file when `step` says so.
    Fetch {
        /// Which.
        artifact: ArtifactId,
        /// Whether it should be a STEP file.
        step: bool,
    },
}

/// The service. A call ends with a reply, whatever happens; it never retries and never waits for a limit.
/// Dropping the future gives the request up: it may still have been executed.
pub trait Api {
    /// Sends one request.
    fn call(&self, request: Request) -> BoxFuture<'static, Reply>;
}

/// The family's journal. What was appended is on disk when `append` returns; a crash keeps all of a call's records or none.
pub trait Journal {
    /// Appends `records`, in order.
    ///
    /// # Errors
    /// When they could not be made durable where they belong. Nothing may be sent from then on. Replies that still come may be
    /// offered: a journal that has a place of last resort keeps them there, any other refuses them.
    fn append(&mut self, records: &[Record]) -> Result<(), StorageError>;
}

/// Slots of rate limits, kept over restarts, perhaps shared with other processes. A slot whose request was out when its
/// process ended counts as used. An admittance that depends on what another process does is "not before" soon.
pub trait Admission {
    /// Takes a slot of every class, or of none.
    fn admit(&mut self, classes: &[Class], now: Timestamp) -> Admittance;

    /// The replies to the requests of `slots` came. Need not be durable: a lost reply counts as later, never as earlier.
    fn answered(&mut self, slots: &[SlotId], now: Timestamp);

    /// The requests of `slots` came back: the service told them to come later, and perhaps how much later.
    fn refused(&mut self, slots: &[SlotId], retry_after: Option<Duration>, now: Timestamp);

    /// Makes what was taken and refused durable; no request goes out before. A crash after this wastes slots and breaks
    /// no limit.
    ///
    /// # Errors
    /// When it could not be made durable.
    fn commit(&mut self) -> Result<(), StorageError>;
}

/// The content store and the output folder.
pub trait Files {
    /// The bytes under `digest`.
    ///
    /// # Errors
    /// When they are not there or not what the digest says.
    fn read(&self, digest: Digest) -> Result<Bytes, StorageError>;

    /// Publishes what is stored under `stored` at `wanted`, relative to the output folder. A file that is there already
    /// and is not `ours` (what we published there last) is kept, and the answer has another path.
    /// The file is there, whole and synced, or not at all.
    ///
    /// # Errors
    /// When it could not be written.
    fn publish(
        &self,
        wanted: &Path,
        stored: Stored,
        ours: Option<&Published>,
    ) -> Result<Published, StorageError>;
}

/// Time.
pub trait Clock {
    /// Now, on the engine's clock; never goes back.
    fn now(&self) -> Timestamp;

    /// Ends at `at`.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()>;

    /// How long the process has been at it, on the wall's clock, in milliseconds.
    fn wall_ms(&self) -> u64;
}

/// Somebody who watches a run: a progress bar, a log.
pub trait Observer {
    /// `record` is on disk; `history` is what is true after the turn that recorded it.
    fn observe(&mut self, record: &Record, history: &History);
}

/// What people ask of the run from beside it. Nothing that goes wrong here stops a run.
pub trait Control {
    /// The commands that came since the last look, oldest first; none of them twice, and none that the journal has.
    fn look(&mut self) -> Vec<Command>;

    /// Events of these commands are on disk.
    fn obeyed(&mut self, commands: &[CommandId]);

    /// Ends when it is time to look again; never when nothing can come.
    fn due(&self) -> BoxFuture<'static, ()>;
}

/// Nobody is beside the run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unattended;

impl Control for Unattended {
    fn look(&mut self) -> Vec<Command> {
        Vec::new()
    }

    fn obeyed(&mut self, _: &[CommandId]) {}

    fn due(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// How far a run is asked to stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopLevel {
    /// Go on.
    #[default]
    Go,
    /// Nothing new goes out; what is out may settle.
    Settle,
    /// At once.
    Now,
}

/// The outside world.
pub struct Ports<'a> {
    /// The service.
    pub api: &'a dyn Api,
    /// The journal.
    pub journal: &'a mut dyn Journal,
    /// The rate limits.
    pub admission: &'a mut dyn Admission,
    /// Files.
    pub files: &'a dyn Files,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Somebody who may ask something of the run.
    pub control: &'a mut dyn Control,
    /// Somebody who watches.
    pub observer: &'a mut dyn Observer,
}
