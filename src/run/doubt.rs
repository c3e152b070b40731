//! Folding doubt into the memory: sends that are looked for at the service, jobs that a person adopts, and what a person
//! says was never executed.

use super::booking::Booking;
use super::event::{AdoptedWrite, Event};
use crate::plan::ids::PartId;
use crate::plan::key::StepKey;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::remote::{JobId, Timestamp, WriteResult};
use crate::plan::send::{Before, Doubt, Open, Running, Send, SendIx, SendState};

impl Memory {
    /// A send is in doubt, or a look for it did not find it.
    pub(super) fn doubt(&mut self, ix: SendIx, booking: Booking, event: &Event) {
        match event {
            Event::Doubted { why, .. } => self.open(ix, |open| {
                open.tainted = true;
                open.retry_at = None;
                open.doubt = Some(Doubt {
                    why: why.clone(),
                    look_at: booking.at,
                    unseen_since: None,
                });
            }),
            Event::Absent {
                look_again_at: Some(look_at),
                ..
            } => self.open(ix, |open| {
                if let Some(doubt) = &mut open.doubt {
                    doubt.look_at = *look_at;
                    doubt.unseen_since.get_or_insert(booking.at);
                }
            }),
            Event::Absent { .. } => {
                self.open(ix, |open| open.absences += 1);
                let why = "it was not executed: the service's records don't show it";
                self.postpone(ix, booking, why, booking.at);
            }
            _ => {}
        }
    }

    /// It was clearly not executed, and may be sent again.
    pub(super) fn postpone(
        &mut self,
        ix: SendIx,
        booking: Booking,
        why: &str,
        again_at: Timestamp,
    ) {
        let (sends, absences) = match &self.send(ix).state {
            SendState::Open(open) => (open.sends, open.absences),
            _ => (1, 0),
        };
        let postponed = SendState::Postponed {
            why: why.to_owned(),
            sends,
            absences,
            again_at,
        };
        self.set(ix, postponed);
        self.release(ix, booking);
    }

    /// `job` is the send's.
    pub(super) fn own(&mut self, ix: SendIx, job: &JobId) {
        let lineage = self.send(ix).id.lineage;
        self.jobs.insert(job.clone(), lineage);
    }

    /// A person gave a part a job: its last write is looked at as if it had just been accepted.
    pub(super) fn adopt(&mut self, booking: Booking, writes: &[AdoptedWrite], job: &JobId) {
        self.scanned = true;
        for (nth, write) in writes.iter().enumerate() {
            let state = if nth + 1 == writes.len() {
                SendState::Running(Running {
                    since: booking.at,
                    next_poll_at: booking.at,
                    wait: std::time::Duration::ZERO,
                    polling: false,
                    unclear: 0,
                })
            } else {
                // What it brought has been replaced since by what a later one brought.
                SendState::Applied(WriteResult {
                    revision: None,
                    explanation: String::new(),
                    charged: None,
                    artifacts: Vec::new(),
                })
            };
            let send = Send {
                id: write.send,
                step: write.step.clone(),
                content: write.content.clone(),
                attempt: 0,
                key: write.key.clone(),
                hold: Cents::ZERO,
                target: None,
                state,
            };
            let ix = self.put(send);
            self.own(ix, job);
            self.give(&write.step.part, write.send.lineage);
            let lineage = self.lineage_of(ix);
            lineage.job = Some(job.clone());
            self.bills.change(job, |bill| bill.baseline_unknown = true);
            self.claims.remove(&write.send.lineage.create);
        }
    }

    /// A person said that nothing unresolved of `part` was executed: it may be sent, with a new key.
    pub(super) fn disclaim(&mut self, booking: Booking, part: &PartId, create: &StepKey) {
        self.claims.remove(create);
        let sends: Vec<SendIx> = self
            .iter()
            .filter(|(_, send)| send.step.part == *part && send.is_in_question())
            .map(|(ix, _)| ix)
            .collect();
        for ix in sends {
            let state = SendState::Failed {
                why: "a person said that it was not executed".to_owned(),
                again_at: Some(booking.at),
            };
            self.set(ix, state);
            self.release(ix, booking);
        }
    }
}

/// What is kept of a send that becomes unresolved; nothing of one that has its answer.
pub(super) fn given_up(state: &SendState) -> Option<Before> {
    match state {
        SendState::Open(open) => Some(Before::Sent(open.clone())),
        SendState::Running(running) => Some(Before::Accepted(Running {
            polling: false,
            ..running.clone()
        })),
        _ => None,
    }
}

/// A new process looks again at what was given up: at the job, or for what the service's records show.
pub(super) fn looked_at_again(before: &Before, why: &str, now: Timestamp) -> SendState {
    match before {
        Before::Accepted(running) => SendState::Running(running.clone()),
        Before::Sent(open) => SendState::Open(Open {
            tainted: true,
            retry_at: None,
            doubt: Some(Doubt {
                why: why.to_owned(),
                look_at: now,
                unseen_since: None,
            }),
            ..open.clone()
        }),
    }
}
