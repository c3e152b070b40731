//! What can be asked of a run.

use super::outcome::{Outcome, RunEnd};
use super::progress::Run;
use super::sheet::{SheetStep, Start};
use super::step::{StepRun, StepState};
use crate::plan::actions::Plan;
use crate::plan::content::Content;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::ids::PartId;
use crate::plan::key::LineageId;
use crate::plan::send::SendId;

impl Run {
    /// The step at `ix`.
    #[must_use]
    pub fn step(&self, ix: StepIx) -> &StepRun {
        &self.steps[ix.0 as usize]
    }

    /// The work of the step at `ix` on its part's job, once both are known.
    #[must_use]
    pub fn send_id(&self, ix: StepIx) -> Option<SendId> {
        let part = self.part_of(ix).0 as usize;
        let (sheet, first) = (&self.sheet.parts[part], self.parts[part].first);
        sheet.send_id(&sheet.steps[(ix.0 - first) as usize])
    }

    /// What the step at `ix` asks for, once that is known.
    #[must_use]
    pub fn content<'a>(&'a self, plan: &'a Plan, ix: StepIx) -> Option<&'a Content> {
        let resolved = self.resolved.get(&ix);
        resolved.or_else(|| plan.family.step(ix).content())
    }

    /// The remote job of the part of `ix`, once it is known which that is.
    #[must_use]
    pub fn lineage_of(&self, ix: StepIx) -> Option<LineageId> {
        self.sheet.parts[self.part_of(ix).0 as usize].lineage
    }

    /// The id of the part of the step at `ix`.
    #[must_use]
    pub fn part_at(&self, ix: StepIx) -> &PartId {
        &self.sheet.parts[self.part_of(ix).0 as usize].id
    }

    /// The remote jobs of all parts, as far as they are known.
    pub fn lineages(&self) -> impl Iterator<Item = LineageId> {
        self.sheet.parts.iter().filter_map(|part| part.lineage)
    }

    /// The step of this run that `send` is for, if any: a send may outlive its step.
    #[must_use]
    pub fn step_of(&self, send: &SendId) -> Option<StepIx> {
        self.by_send.get(send).copied()
    }

    /// Whether the run is finished, so that the next `run` is a new one: it ended, and for a reason that ends it for good.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.end.as_ref().is_some_and(RunEnd::finishes)
    }

    /// Whether the step at `ix` may start.
    #[must_use]
    pub fn is_ready(&self, ix: StepIx) -> bool {
        self.step(ix).state == StepState::Ready
    }

    /// Whether every step ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.parts.iter().all(|part| part.cursor == part.end)
    }

    /// Whether a step could not run because of something else.
    #[must_use]
    pub fn has_blocked(&self) -> bool {
        let blocked = StepState::Done(Outcome::Blocked);
        self.steps.iter().any(|step| step.state == blocked)
    }

    /// Whether a part could not run because it needs one that was not selected.
    #[must_use]
    pub fn has_unmet(&self) -> bool {
        let starts = self.sheet.parts.iter().flat_map(|part| &part.steps);
        let is_unmet = |step: &SheetStep| matches!(step.start, Start::Unmet { .. });
        let mut steps = starts.zip(&self.steps);
        steps.any(|(step, run)| is_unmet(step) && run.state == StepState::Done(Outcome::Blocked))
    }

    /// The outcome of a step so far: what did not end is waiting.
    #[must_use]
    pub fn outcome(&self, ix: StepIx) -> Outcome {
        match self.step(ix).state {
            StepState::Done(outcome) => outcome,
            StepState::Waiting | StepState::Ready | StepState::Active | StepState::Asking => {
                Outcome::Waiting
            }
        }
    }

    /// The indices of the steps of the part at `ix`.
    pub fn steps_of(&self, ix: PartIx) -> impl Iterator<Item = StepIx> + use<> {
        let part = &self.parts[ix.0 as usize];
        (part.first..part.end).map(StepIx)
    }

    /// The outcome of a part so far.
    #[must_use]
    pub fn part_outcome(&self, ix: PartIx) -> Outcome {
        Outcome::of_part(self.steps_of(ix).map(|step| self.outcome(step)))
    }
}
