//! What a report knows of a run: made from the fold of its events, and the same for every format.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::gates::{self, Gate};
use super::orphans::Orphan;
use crate::plan::content::StepKind;
use crate::plan::family::PartIx;
use crate::plan::ids::{PartId, RunId, StepId, StepRef};
use crate::plan::key::{LineageId, StepKey};
use crate::plan::ledger::Account;
use crate::plan::memory::{Memory, Published};
use crate::plan::money::Cents;
use crate::plan::publish;
use crate::plan::remote::{JobId, Stored, Timestamp};
use crate::plan::send::SendState;
use crate::run::call::Endpoint;
use crate::run::history::History;
use crate::run::outcome::{ExitReason, Outcome, RunEnd};
use crate::run::progress::Run;
use crate::run::sheet::{SheetPart, SheetStep, Start};
use crate::run::stop::StopReason;

/// All endpoints, so that those that were not called are reported as well.
const ENDPOINTS: [Endpoint; 8] = [
    Endpoint::Create,
    Endpoint::FollowUp,
    Endpoint::Review,
    Endpoint::Job,
    Endpoint::Balance,
    Endpoint::Download,
    Endpoint::List,
    Endpoint::Messages,
];

/// One run, as it is reported. Texts of the service in it are as the service wrote them.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Which run.
    pub run: RunId,
    /// The family's name.
    pub family: String,
    /// The manifest, as it was given.
    pub manifest: String,
    /// The folder of published files, relative to the manifest's folder.
    pub output: String,
    /// The time zone for people, as an IANA name.
    pub zone: String,
    /// When it was started.
    pub started: Timestamp,
    /// The last moment that was recorded in it.
    pub last_at: Timestamp,
    /// How it ended; `None` while it is at work, and after a kill.
    pub end: Option<RunEnd>,
    /// Why nothing new was started, if so.
    pub stops: Vec<StopReason>,
    /// Who paused it, while it is at work.
    pub paused: Option<String>,
    /// Parts by outcome; every outcome is there.
    pub counts: BTreeMap<Outcome, usize>,
    /// What it cost.
    pub cost: CostSummary,
    /// Requests that ended; every endpoint is there.
    pub requests: BTreeMap<Endpoint, u32>,
    /// How many requests were answered 429 for their rate.
    pub rate_limited: u32,
    /// What ended badly for parts that are no longer wanted: the step that asked for it, and what happened.
    pub strays: Vec<(StepRef, String)>,
    /// What waits for a person who has not said anything yet.
    pub gates: Vec<Gate>,
    /// Jobs that may be parts' already, and that nobody adopted.
    pub claimed_jobs: usize,
    /// Jobs that no part wants any more.
    pub orphans: Vec<Orphan>,
    /// Jobs that the service still works on.
    pub active_jobs: usize,
    /// How long it took on the engine's clock.
    pub duration: Duration,
    /// How long it took on the wall's clock.
    pub wall: Duration,
    /// The parts, in the order of the sheet.
    pub parts: Vec<PartSummary>,
}

/// Money, as far as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostSummary {
    /// Charged in this run.
    pub charged: Cents,
    /// Reserved for sends that may still be charged, of all runs.
    pub held: Cents,
    /// Of that, for failed jobs of which the service has named no charge.
    pub held_for_failed: Cents,
    /// Charged in this run beyond what was held.
    pub excess: Cents,
    /// Jobs that are done and whose charge is not known yet.
    pub pending_jobs: usize,
    /// The currency; unknown before the first balance was read. Text of the service.
    pub currency: Option<String>,
}

/// A part of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSummary {
    /// Its id.
    pub id: PartId,
    /// What became of it.
    pub outcome: Outcome,
    /// Its remote job, once known.
    pub job: Option<JobId>,
    /// What its job was charged in this run; `None` while a charge is not known.
    pub charged: Option<Cents>,
    /// What the service said about its last revision.
    pub explanation: Option<String>,
    /// Its steps, those that don't exist last.
    pub steps: Vec<StepSummary>,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSummary {
    /// Its id.
    pub id: StepId,
    /// Its kind.
    pub kind: StepKind,
    /// What became of it.
    pub outcome: Outcome,
    /// Its key; `None` for a step that doesn't exist.
    pub key: Option<StepKey>,
    /// How often it was sent with a new key in this run.
    pub attempts: u32,
    /// What went wrong, in our words and the service's.
    pub error: Option<String>,
    /// What is odd about its files.
    pub warnings: Vec<String>,
    /// What the review assistant said.
    pub review: Option<String>,
    /// The iteration that the review proposes.
    pub proposal: Option<String>,
    /// The files that it published.
    pub artifacts: Vec<ArtifactSummary>,
}

/// A published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactSummary {
    /// Its path, relative to the manifest's folder.
    pub path: String,
    /// What is in it.
    pub stored: Stored,
}

impl Summary {
    /// The report of the last run in `history`; `None` when there was none.
    #[must_use]
    pub fn of(history: &History) -> Option<Self> {
        let run = history.run.as_ref()?;
        let desk = Desk::new(run, &history.memory);
        let parts = numbered(run).map(|(ix, part)| desk.part(ix, part));
        Some(Self {
            parts: parts.collect(),
            ..Self::without_parts(history)?
        })
    }

    /// The same without its parts, which cost as much as everything that was ever sent: for lists of runs.
    #[must_use]
    pub fn without_parts(history: &History) -> Option<Self> {
        let run = history.run.as_ref()?;
        let memory = &history.memory;
        let mut counts: BTreeMap<Outcome, usize> = Outcome::ALL.map(|outcome| (outcome, 0)).into();
        for (ix, _) in numbered(run) {
            *counts.entry(run.part_outcome(ix)).or_default() += 1;
        }
        let mut requests: BTreeMap<Endpoint, u32> = ENDPOINTS.map(|endpoint| (endpoint, 0)).into();
        requests.extend(&run.requests);
        Some(Self {
            run: run.id,
            family: run.sheet.family.clone(),
            manifest: run.sheet.manifest.clone(),
            output: run.sheet.output.clone(),
            zone: run.sheet.zone.clone(),
            started: run.started,
            last_at: run.last_at,
            end: run.end.clone(),
            stops: run.stops.clone(),
            paused: run
                .paused
                .as_ref()
                .filter(|_| run.end.is_none() || run.pause_stands)
                .map(|by| by.user.clone()),
            counts,
            cost: CostSummary {
                charged: memory.ledger.charged_in(run.id),
                held: memory.ledger.held(),
                held_for_failed: memory.bills.held_for_failed(),
                excess: memory.ledger.excess_in(run.id),
                pending_jobs: memory.pending_charges(),
                currency: memory.price.as_ref().map(|price| price.currency.clone()),
            },
            requests,
            rate_limited: run.rate_limited,
            strays: strays(run, memory),
            gates: gates::open(run, memory),
            claimed_jobs: memory.claims.values().map(|claim| claim.jobs.len()).sum(),
            orphans: Orphan::of(memory, &run.sheet.orphans),
            active_jobs: memory.active_jobs,
            duration: run.last_at.since(run.started),
            wall: Duration::from_millis(run.wall_ms),
            parts: Vec::new(),
        })
    }

    /// The same of the parts with these ids alone. What it cost and sent is of the whole run.
    #[must_use]
    pub fn of_parts(mut self, ids: &BTreeSet<PartId>) -> Self {
        self.parts.retain(|part| ids.contains(&part.id));
        self.counts = Outcome::ALL.map(|outcome| (outcome, 0)).into();
        for part in &self.parts {
            *self.counts.entry(part.outcome).or_default() += 1;
        }
        self
    }

    /// The run in one word, by the reason that decides its exit code.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        let Some(end) = &self.end else {
            return "unfinished";
        };
        match end.reasons.first() {
            None => "succeeded",
            Some(ExitReason::KeyRefused) => "refused",
            Some(ExitReason::Interrupted | ExitReason::Unreachable | ExitReason::StorageFailed) => {
                "interrupted"
            }
            Some(ExitReason::Cancelled) => "cancelled",
            Some(ExitReason::Unresolved) => "unresolved",
            Some(ExitReason::CapReached | ExitReason::BalanceTooLow) => "stopped",
            Some(ExitReason::ApprovalNeeded) => "waiting",
            Some(ExitReason::PartFailed | ExitReason::PartRejected | ExitReason::PartBlocked) => {
                "failed"
            }
        }
    }

    /// How many parts ended like this.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.counts.get(&outcome).copied().unwrap_or(0)
    }

    /// Whether `resume` goes on with it: it did not end, or for a reason that may go away by itself.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        self.end.as_ref().is_none_or(|end| !end.finishes())
    }
}

/// The parts of `run` with their places.
fn numbered(run: &Run) -> impl Iterator<Item = (PartIx, &SheetPart)> {
    (0u32..).map(PartIx).zip(&run.sheet.parts)
}

/// What was folded, while the parts are made from it.
struct Desk<'a> {
    run: &'a Run,
    memory: &'a Memory,
    charged: BTreeMap<LineageId, Cents>,
    pending: BTreeSet<LineageId>,
}

impl<'a> Desk<'a> {
    fn new(run: &'a Run, memory: &'a Memory) -> Self {
        let mut charged: BTreeMap<LineageId, Cents> = BTreeMap::new();
        for entry in memory.ledger.entries() {
            if entry.run == Some(run.id) && entry.to == Account::Charged {
                *charged.entry(entry.lineage).or_default() += entry.amount;
            }
        }
        let pending = memory.bills.iter().filter(|bill| bill.is_pending());
        Self {
            run,
            memory,
            charged,
            pending: pending
                .filter_map(|bill| memory.jobs.get(&bill.job).copied())
                .collect(),
        }
    }

    fn part(&self, ix: PartIx, part: &SheetPart) -> PartSummary {
        let is_pending = part.lineage.is_some_and(|id| self.pending.contains(&id));
        let charged = part.lineage.and_then(|id| self.charged.get(&id)).copied();
        let known = part.lineage.and_then(|id| self.memory.lineages.get(&id));
        let mut steps: Vec<StepSummary> = self
            .run
            .steps_of(ix)
            .zip(&part.steps)
            .map(|(step_ix, step)| {
                let run = self.run.step(step_ix);
                let review = self.review(part, step);
                StepSummary {
                    id: step.id.clone(),
                    kind: step.kind,
                    outcome: self.run.outcome(step_ix),
                    key: step.key,
                    attempts: run.attempts,
                    error: run.error.clone(),
                    warnings: run.warnings.clone(),
                    review: review.map(|(message, _)| message.to_owned()),
                    proposal: review.and_then(|(_, proposal)| proposal.map(str::to_owned)),
                    artifacts: self.artifacts(part, step, &run.files),
                }
            })
            .collect();
        steps.extend(part.skipped.iter().map(|(id, kind)| skipped(id, *kind)));
        PartSummary {
            id: part.id.clone(),
            outcome: self.run.part_outcome(ix),
            job: known.and_then(|lineage| lineage.job.clone()),
            charged: (!is_pending).then(|| charged.unwrap_or_default()),
            explanation: self.explanation(part),
            steps,
        }
    }

    fn review(&self, part: &SheetPart, step: &SheetStep) -> Option<(&str, Option<&str>)> {
        match &self.memory.find(&part.send_id(step)?)?.state {
            SendState::Reviewed(review) => Some((&review.message, review.proposal.as_deref())),
            _ => None,
        }
    }

    fn explanation(&self, part: &SheetPart) -> Option<String> {
        let writes = part.steps.iter().rev().filter(|step| step.kind.is_write());
        let mut results = writes.filter_map(|step| self.memory.write_result(&part.send_id(step)?));
        results.next().map(|result| result.explanation.clone())
    }

    /// The files of a download: of this run, or those that an earlier one published and this one found in place.
    fn artifacts(
        &self,
        part: &SheetPart,
        step: &SheetStep,
        now: &[Published],
    ) -> Vec<ArtifactSummary> {
        let shown = |file: &Published| ArtifactSummary {
            path: format!("{}/{}", self.run.sheet.output, file.path),
            stored: file.stored,
        };
        let Some(stem) = step
            .publish_as
            .as_ref()
            .filter(|_| step.start == Start::Reuse)
        else {
            return now.iter().map(shown).collect();
        };
        let before = part.steps.iter().take_while(|other| other.id != step.id);
        // One that was skipped has no key.
        let write = before
            .filter(|other| other.kind.is_write() && other.key.is_some())
            .last();
        let result = write.and_then(|write| self.memory.write_result(&part.send_id(write)?));
        let wanted = result.map(|result| publish::files(stem, &step.artifacts, result));
        let paths = wanted.into_iter().flatten().map(|file| file.path);
        let transcript = step.transcript.then(|| publish::transcript(stem));
        paths
            .chain(transcript)
            .filter_map(|path| self.memory.published.get(&path))
            .map(shown)
            .collect()
    }
}

fn strays(run: &Run, memory: &Memory) -> Vec<(StepRef, String)> {
    let step = |send| memory.find(send).map(|send| send.step.clone());
    let strays = run.strays.iter();
    strays
        .filter_map(|(send, why)| Some((step(send)?, why.clone())))
        .collect()
}

fn skipped(id: &StepId, kind: StepKind) -> StepSummary {
    StepSummary {
        id: id.clone(),
        kind,
        outcome: Outcome::Skipped,
        key: None,
        attempts: 0,
        error: None,
        warnings: Vec::new(),
        review: None,
        proposal: None,
        artifacts: Vec::new(),
    }
}
