//! The plan: what a run would do with each step, why, what it costs and how long it takes.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Action, Blocker, EditedLineage, Reason};
use super::bind::bind;
use super::content::{Content, StepKind};
use super::family::{Family, OnProposal, PartIx, Policy, Step, StepIx};
use super::gate::Verdict;
use super::ids::PartId;
use super::key::{LineageId, StepKey};
use super::memory::{Memory, Send, SendId, SendState};
use super::order::{before, in_order};
use super::remote::{JobId, ReviewResult};
use super::timing::Timing;

/// A family, held against what is known: every step marked with what a run would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The family.
    pub family: Family,
    /// The remote job of each part, in the order of the parts; none where its create is not known yet.
    pub lineages: Vec<Option<LineageId>>,
    /// What is to be done, in the order of the steps.
    pub actions: Vec<Action>,
    /// How long things take, and what is urgent.
    pub timing: Timing,
}

impl Plan {
    /// Plans `family` against what is known. `missing` are published paths whose files are gone.
    ///
    /// # Errors
    /// Every part whose applied iterates were edited or removed: its job can't be unmade.
    pub fn new(
        family: Family,
        memory: &Memory,
        missing: &BTreeSet<String>,
    ) -> Result<Self, Vec<EditedLineage>> {
        let lineages = bind(&family, memory);
        Self::of_jobs(family, lineages, memory, missing)
    }

    /// The same where it is known already which remote job each part has, in the order of the parts: a run that goes on
    /// keeps those that it started with.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn of_jobs(
        family: Family,
        lineages: Vec<Option<LineageId>>,
        memory: &Memory,
        missing: &BTreeSet<String>,
    ) -> Result<Self, Vec<EditedLineage>> {
        let edits: Vec<EditedLineage> = family
            .part_indices()
            .filter_map(|part| edited(&family, memory, part, lineages[part.0 as usize]?))
            .collect();
        if !edits.is_empty() {
            return Err(edits);
        }
        let mut actions = Vec::with_capacity(family.steps.len());
        let last_jobs: BTreeMap<&PartId, Option<&JobId>> = memory
            .lineages
            .values()
            .filter_map(|lineage| Some((lineage.part.as_ref()?, lineage.job.as_ref())))
            .collect();
        for ix in family.step_indices() {
            let action = Judgement {
                family: &family,
                memory,
                missing,
                last_jobs: &last_jobs,
                lineages: &lineages,
                actions: &actions,
            }
            .of(ix);
            actions.push(action);
        }
        block_what_follows(&family, &mut actions);
        let timing = Timing::new(&family, &actions);
        Ok(Self {
            family,
            lineages,
            actions,
            timing,
        })
    }

    /// The remote job of `part`; none when its create is not known yet.
    #[must_use]
    pub fn lineage(&self, part: PartIx) -> Option<LineageId> {
        self.lineages[part.0 as usize]
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
        let runs = |ix: &StepIx| {
            matches!(self.action(*ix), Action::Run(_)) && self.family.step(*ix).kind.is_write()
        };
        self.family.step_indices().filter(runs).count()
    }
}

/// The first applied write of the part's job that the manifest doesn't want where it is.
fn edited(
    family: &Family,
    memory: &Memory,
    part: PartIx,
    lineage: LineageId,
) -> Option<EditedLineage> {
    let known = memory.lineages.get(&lineage)?;
    let wanted: Vec<&Step> = family
        .steps_of(part)
        .map(|ix| family.step(ix))
        .filter(|step| step.kind.is_write())
        .collect();
    let applied = memory.applied(known);
    let (depth, send) = applied
        .iter()
        .enumerate()
        .find(|(depth, send)| !holds(wanted.get(*depth), send.id.key))?;
    Some(EditedLineage {
        part: family.part(part).id.clone(),
        job: known.job.clone(),
        applied: prompt_text(&send.content),
        wanted: wanted
            .get(depth)
            .and_then(|step| step.content())
            .map(prompt_text),
    })
}

/// What waits for a blocked step can't run either.
pub(super) fn block_what_follows(family: &Family, actions: &mut [Action]) {
    let mut blocked: BTreeMap<StepIx, StepIx> = BTreeMap::new();
    for ix in in_order(family) {
        let mut blockers = before(family, ix).filter_map(|before| blocked.get(&before));
        let mut blocker = blockers.next().copied();
        match (&actions[ix.0 as usize], blocker) {
            (Action::Blocked(_), None) => blocker = Some(ix),
            (Action::Run(_), Some(before)) => {
                let step = family.step_ref(before);
                actions[ix.0 as usize] = Action::Blocked(Blocker::Before { step });
            }
            _ => {}
        }
        blocked.extend(blocker.map(|blocker| (ix, blocker)));
    }
}

/// Whether `step` may be the write with the key `key`: one that is not known yet may be any.
fn holds(step: Option<&&Step>, key: StepKey) -> bool {
    step.is_some_and(|step| step.key().is_none_or(|known| known == key))
}

fn prompt_text(content: &Content) -> String {
    content
        .prompt()
        .map(|prompt| prompt.as_str().to_owned())
        .unwrap_or_default()
}

/// One step, held against what is known.
struct Judgement<'a> {
    family: &'a Family,
    memory: &'a Memory,
    missing: &'a BTreeSet<String>,
    /// The remote job that each part had last.
    last_jobs: &'a BTreeMap<&'a PartId, Option<&'a JobId>>,
    lineages: &'a [Option<LineageId>],
    /// Of the steps before it.
    actions: &'a [Action],
}

impl Judgement<'_> {
    fn of(&self, ix: StepIx) -> Action {
        let step = self.family.step(ix);
        if let Some(write) = step.write {
            match &self.actions[write.0 as usize] {
                Action::Blocked(blocker) => return Action::Blocked(blocker.clone()),
                Action::Run(_) if !self.was_begun(step) => return Action::Run(Reason::Follows),
                Action::Run(_) | Action::Reuse => {}
            }
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
            return Action::Run(self.reason_for_new(step));
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

    fn reason_for_new(&self, step: &Step) -> Reason {
        let part = &self.family.part(step.part).id;
        match self.last_jobs.get(part) {
            Some(before) if step.kind == StepKind::Create => Reason::NewCreate {
                before: before.cloned(),
            },
            _ => Reason::New,
        }
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
        let Some(Content::Download { artifacts }) = step.content() else {
            return Action::Run(Reason::New);
        };
        let files = super::publish::files(stem, artifacts, result);
        if files.is_empty() {
            return Action::Run(Reason::New);
        }
        for file in files {
            match self.memory.published.get(&file.path) {
                Some(published) if Some(published.stored) == file.stored => {
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
