//! What an event about a send means for the step of a run that wants it.

use super::event::Event;
use super::outcome::Outcome;
use super::progress::Run;
use super::step::{StepState, proposal_error};
use crate::plan::family::StepIx;
use crate::plan::memory::Memory;
use crate::plan::remote::Timestamp;
use crate::plan::send::{RefusalCause, SendState};

impl Run {
    /// What an event about a send means for its step.
    pub(super) fn follow(
        &mut self,
        ix: StepIx,
        event: &Event,
        at: Timestamp,
        memory: &Memory,
    ) -> Vec<StepIx> {
        match event {
            Event::Intended { send, .. } => {
                let step = self.step_mut(ix);
                step.state = StepState::Active;
                step.attempts = step.failures + 1;
                step.error = None;
                if memory
                    .find(send)
                    .is_some_and(|send| send.content.kind().is_write())
                {
                    self.readings.retain(|reading| reading.is_fresh(at));
                    self.readings.pop_front();
                }
                Vec::new()
            }
            Event::Refused { refusal, .. } => {
                let why = format!("refused: {}: {}", refusal.code, refusal.message);
                match refusal.cause {
                    RefusalCause::Request => self.finish(ix, Outcome::Failed, Some(why), memory),
                    RefusalCause::Money | RefusalCause::Key => self.try_later(ix, &why, memory),
                }
            }
            Event::Unanswered { why, .. } | Event::Doubted { why, .. } => {
                self.step_mut(ix).error = Some(why.clone());
                Vec::new()
            }
            Event::Absent {
                look_again_at: None,
                ..
            } => self.try_later(ix, "it was not executed", memory),
            Event::Postponed { why, .. } => self.try_later(ix, why, memory),
            Event::Unresolved { why, .. } => {
                self.finish(ix, Outcome::Unresolved, Some(why.clone()), memory)
            }
            Event::JobFailed { why, again_at, .. } => {
                self.step_mut(ix).failures += 1;
                match again_at {
                    Some(_) => self.try_later(ix, why, memory),
                    None => self.finish(ix, Outcome::Failed, Some(why.clone()), memory),
                }
            }
            Event::FileNotStored {
                why,
                retry_at: None,
                ..
            } => self.finish(ix, Outcome::Failed, Some(why.clone()), memory),
            Event::Reviewed {
                review,
                accepted: false,
                ..
            }
            | Event::ReviewWitnessed {
                review,
                accepted: false,
                ..
            } => {
                let summary = review.proposal.as_deref().unwrap_or_default();
                self.finish(ix, Outcome::Failed, Some(proposal_error(summary)), memory)
            }
            Event::Reviewed { .. }
            | Event::ReviewWitnessed { .. }
            | Event::Completed { .. }
            | Event::FileStored { .. } => {
                let send = event.send().and_then(|send| memory.find(send));
                match send.map(|send| &send.state) {
                    Some(SendState::Applied(_) | SendState::Reviewed(_)) => {
                        self.finish(ix, Outcome::Succeeded, None, memory)
                    }
                    // The service is done with the job: a review that waited for that may start.
                    _ => self.walk(vec![self.part_of(ix)], memory),
                }
            }
            _ => Vec::new(),
        }
    }

    /// A send that no step wants any more may still have been paid: what goes wrong with it is told.
    pub(super) fn note_stray(&mut self, event: &Event) {
        if let Event::Unresolved { send, why, .. }
        | Event::FileNotStored {
            send,
            why,
            retry_at: None,
            ..
        } = event
        {
            self.strays.insert(*send, why.clone());
        }
    }
}
