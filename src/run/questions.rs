//! What can be asked of a run.

use super::outcome::{Outcome, RunEnd};
use super::progress::Run;
use super::sheet::{SheetStep, Start};
use super::step::{StepRun, StepState};
use crate::plan::family::{PartIx, StepIx};
use crate::plan::memory::SendId;

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
