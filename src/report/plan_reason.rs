//! Why a plan does with a step what it does: in words, and in kinds that make parts look alike.

use crate::plan::action::{Action, Blocker, Reason};
use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::StepIx;
use crate::plan::memory::Memory;

/// What a reason is about, whatever job, path or answer it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// It never ran, or follows what runs: that goes without saying.
    Plain,
    Waits,
    Recreate,
    Continues,
    Again,
    FileMissing,
    Claimed,
    Proposal,
    Rejected,
    Unselected,
    Before,
}

impl Kind {
    /// The kind of what is done; `None` for what is reused.
    pub(super) const fn of(action: &Action) -> Option<Self> {
        Some(match action {
            Action::Reuse | Action::Skip => return None,
            Action::Run(Reason::New | Reason::Follows | Reason::Grew) => Self::Plain,
            Action::Run(Reason::Waits { .. }) => Self::Waits,
            Action::Recreate(_) => Self::Recreate,
            Action::Run(Reason::Continues { .. }) => Self::Continues,
            Action::Run(Reason::Again { .. }) => Self::Again,
            Action::Run(Reason::FileMissing { .. }) => Self::FileMissing,
            Action::Blocked(Blocker::Claimed { .. }) => Self::Claimed,
            Action::Blocked(Blocker::Proposal { .. }) => Self::Proposal,
            Action::Blocked(Blocker::Rejected { .. }) => Self::Rejected,
            Action::Blocked(Blocker::Unselected { .. }) => Self::Unselected,
            Action::Blocked(Blocker::Before { .. }) => Self::Before,
        })
    }
}

/// Why the step at `ix` is reused.
pub(super) fn reused(plan: &Plan, memory: &Memory, ix: StepIx) -> String {
    match plan.family.step(ix).kind {
        StepKind::Create | StepKind::Iterate | StepKind::Review => {
            let known = plan
                .send_id(ix)
                .and_then(|id| memory.lineages.get(&id.lineage));
            match known.and_then(|lineage| lineage.job.as_ref()) {
                Some(job) => format!("succeeded on job {job}"),
                None => "succeeded before".to_owned(),
            }
        }
        StepKind::Check => "passed before".to_owned(),
        StepKind::Approve => "approved before".to_owned(),
        StepKind::Download => "published and in place".to_owned(),
    }
}
