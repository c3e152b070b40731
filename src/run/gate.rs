//! Folding what people say to gates: into the memory for good, and into the run that asks.

use super::event::{Event, Record};
use super::outcome::Outcome;
use super::progress::Run;
use super::step::StepState;
use crate::plan::content::StepKind;
use crate::plan::family::StepIx;
use crate::plan::gate::{Approval, Verdict};
use crate::plan::ids::StepRef;
use crate::plan::memory::Memory;
use crate::plan::send::SendId;

impl Memory {
    /// A person said something to a gate; the last word holds.
    pub(super) fn answer_gate(&mut self, record: &Record) {
        let Event::Approval {
            gate,
            verdict,
            by,
            reason,
            ..
        } = &record.event
        else {
            return;
        };
        let approval = Approval {
            verdict: *verdict,
            user: by.user.clone(),
            host: by.host.clone(),
            reason: reason.clone(),
            at: record.at,
        };
        self.approvals.insert(*gate, approval);
    }
}

impl Run {
    /// A gate that was reached: it ends with a person's word, where there is one.
    pub(super) fn at_gate(
        &mut self,
        ix: StepIx,
        gate: Option<&SendId>,
        memory: &Memory,
    ) -> StepState {
        let Some(approval) = gate.and_then(|gate| memory.approvals.get(gate)) else {
            return StepState::Asking;
        };
        match approval.verdict {
            Verdict::Approved => StepState::Done(Outcome::Succeeded),
            Verdict::Rejected => {
                self.step_mut(ix).error = Some(approval.words());
                StepState::Done(Outcome::Rejected)
            }
        }
    }

    /// A person said something to the gate at `ix`. The answer are the steps that may start now.
    pub(super) fn hear(&mut self, ix: StepIx, gate: &SendId, memory: &Memory) -> Vec<StepIx> {
        let is_asked = self.step(ix).state == StepState::Asking && self.send_id(ix) == Some(*gate);
        if !is_asked {
            return Vec::new();
        }
        match self.at_gate(ix, Some(gate), memory) {
            StepState::Done(outcome) => {
                let error = self.step(ix).error.clone();
                self.finish(ix, outcome, error, memory)
            }
            _ => Vec::new(),
        }
    }

    /// The name of the step at `ix`.
    #[must_use]
    pub fn name(&self, ix: StepIx) -> Option<StepRef> {
        let (part, step) = self.sheet_step(ix)?;
        Some(StepRef {
            part: part.id.clone(),
            step: step.id.clone(),
        })
    }

    /// What the step at `ix` may not overtake: the gates before it in its part, and the steps of other parts that it needs.
    #[must_use]
    pub fn waits_for(&self, ix: StepIx) -> Vec<StepIx> {
        let Some((_, step)) = self.sheet_step(ix) else {
            return Vec::new();
        };
        let before = self
            .steps_of(self.part_of(ix))
            .take_while(|other| *other < ix);
        let gates = before.filter(|other| self.kind(*other) == Some(StepKind::Approve));
        gates
            .chain(step.needs.iter().copied().map(StepIx))
            .collect()
    }

    /// What the step at `ix` asks, when it is a gate.
    #[must_use]
    pub fn question(&self, ix: StepIx) -> Option<(StepRef, &str)> {
        let (_, step) = self.sheet_step(ix)?;
        Some((self.name(ix)?, step.message.as_deref()?))
    }

    /// The kind of the step at `ix`.
    #[must_use]
    pub fn kind(&self, ix: StepIx) -> Option<StepKind> {
        self.sheet_step(ix).map(|(_, step)| step.kind)
    }

    /// The gates at which something waits for a person.
    pub fn asking(&self) -> impl Iterator<Item = StepIx> + use<'_> {
        let steps = (0..).map(StepIx).zip(&self.steps);
        steps
            .filter(|(_, step)| step.state == StepState::Asking)
            .map(|(ix, _)| ix)
    }

    /// Whether nothing but a person can bring the run on: some steps wait for one, and no other may start or is under way.
    #[must_use]
    pub fn is_at_gates(&self) -> bool {
        let is_busy = |step: &super::step::StepRun| {
            matches!(step.state, StepState::Ready | StepState::Active)
        };
        self.asking().next().is_some() && !self.steps.iter().any(is_busy)
    }
}
