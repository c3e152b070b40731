//! How a run moves on: a part's steps end in their order, and a part that ended lets those go on that need it.

use super::outcome::Outcome;
use super::progress::Run;
use super::sheet::Start;
use super::step::{PartRun, StepState, proposal_error};
use crate::plan::content::StepKind;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::memory::{Memory, SendId, SendState};

impl Run {
    /// Moves the cursors of `parts`, and of every part that waits for them, as far as they go.
    pub(super) fn walk(&mut self, mut parts: Vec<PartIx>, memory: &Memory) -> Vec<StepIx> {
        let mut ready = Vec::new();
        while let Some(part) = parts.pop() {
            self.walk_part(part, memory, &mut ready);
            let PartRun {
                cursor,
                end,
                failed,
                ..
            } = self.parts[part.0 as usize];
            if cursor < end {
                continue;
            }
            for dependent in std::mem::take(&mut self.parts[part.0 as usize].dependents) {
                let waiting = &mut self.parts[dependent.0 as usize];
                waiting.needs_left = waiting.needs_left.saturating_sub(1);
                waiting.needs_failed |= failed;
                parts.push(dependent);
            }
        }
        ready
    }

    fn walk_part(&mut self, part: PartIx, memory: &Memory, ready: &mut Vec<StepIx>) {
        loop {
            let PartRun { cursor, end, .. } = self.parts[part.0 as usize];
            if cursor == end {
                return;
            }
            let ix = StepIx(cursor);
            if self.step(ix).state == StepState::Waiting {
                let state = self.enter(part, ix, memory);
                self.step_mut(ix).state = state;
                if state == StepState::Ready {
                    ready.push(ix);
                }
            }
            match self.step(ix).state {
                StepState::Done(outcome) if outcome.is_good() => {
                    self.parts[part.0 as usize].cursor += 1;
                }
                StepState::Done(_) => self.block_after(part, cursor),
                StepState::Waiting | StepState::Ready | StepState::Active => return,
            }
        }
    }

    /// The state of a step whose predecessors in its part have ended well.
    fn enter(&mut self, part: PartIx, ix: StepIx, memory: &Memory) -> StepState {
        let PartRun {
            first,
            needs_left,
            needs_failed,
            ..
        } = self.parts[part.0 as usize];
        let sheet_part = &self.sheet.parts[part.0 as usize];
        let step = &sheet_part.steps[(ix.0 - first) as usize];
        let (outcome, error) = match &step.start {
            Start::Reuse => (Outcome::Reused, None),
            Start::Unresolved { why } => (Outcome::Unresolved, Some(why.clone())),
            Start::Proposal { summary } => (Outcome::Failed, Some(proposal_error(summary))),
            Start::Run if is_under_way(memory, &sheet_part.send_id(step), step.kind) => {
                return StepState::Active;
            }
            Start::Run if needs_failed => (Outcome::Blocked, None),
            Start::Run if needs_left == 0 => return StepState::Ready,
            Start::Run => return StepState::Waiting,
        };
        self.step_mut(ix).error = error;
        StepState::Done(outcome)
    }

    /// A step ended badly: nothing of its part runs after it.
    fn block_after(&mut self, part: PartIx, bad: u32) {
        let end = self.parts[part.0 as usize].end;
        for ix in (bad + 1..end).map(StepIx) {
            self.step_mut(ix).state = StepState::Done(Outcome::Blocked);
        }
        let part = &mut self.parts[part.0 as usize];
        part.cursor = end;
        part.failed = true;
    }
}

fn is_under_way(memory: &Memory, send: &SendId, kind: StepKind) -> bool {
    let state = memory.find(send).map(|send| &send.state);
    kind.is_send()
        && match state {
            Some(SendState::Open(_) | SendState::Running(_) | SendState::Collecting(_)) => true,
            Some(SendState::Failed { again_at, .. }) => again_at.is_some(),
            _ => false,
        }
}
