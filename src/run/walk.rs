//! How a run moves on: a part's steps end in their order, and a part that ended lets those go on that need it.

use super::outcome::Outcome;
use super::progress::Run;
use super::sheet::Start;
use super::step::{Needs, PartRun, StepRun, StepState, claim_error, proposal_error};
use crate::plan::content::StepKind;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::memory::Memory;
use crate::plan::send::{SendId, SendState};

impl Run {
    /// Goes through all parts from their beginnings: steps that ended stay so, and what follows from them is worked out anew.
    pub(super) fn walk_all(&mut self, memory: &Memory) -> Vec<StepIx> {
        for part in &mut self.parts {
            *part = PartRun::new(part.first, part.end);
        }
        for (ix, part) in (0..).map(PartIx).zip(&self.sheet.parts) {
            for need in &part.needs {
                if let Some(need) = self.parts.get_mut(*need as usize) {
                    need.dependents.push(ix);
                    self.parts[ix.0 as usize].needs_left += 1;
                }
            }
        }
        self.count_needs();
        let parts = (0..).map(PartIx).take(self.parts.len()).collect();
        self.walk(parts, memory)
    }

    /// Works out anew which steps wait for which steps of other parts.
    fn count_needs(&mut self) {
        for step in &mut self.steps {
            step.needs = Needs::default();
        }
        let steps = self.sheet.parts.iter().flat_map(|part| &part.steps);
        for (ix, step) in (0..).map(StepIx).zip(steps) {
            for need in &step.needs {
                if let Some(need) = self.steps.get_mut(*need as usize) {
                    need.needs.dependents.push(ix);
                    self.steps[ix.0 as usize].needs.left += 1;
                }
            }
        }
    }

    /// The step at `ix` ended: those of other parts that need it may go on, and their parts are looked at.
    fn release(&mut self, ix: StepIx, failed: bool, parts: &mut Vec<PartIx>) {
        for dependent in std::mem::take(&mut self.step_mut(ix).needs.dependents) {
            let needs = &mut self.step_mut(dependent).needs;
            needs.left = needs.left.saturating_sub(1);
            needs.failed |= failed;
            parts.push(self.part_of(dependent));
        }
    }

    /// A run goes on: what did not succeed and may yet is waiting again. What the service refused, failed for good or a
    /// check rejected stays as it is; the next run tries it anew.
    pub(super) fn reopen(&mut self, memory: &Memory) -> Vec<StepIx> {
        let steps = self.sheet.parts.iter().flat_map(|part| {
            let steps = part.steps.iter();
            steps.map(|step| (part.send_id(step), step.kind))
        });
        for ((send, kind), step) in steps.zip(&mut self.steps) {
            if matches!(step.state, StepState::Ready | StepState::Asking) {
                step.state = StepState::Waiting;
            }
            let may_succeed = match step.state {
                StepState::Done(Outcome::Blocked | Outcome::Cancelled) => true,
                StepState::Done(Outcome::Failed) if !kind.is_send() => true,
                // A person has settled it since, or the service is asked again.
                StepState::Done(Outcome::Unresolved) => {
                    !send.is_some_and(|send| is_unresolved(memory, &send))
                }
                StepState::Done(_) => is_under_way(memory, send, kind),
                StepState::Waiting | StepState::Ready | StepState::Active | StepState::Asking => {
                    false
                }
            };
            if may_succeed {
                step.state = StepState::Waiting;
                step.error = None;
            }
        }
        let is_bad =
            |step: &StepRun| matches!(step.state, StepState::Done(outcome) if outcome.is_bad());
        let first_bad = (0..)
            .map(StepIx)
            .zip(&self.steps)
            .find(|(_, step)| is_bad(step));
        self.first_bad = first_bad.map(|(ix, _)| ix);
        self.walk_all(memory)
    }

    /// Moves the cursors of `parts`, and of every part that waits for them, as far as they go.
    pub(super) fn walk(&mut self, mut parts: Vec<PartIx>, memory: &Memory) -> Vec<StepIx> {
        let mut ready = Vec::new();
        while let Some(part) = parts.pop() {
            self.walk_part(part, memory, &mut ready, &mut parts);
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

    /// Moves the cursor of `part`; `parts` gets those with steps that waited for what ended.
    fn walk_part(
        &mut self,
        part: PartIx,
        memory: &Memory,
        ready: &mut Vec<StepIx>,
        parts: &mut Vec<PartIx>,
    ) {
        loop {
            let PartRun { cursor, end, .. } = self.parts[part.0 as usize];
            if cursor == end {
                return;
            }
            let ix = StepIx(cursor);
            if self.step(ix).state == StepState::Waiting {
                let state = self.enter(part, ix, memory);
                self.step_mut(ix).state = state;
                if matches!(state, StepState::Done(outcome) if outcome.is_bad()) {
                    self.first_bad.get_or_insert(ix);
                }
                if state == StepState::Ready {
                    ready.push(ix);
                }
                if state == StepState::Waiting {
                    ready.extend(self.try_again(part, ix, memory));
                }
            }
            match self.step(ix).state {
                StepState::Done(outcome) if outcome.is_good() => {
                    self.parts[part.0 as usize].cursor += 1;
                    self.release(ix, false, parts);
                }
                StepState::Done(_) => {
                    self.block_after(part, cursor);
                    let end = self.parts[part.0 as usize].end;
                    for later in (cursor..end).map(StepIx) {
                        self.release(later, !self.outcome(later).is_good(), parts);
                    }
                }
                StepState::Waiting | StepState::Ready | StepState::Active | StepState::Asking => {
                    return;
                }
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
        let own = &self.step(ix).needs;
        let (needs_failed, needs_left) = (needs_failed || own.failed, needs_left + own.left);
        let sheet_part = &self.sheet.parts[part.0 as usize];
        let step = &sheet_part.steps[(ix.0 - first) as usize];
        let (outcome, error) = match &step.start {
            // A file of it was lost, and is fetched again.
            Start::Reuse if is_under_way(memory, sheet_part.send_id(step), step.kind) => {
                return StepState::Active;
            }
            Start::Reuse => (Outcome::Reused, None),
            Start::Unresolved { why } => (Outcome::Unresolved, Some(why.clone())),
            Start::Claimed { claim } if memory.claims.contains_key(&claim.create) => {
                (Outcome::Unresolved, Some(claim_error(claim)))
            }
            Start::Unmet { why } => (Outcome::Blocked, Some(why.clone())),
            Start::Proposal { summary } => (Outcome::Failed, Some(proposal_error(summary))),
            Start::Run | Start::Claimed { .. }
                if step.kind.is_send() && is_known(memory, sheet_part.send_id(step)) =>
            {
                let send = sheet_part.send_id(step).and_then(|id| memory.find(&id));
                match send.map(|send| &send.state) {
                    Some(SendState::Applied(_) | SendState::Reviewed(_)) => {
                        (Outcome::Succeeded, None)
                    }
                    Some(SendState::Unresolved { why, .. }) => {
                        (Outcome::Unresolved, Some(why.clone()))
                    }
                    _ => return StepState::Active,
                }
            }
            Start::Run | Start::Claimed { .. }
                if step.kind.is_send() && self.cancelled.contains(&part) =>
            {
                (Outcome::Cancelled, None)
            }
            Start::Run | Start::Claimed { .. } if needs_failed => (Outcome::Blocked, None),
            Start::Run | Start::Claimed { .. } if needs_left > 0 => return StepState::Waiting,
            // What a gate is about has to be known first.
            Start::Run if step.kind == StepKind::Approve && step.key.is_some() => {
                let gate = sheet_part.send_id(step);
                let is_cancelled = self.cancelled.contains(&part);
                match self.at_gate(ix, gate.as_ref(), memory) {
                    // Of a part that was given up nothing is asked any more.
                    StepState::Asking if is_cancelled => (Outcome::Cancelled, None),
                    state => return state,
                }
            }
            Start::Run if step.kind == StepKind::Review => {
                match self
                    .begun_after(part, ix, memory)
                    .map(|later| self.step(later).state)
                {
                    None => return StepState::Ready,
                    Some(StepState::Done(_)) => (Outcome::Blocked, None),
                    Some(_) => return StepState::Waiting,
                }
            }
            Start::Run | Start::Claimed { .. } => return StepState::Ready,
        };
        self.step_mut(ix).error = error;
        StepState::Done(outcome)
    }

    /// A write of `part` that comes after `ix` and was begun already, before the manifest had this step. Until it is done
    /// the service answers no review of the job.
    fn begun_after(&self, part: PartIx, ix: StepIx, memory: &Memory) -> Option<StepIx> {
        let sheet_part = &self.sheet.parts[part.0 as usize];
        let PartRun { first, end, .. } = self.parts[part.0 as usize];
        (ix.0 + 1..end).map(StepIx).find(|later| {
            let step = &sheet_part.steps[(later.0 - first) as usize];
            let send = sheet_part.send_id(step).and_then(|id| memory.find(&id));
            send.is_some_and(|send| {
                let state = &send.state;
                send.is_active()
                    || matches!(
                        state,
                        SendState::Failed { .. } | SendState::Unresolved { .. }
                    )
            })
        })
    }

    /// The write that `ix` waits for, when the service failed its last attempt: it goes first.
    fn try_again(&mut self, part: PartIx, ix: StepIx, memory: &Memory) -> Option<StepIx> {
        let later = self.begun_after(part, ix, memory)?;
        let sheet_part = &self.sheet.parts[part.0 as usize];
        let PartRun {
            first, needs_left, ..
        } = self.parts[part.0 as usize];
        let send = sheet_part.send_id(&sheet_part.steps[(later.0 - first) as usize])?;
        let is_failed = matches!(memory.find(&send)?.state, SendState::Failed { .. });
        let step = self.step_mut(later);
        if !is_failed || needs_left > 0 || step.state != StepState::Waiting {
            return None;
        }
        step.state = StepState::Ready;
        Some(later)
    }

    /// A step ended badly: nothing of its part runs after it.
    fn block_after(&mut self, part: PartIx, bad: u32) {
        let end = self.parts[part.0 as usize].end;
        let outcome = if self.cancelled.contains(&part) {
            Outcome::Cancelled
        } else {
            Outcome::Blocked
        };
        for ix in (bad + 1..end).map(StepIx) {
            let step = self.step_mut(ix);
            if !matches!(step.state, StepState::Done(_)) {
                step.state = StepState::Done(outcome);
            }
        }
        let part = &mut self.parts[part.0 as usize];
        part.cursor = end;
        part.failed = true;
    }
}

/// Whether it can't be told what became of a step's send.
fn is_unresolved(memory: &Memory, send: &SendId) -> bool {
    match memory.find(send).map(|send| &send.state) {
        Some(state) => matches!(state, SendState::Unresolved { .. }),
        None => memory.claims.contains_key(&send.key),
    }
}

/// Whether the send of a step is on its way: no new one is needed.
fn is_under_way(memory: &Memory, send: Option<SendId>, kind: StepKind) -> bool {
    let send = send.and_then(|send| memory.find(&send));
    let state = send.map(|send| &send.state);
    kind.is_send()
        && matches!(
            state,
            Some(SendState::Open(_) | SendState::Running(_) | SendState::Collecting(_))
        )
}

/// Whether there is a send that must not be made a second time.
fn is_known(memory: &Memory, send: Option<SendId>) -> bool {
    let send = send.and_then(|send| memory.find(&send));
    send.is_some_and(|send| !send.may_start_anew())
}
