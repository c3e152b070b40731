//! What we know about the remote side: every send that was ever intended, and how far it came.
//!
//! A [`Memory`] is a fold of the family's journal, over all its runs. A *send* is one POST: it has an idempotency key,
//! and its life goes from an intent to a result. Steps come and go with the manifest; sends stay.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bill::Bills;
use super::content::Content;
use super::durations::Durations;
use super::gate::Approval;
use super::ids::{PartId, StepRef};
use super::key::{IdempotencyKey, LineageId, StepKey};
use super::ledger::Ledger;
use super::money::Cents;
use super::remote::{
    Artifact, ArtifactId, JobId, ReviewResult, RevisionId, Stored, Timestamp, WriteResult,
};

/// One send: the work `key` on the remote job `lineage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SendId {
    /// The remote job.
    pub lineage: LineageId,
    /// The work.
    pub key: StepKey,
}

/// The place of a send in [`Memory::sends`].
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

/// A person has to say what a part does with a job that is there: it may be the part's own, made before this state was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The create that the job may come from.
    pub create: StepKey,
    /// The jobs.
    pub jobs: Vec<JobId>,
    /// What was found.
    pub why: String,
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

/// One remote job as we know it, from the intent of its create on.
#[derive(Debug, Clone, Default)]
pub struct Lineage {
    /// The part it was made for last.
    pub part: Option<PartId>,
    /// The job, once the service has named it.
    pub job: Option<JobId>,
    /// Its sends, in the order of their first intents.
    pub sends: Vec<SendIx>,
    /// Its part is made anew on purpose: it is kept, and is no part's job any more.
    pub retired: bool,
}

/// The price of a job as the service showed it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The hold of a create or a follow-up.
    pub hold: Cents,
    /// The currency, such as `usd`; text of the service.
    pub currency: String,
}

/// A file that we published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The path that it should have, relative to the output folder.
    pub wanted: String,
    /// The path that it has: another one when somebody's edited file was in the way.
    pub path: String,
    /// What was in it.
    pub stored: Stored,
}

/// A job's conversation, as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transcript {
    /// The Markdown.
    pub stored: Stored,
    /// How much of what we sent was answered by then.
    pub answers: u32,
}

/// All that the journal says about the remote side.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Every remote job.
    pub lineages: BTreeMap<LineageId, Lineage>,
    /// The remote job that each part had last.
    pub last_jobs: BTreeMap<PartId, LineageId>,
    /// Every send, in the order of first intents.
    pub sends: Vec<Send>,
    /// The places of the sends.
    pub index: BTreeMap<SendId, SendIx>,
    /// Checks that passed.
    pub passed_checks: BTreeSet<SendId>,
    /// The conversations that were read, by job.
    pub transcripts: BTreeMap<LineageId, Transcript>,
    /// What people said to gates, by what they were asked about.
    pub approvals: BTreeMap<SendId, Approval>,
    /// What was published, by the path that it should have, relative to the output folder.
    pub published: BTreeMap<String, Published>,
    /// Every job that was ever ours, those that the service failed as well.
    pub jobs: BTreeMap<JobId, LineageId>,
    /// Whether it is known that no earlier state of this family left jobs behind, or which.
    pub scanned: bool,
    /// Creates that became known in a run, and were or are to be looked for before they are sent.
    pub late_creates: BTreeSet<StepKey>,
    /// Creates of which a job may be there already.
    pub claims: BTreeMap<StepKey, Claim>,
    /// The last price seen.
    pub price: Option<Price>,
    /// What was held and charged.
    pub ledger: Ledger,
    /// What each job was charged.
    pub bills: Bills,
    /// How many jobs the service works on for us, as far as we know.
    pub active_jobs: usize,
    /// The holds of all sends ever intended.
    pub intended_holds: Cents,
    /// The holds of sends without a clear answer that may still get one.
    pub open_holds: Cents,
    /// How long things took.
    pub durations: Durations,
    /// The last moment that was recorded.
    pub last_at: Timestamp,
}

impl Memory {
    /// The send at `ix`.
    #[must_use]
    pub fn send(&self, ix: SendIx) -> &Send {
        &self.sends[ix.0 as usize]
    }

    /// The send `id`, if it was ever intended.
    #[must_use]
    pub fn find(&self, id: &SendId) -> Option<&Send> {
        self.index.get(id).map(|ix| self.send(*ix))
    }

    /// All sends with their places.
    pub fn iter(&self) -> impl Iterator<Item = (SendIx, &Send)> {
        (0..).map(SendIx).zip(&self.sends)
    }

    /// The result of the write `id`, when it is paid: its files may still be on their way.
    #[must_use]
    pub fn write_result(&self, id: &SendId) -> Option<&WriteResult> {
        match &self.find(id)?.state {
            SendState::Applied(result) | SendState::Collecting(Collecting { result, .. }) => {
                Some(result)
            }
            _ => None,
        }
    }

    /// How much of what was sent to the job of `lineage` was answered: its conversation grows with it.
    #[must_use]
    pub fn answers(&self, lineage: &LineageId) -> u32 {
        let sends = self
            .lineages
            .get(lineage)
            .map(|known| known.sends.as_slice());
        let sends = sends.unwrap_or_default().iter().map(|ix| self.send(*ix));
        let answered = |send: &Send| {
            let is_answered = matches!(
                send.state,
                SendState::Applied(_)
                    | SendState::Collecting(_)
                    | SendState::Reviewed(_)
                    | SendState::Failed { .. }
            );
            send.attempt + u32::from(is_answered)
        };
        sends.map(answered).sum()
    }

    /// The conversation of the job of `lineage`, when nothing was answered since it was read.
    #[must_use]
    pub fn transcript(&self, lineage: &LineageId) -> Option<Stored> {
        let transcript = self.transcripts.get(lineage)?;
        (transcript.answers == self.answers(lineage)).then_some(transcript.stored)
    }

    /// The writes that changed the job for good or may have, in order.
    #[must_use]
    pub fn applied(&self, lineage: &Lineage) -> Vec<&Send> {
        let sends = lineage.sends.iter().map(|ix| self.send(*ix));
        sends
            .filter(|send| send.content.kind().is_write() && send.may_be_applied())
            .collect()
    }

    /// Whether `lineage` is no part's job any more, because its part is made anew on purpose.
    #[must_use]
    pub fn is_retired(&self, lineage: &LineageId) -> bool {
        self.lineages
            .get(lineage)
            .is_some_and(|known| known.retired)
    }

    /// What the job of `lineage` was charged in all; not the failed ones before it.
    #[must_use]
    pub fn charged(&self, lineage: &Lineage) -> Cents {
        let bill = lineage.job.as_ref().and_then(|job| self.bills.of(job));
        bill.map_or(Cents::ZERO, |bill| bill.charged)
    }

    /// What a write may cost: the larger of the hold and the dearest single charge seen; `None` before the first price.
    #[must_use]
    pub fn hold(&self) -> Option<Cents> {
        self.price
            .as_ref()
            .map(|price| price.hold.max(self.ledger.dearest()))
    }
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
