//! What we know about the remote side: every send that was ever intended, and how far it came.
//!
//! A [`Memory`] is a fold of the family's journal, over all its runs. A *send* is one POST: it has an idempotency key,
//! and its life goes from an intent to a result. Steps come and go with the manifest; sends stay.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bill::Bills;
use super::durations::Durations;
use super::gate::Approval;
use super::ids::PartId;
use super::key::{LineageId, StepKey};
use super::ledger::Ledger;
use super::money::Cents;
use super::remote::{JobId, Stored, Timestamp, WriteResult};
use super::send::{Collecting, Send, SendId, SendIx, SendState};

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

    /// The holds of all sends that wait for no answer any more: a balance that is asked for now knows of them, as far as
    /// they were executed.
    #[must_use]
    pub fn settled_holds(&self) -> Cents {
        self.intended_holds - self.open_holds
    }

    /// Sends that may still bring something home.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        let is_under_way = |send: &&Send| {
            matches!(
                send.state,
                SendState::Open(_) | SendState::Running(_) | SendState::Collecting(_)
            )
        };
        self.sends.iter().filter(is_under_way).count()
    }

    /// Jobs that are done and whose charge is still unknown.
    #[must_use]
    pub fn pending_charges(&self) -> usize {
        self.bills.iter().filter(|bill| bill.is_pending()).count()
    }
}
