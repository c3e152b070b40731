//! A send: one POST, from its intent to its result. It has an idempotency key, and it outlives the manifest that asked for it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::content::Content;
use super::ids::StepRef;
use super::key::{IdempotencyKey, LineageId, StepKey};
use super::money::Cents;
use super::remote::{
    Artifact, ArtifactId, JobId, ReviewResult, RevisionId, Timestamp, WriteResult,
};

/// One send: the work `key` on the remote job `lineage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SendId {
    /// The remote job.
    pub lineage: LineageId,
    /// The work.
    pub key: StepKey,
}

/// The place of a send in [`Memory::sends`](super::memory::Memory::sends).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendIx(pub u32);

/// One POST, from its intent to its result.
#[derive(Debug, Clone)]
pub struct Send {
    /// Which send.
    pub id: SendId,
    /// The step that asked for it last.
    pub step: StepRef,
    /// What is sent; stored, so that a retry is the same bytes whatever the manifest says now.
    pub content: Content,
    /// How often the service itself failed the same work before.
    pub attempt: u32,
    /// The header that makes a retry exact.
    pub key: IdempotencyKey,
    /// What it reserves; once its job ended, the job's bill has what is still held.
    pub hold: Cents,
    /// The job that a follow-up or review is about; `None` for a create.
    pub target: Option<Target>,
    /// How far it came.
    pub state: SendState,
}

/// What a follow-up or a review is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The job.
    pub job: JobId,
    /// The revision that a review looks at.
    pub revision: Option<RevisionId>,
}

/// How far a send came. It goes down this list; one that is refused, postponed or failed may be sent anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendState {
    /// Its intent is on disk and it had no clear answer: it may have been executed.
    Open(Open),
    /// The service accepted it and works on it.
    Running(Running),
    /// The service is done and was paid; the files are on their way home.
    Collecting(Collecting),
    /// A write is done and its files are at home.
    Applied(WriteResult),
    /// A review was answered.
    Reviewed(ReviewResult),
    /// A clear answer: it was not executed.
    Refused(Refusal),
    /// It was clearly not executed, and may be later: with the same key, once its step starts anew.
    Postponed {
        /// What came instead of an answer.
        why: String,
        /// How often it went out in vain.
        sends: u32,
        /// How often it was looked for at the service and was not there.
        absences: u32,
        /// Not before.
        again_at: Timestamp,
    },
    /// The service failed the job. `again_at` is when the next attempt may start; `None`: not in the same run.
    Failed {
        /// What the service said.
        why: String,
        /// When the next attempt may start.
        again_at: Option<Timestamp>,
    },
    /// We can't tell what became of it, and money is at stake.
    Unresolved {
        /// What happened.
        why: String,
        /// How far it had come: the next run looks again.
        before: Before,
    },
}

/// A send without a clear answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// When its intent was recorded.
    pub since: Timestamp,
    /// How often it went out.
    pub sends: u32,
    /// Whether one of them had no answer: then a later refusal proves nothing.
    pub tainted: bool,
    /// When it goes out again; `None` while a request is out, and while it is in doubt.
    pub retry_at: Option<Timestamp>,
    /// It is looked for at the service before anything else is done about it.
    pub doubt: Option<Doubt>,
    /// How often it was looked for and was not there, so that it went out again.
    pub absences: u32,
}

/// Whether a send was executed is in doubt: a repetition proves nothing, or the service may have forgotten its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What raised it.
    pub why: String,
    /// When it is looked for next.
    pub look_at: Timestamp,
    /// When it was looked for first and was not there: it may still be on its way.
    pub unseen_since: Option<Timestamp>,
}

/// How far a send had come when it became unresolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// It went out.
    Sent(Open),
    /// The service had accepted it.
    Accepted(Running),
}

/// A job or follow-up at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// When the service accepted it.
    pub since: Timestamp,
    /// The service told us not to ask before.
    pub next_poll_at: Timestamp,
    /// The wait that it told us last, or that we took when it told none.
    pub wait: Duration,
    /// A poll is out.
    pub polling: bool,
    /// How many polls in a row told nothing about it.
    pub unclear: u32,
}

/// A paid result on its way home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collecting {
    /// The result, with what is at home already.
    pub result: WriteResult,
    /// How often each file that is missing was asked for in vain.
    pub tries: BTreeMap<ArtifactId, u32>,
    /// When the next one is asked for; `None`: given up until the next run.
    pub retry_at: Option<Timestamp>,
}

impl Collecting {
    /// How often `artifact` was asked for in vain.
    #[must_use]
    pub fn tries_of(&self, artifact: &ArtifactId) -> u32 {
        self.tries.get(artifact).copied().unwrap_or(0)
    }

    /// The file to ask for next: one that is missing, of these one that failed least.
    #[must_use]
    pub fn next(&self) -> Option<&Artifact> {
        let missing = self.result.missing();
        missing.min_by_key(|artifact| self.tries_of(&artifact.id))
    }
}

/// A clear refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind.
    pub cause: RefusalCause,
    /// The service's error code.
    pub code: String,
    /// The service's words.
    pub message: String,
}

/// Why the service refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCause {
    /// The workspace lacks money.
    Money,
    /// The API key or its scope.
    Key,
    /// The request itself.
    Request,
}

impl Send {
    /// Whether it changed its job for good, or may have.
    #[must_use]
    pub fn may_be_applied(&self) -> bool {
        !matches!(
            self.state,
            SendState::Refused(_) | SendState::Postponed { .. } | SendState::Failed { .. }
        )
    }

    /// What it reserves while it has no clear answer.
    #[must_use]
    pub fn open_hold(&self) -> Cents {
        if matches!(self.state, SendState::Open(_)) {
            self.hold
        } else {
            Cents::ZERO
        }
    }

    /// Whether it may be sent with its step's next start: it was clearly not executed, or the service failed it.
    #[must_use]
    pub fn may_start_anew(&self) -> bool {
        !self.may_be_applied()
    }

    /// When its step may start anew, where that has to wait.
    #[must_use]
    pub fn again_at(&self) -> Option<Timestamp> {
        match &self.state {
            SendState::Postponed { again_at, .. } => Some(*again_at),
            SendState::Failed { again_at, .. } => *again_at,
            _ => None,
        }
    }

    /// Whether only the service's records or a person can tell if it was executed.
    #[must_use]
    pub fn is_in_question(&self) -> bool {
        let is_unresolved = matches!(
            self.state,
            SendState::Unresolved {
                before: Before::Sent(_),
                ..
            }
        );
        is_unresolved || self.doubt().is_some()
    }

    /// Whether it is in doubt, and when it is looked for.
    #[must_use]
    pub fn doubt(&self) -> Option<&Doubt> {
        match &self.state {
            SendState::Open(open) => open.doubt.as_ref(),
            _ => None,
        }
    }

    /// Whether the service works on it, as far as we know: it takes one of our `active_jobs`.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.content.kind().is_write()
            && matches!(self.state, SendState::Open(_) | SendState::Running(_))
    }
}
