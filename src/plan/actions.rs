//! The plan: what a run would do with each step, why, what it costs and how long it takes.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Action, Blocker, Reason};
use super::bind::bind;
use super::content::{Content, StepKind};
use super::family::{Ask, Family, OnProposal, PartIx, Policy, Step, StepIx};
use super::gate::Verdict;
use super::ids::{PartId, StepRef};
use super::key::LineageId;
use super::memory::Memory;
use super::order::{before, in_order};
use super::recreation::{Recreation, orphans};
use super::remote::{JobId, ReviewResult};
use super::send::{Send, SendId, SendState};
use super::settle::settled;
use super::timing::Timing;

/// A family, held against what is known: every step marked with what a run would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The family.
    pub family: Family,
    /// The remote job of each part, in the order of the parts; none where its create is not known yet.
    pub lineages: Vec<Option<LineageId>>,
    /// The remote jobs of parts that are made anew on purpose: those that they had.
    pub retired: BTreeMap<PartIx, LineageId>,
    /// The remote jobs that no part has any more.
    pub orphans: Vec<LineageId>,
    /// What is to be done, in the order of the steps.
    pub actions: Vec<Action>,
    /// How long things take, and what is urgent.
    pub timing: Timing,
}

impl Plan {
    /// Plans `family` against what is known. `missing` are published paths whose files are gone.
    #[must_use]
    pub fn new(family: Family, memory: &Memory, missing: &BTreeSet<String>) -> Self {
        Self::making_anew(family, memory, missing, &BTreeSet::new())
    }

    /// The same, with the parts of `anew` on fresh jobs, whatever they had.
    #[must_use]
    pub fn making_anew(
        family: Family,
        memory: &Memory,
        missing: &BTreeSet<String>,
        anew: &BTreeSet<PartId>,
    ) -> Self {
        let mut plan = Self::bound(family, memory, missing, anew);
        // What is worked out may make more of it known.
        while let Some(family) = settled(&plan, memory) {
            plan = Self::bound(family, memory, missing, anew);
        }
        plan
    }

    fn bound(
        family: Family,
        memory: &Memory,
        missing: &BTreeSet<String>,
        anew: &BTreeSet<PartId>,
    ) -> Self {
        let mut lineages = bind(&family, memory);
        let mut retired = BTreeMap::new();
        for part in family.part_indices() {
            let id = &family.part(part).id;
            if !anew.contains(id) {
                continue;
            }
            let lineage = &mut lineages[part.0 as usize];
            // Where its create is not known yet, what it had last must not be taken for it.
            let last = || memory.last_jobs.get(id).copied();
            let known = |had: &LineageId| memory.lineages.contains_key(had);
            if let Some(had) = lineage.or_else(last).filter(known) {
                *lineage = lineage.map(|_| next_generation(memory, had));
                retired.insert(part, had);
            }
        }
        Self::with(family, lineages, retired, memory, missing)
    }

    /// The same where it is known already which remote job each part has, in the order of the parts: a run that goes on
    /// keeps those that it started with.
    #[must_use]
    pub fn of_jobs(
        family: Family,
        lineages: Vec<Option<LineageId>>,
        memory: &Memory,
        missing: &BTreeSet<String>,
    ) -> Self {
        Self::with(family, lineages, BTreeMap::new(), memory, missing)
    }

    pub(super) fn with(
        family: Family,
        lineages: Vec<Option<LineageId>>,
        retired: BTreeMap<PartIx, LineageId>,
        memory: &Memory,
        missing: &BTreeSet<String>,
    ) -> Self {
        let mut actions = Vec::with_capacity(family.steps.len());
        let bound: BTreeSet<LineageId> = lineages.iter().copied().flatten().collect();
        for ix in family.step_indices() {
            let action = Judgement {
                family: &family,
                memory,
                missing,
                lineages: &lineages,
                retired: &retired,
                bound: &bound,
                actions: &actions,
            }
            .of(ix);
            actions.push(action);
        }
        block_what_follows(&family, &mut actions);
        let timing = Timing::new(&family, &actions);
        let orphans = orphans(memory, &bound);
        Self {
            family,
            lineages,
            retired,
            orphans,
            actions,
            timing,
        }
    }

    /// The remote job of `part`; none when its create is not known yet.
    #[must_use]
    pub fn lineage(&self, part: PartIx) -> Option<LineageId> {
        self.lineages[part.0 as usize]
    }

    /// The remote job that `part` had, when it is made anew on purpose.
    #[must_use]
    pub fn retires(&self, part: PartIx) -> Option<LineageId> {
        self.retired.get(&part).copied()
    }

    /// What a run does with the step at `ix`.
    #[must_use]
    pub fn action(&self, ix: StepIx) -> &Action {
        &self.actions[ix.0 as usize]
    }

    /// The work of the step at `ix` on its part's job, once both are known.
    #[must_use]
    pub fn send_id(&self, ix: StepIx) -> Option<SendId> {
        let step = self.family.step(ix);
        Some(SendId {
            lineage: self.lineage(step.part)?,
            key: step.key()?,
        })
    }

    /// How many creates and iterates would be sent.
    #[must_use]
    pub fn writes(&self) -> usize {
        let runs = |ix: &StepIx| self.action(*ix).runs() && self.family.step(*ix).kind.is_write();
        self.family.step_indices().filter(runs).count()
    }
}

/// The lineage after `had` of a part that is made anew.
fn next_generation(memory: &Memory, had: LineageId) -> LineageId {
    let later = (had.generation + 1..).map(|generation| LineageId { generation, ..had });
    let mut unused = later.filter(|lineage| !memory.lineages.contains_key(lineage));
    unused.next().unwrap_or(had)
}

/// What waits for a blocked step can't run either.
pub(super) fn block_what_follows(family: &Family, actions: &mut [Action]) {
    let mut blocked: BTreeMap<StepIx, StepIx> = BTreeMap::new();
    for ix in in_order(family) {
        let mut blockers = before(family, ix).filter_map(|before| blocked.get(&before));
        let mut blocker = blockers.next().copied();
        match (&actions[ix.0 as usize], blocker) {
            (Action::Blocked(_), None) => blocker = Some(ix),
            (action, Some(before)) if action.runs() => {
                let step = family.step_ref(before);
                actions[ix.0 as usize] = Action::Blocked(Blocker::Before { step });
            }
            _ => {}
        }
        blocked.extend(blocker.map(|blocker| (ix, blocker)));
    }
}

/// One step, held against what is known.
struct Judgement<'a> {
    family: &'a Family,
    memory: &'a Memory,
    missing: &'a BTreeSet<String>,
    lineages: &'a [Option<LineageId>],
    /// The jobs of parts that are made anew on purpose.
    retired: &'a BTreeMap<PartIx, LineageId>,
    /// All of `lineages`.
    bound: &'a BTreeSet<LineageId>,
    /// Of the steps before it.
    actions: &'a [Action],
}

impl Judgement<'_> {
    fn of(&self, ix: StepIx) -> Action {
        let step = self.family.step(ix);
        if matches!(step.ask, Ask::Skipped) {
            return Action::Skip;
        }
        if let Some(write) = step.write {
            match &self.actions[write.0 as usize] {
                Action::Blocked(blocker) => return Action::Blocked(blocker.clone()),
                _ if matches!(step.ask, Ask::Dynamic(_)) => {}
                action if action.runs() && !self.was_begun(step) => {
                    return Action::Run(Reason::Follows);
                }
                Action::Run(_) | Action::Recreate(_) | Action::Reuse | Action::Skip => {}
            }
        }
        if let Ask::Dynamic(dynamic) = &step.ask {
            let steps: Vec<StepRef> = dynamic.waits_for().into_iter().cloned().collect();
            return Action::Run(if steps.is_empty() {
                Reason::Follows
            } else {
                Reason::Waits { steps }
            });
        }
        match step.kind {
            StepKind::Create | StepKind::Iterate | StepKind::Review => self.of_send(step),
            StepKind::Check => {
                let id = self.id(step);
                if id.is_some_and(|id| self.memory.passed_checks.contains(&id)) {
                    Action::Reuse
                } else {
                    Action::Run(Reason::New)
                }
            }
            StepKind::Approve => self.of_gate(step),
            StepKind::Download => self.of_download(step),
        }
    }

    fn id(&self, step: &Step) -> Option<SendId> {
        Some(SendId {
            lineage: self.lineages[step.part.0 as usize]?,
            key: step.key()?,
        })
    }

    fn was_begun(&self, step: &Step) -> bool {
        self.send(step).is_some()
    }

    fn send(&self, step: &Step) -> Option<&Send> {
        self.memory.find(&self.id(step)?)
    }

    fn of_send(&self, step: &Step) -> Action {
        let Some(send) = self.send(step) else {
            let claim = step.key().and_then(|key| self.memory.claims.get(&key));
            if let Some(claim) = claim {
                let claim = claim.clone();
                return Action::Blocked(Blocker::Claimed { claim });
            }
            return self.of_new(step);
        };
        match &send.state {
            SendState::Reviewed(ReviewResult {
                proposal: Some(summary),
                ..
            }) if step.policy == Policy::OnProposal(OnProposal::Fail) => {
                Action::Blocked(Blocker::Proposal {
                    summary: summary.clone(),
                })
            }
            SendState::Applied(_) | SendState::Reviewed(_) => Action::Reuse,
            SendState::Refused(refusal) => Action::Run(Reason::Again {
                why: format!("refused: {}", refusal.code),
            }),
            SendState::Postponed { why, .. } => Action::Run(Reason::Again { why: why.clone() }),
            SendState::Failed { why, .. } => Action::Run(Reason::Again { why: why.clone() }),
            SendState::Open(_)
            | SendState::Running(_)
            | SendState::Collecting(_)
            | SendState::Unresolved { .. } => Action::Run(Reason::Continues {
                job: self.job(send),
            }),
        }
    }

    fn job(&self, send: &Send) -> Option<JobId> {
        self.memory
            .lineages
            .get(&send.id.lineage)
            .and_then(|lineage| lineage.job.clone())
    }

    /// A send that was never made.
    fn of_new(&self, step: &Step) -> Action {
        if step.kind != StepKind::Create {
            return Action::Run(Reason::New);
        }
        let on_purpose = self.retired.get(&step.part);
        let had = self.memory.last_jobs.get(&self.family.part(step.part).id);
        let before = on_purpose.or(had).filter(|had| !self.bound.contains(had));
        let recreation = before.and_then(|before| {
            Recreation::of(
                self.family,
                self.memory,
                step.part,
                *before,
                on_purpose.is_some(),
            )
        });
        recreation.map_or(Action::Run(Reason::New), |anew| {
            Action::Recreate(Box::new(anew))
        })
    }

    fn of_gate(&self, step: &Step) -> Action {
        let id = self.id(step);
        match id.and_then(|id| self.memory.approvals.get(&id)) {
            None => Action::Run(Reason::New),
            Some(approval) => match approval.verdict {
                Verdict::Approved => Action::Reuse,
                Verdict::Rejected => Action::Blocked(Blocker::Rejected {
                    why: approval.words(),
                }),
            },
        }
    }

    fn of_download(&self, step: &Step) -> Action {
        let Policy::PublishAs(stem) = &step.policy else {
            return Action::Run(Reason::New);
        };
        let id = step
            .write
            .and_then(|write| self.id(self.family.step(write)));
        let Some(result) = id.and_then(|id| self.memory.write_result(&id)) else {
            return Action::Run(Reason::New);
        };
        if result.artifacts.is_empty() {
            let why = "the job brought no files".to_owned();
            return Action::Run(Reason::Again { why });
        }
        let Some(Content::Download {
            artifacts,
            transcript,
        }) = step.content()
        else {
            return Action::Run(Reason::New);
        };
        let files = super::publish::files(stem, artifacts, result);
        if files.is_empty() {
            return Action::Run(Reason::New);
        }
        let mut wanted: Vec<_> = files
            .into_iter()
            .map(|file| (file.path, file.stored))
            .collect();
        if *transcript {
            let lineage = id.map(|id| id.lineage);
            // What is asked of the job before it is in its conversation then.
            let before = self.family.part(step.part).steps.start as usize..self.actions.len();
            let grows = before.into_iter().any(|ix| {
                matches!(self.actions[ix], Action::Run(_)) && self.family.steps[ix].kind.is_send()
            });
            if grows {
                return Action::Run(Reason::Grew);
            }
            let known = lineage.filter(|id| self.memory.transcripts.contains_key(id));
            match lineage.and_then(|id| self.memory.transcript(&id)) {
                Some(stored) => wanted.push((super::publish::transcript(stem), Some(stored))),
                None if known.is_some() => return Action::Run(Reason::Grew),
                None => return Action::Run(Reason::New),
            }
        }
        for (path, stored) in wanted {
            match self.memory.published.get(&path) {
                Some(published) if Some(published.stored) == stored => {
                    if self.missing.contains(&published.path) {
                        return Action::Run(Reason::FileMissing {
                            path: published.path.clone(),
                        });
                    }
                }
                _ => return Action::Run(Reason::New),
            }
        }
        Action::Reuse
    }
}
