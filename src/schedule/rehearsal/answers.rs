//! The service of a rehearsal: every answer is a good one.

use super::super::answer::{Answer, JobLine, Phase, Reply, Verdict};
use super::super::slot::{Class, SlotId};
use super::super::sweep;
use crate::plan::content::StepKind;
use crate::plan::digest::Digest;
use crate::plan::durations::Thing;
use crate::plan::money::Cents;
use crate::plan::remote::{Artifact, ArtifactId, JobId, ReviewResult, Stored, WriteResult};
use crate::plan::send::{SendId, SendState};
use crate::run::call::Endpoint;
use crate::run::event::Event;

use super::{Awaited, Rehearsal, call};

impl Rehearsal<'_> {
    /// An answer comes, and it is a good one.
    pub(super) fn take_in(&mut self, awaited: Awaited, slots: &[(Class, SlotId)]) {
        for (class, slot) in slots {
            self.limiter.answered(class, *slot, self.now);
            self.agenda.answered(class);
        }
        if let Some((class, _)) = slots.last() {
            self.outstanding.count(class, -1);
        }
        let event = match awaited {
            Awaited::Balance(settled) => Event::BalanceRead {
                call: call(Endpoint::Balance),
                available: Cents::MAX + Cents::MAX,
                hold: Cents::ZERO,
                currency: String::new(),
                settled,
            },
            Awaited::File(send, artifact) => Event::FileStored {
                send,
                call: call(Endpoint::Download),
                artifact,
                stored: Stored {
                    sha256: Digest::of(b""),
                    bytes: 0,
                },
            },
            Awaited::Poll(send) => Event::Completed {
                send,
                call: call(Endpoint::Job),
                result: self.result(),
            },
            Awaited::Send(send) => self.accepted(send),
            Awaited::Transcript(ix) => {
                let Some(send) = self.plan.send_id(ix) else {
                    return;
                };
                Event::Transcribed {
                    step: self.plan.family.step_ref(ix),
                    lineage: send.lineage,
                    call: call(Endpoint::Messages),
                    stored: Stored {
                        sha256: Digest::of(b""),
                        bytes: 0,
                    },
                }
            }
            Awaited::Sweep => return self.swept(),
        };
        self.record(event);
    }

    /// The whole list on one page, all of it ended: each job is due no sooner than that.
    fn swept(&mut self) {
        let memory = &self.history.memory;
        let due = memory.iter().filter_map(|(_, send)| {
            let is_due =
                matches!(&send.state, SendState::Running(job) if job.next_poll_at <= self.now);
            let lineage = memory.lineages.get(&send.id.lineage)?;
            lineage.job.clone().filter(|_| is_due)
        });
        let line = |id| JobLine {
            id,
            preview: String::new(),
            created_at: None,
            phase: Phase::Ended,
        };
        let jobs = due.map(line).collect();
        let reply = Reply {
            call: call(Endpoint::List),
            verdict: Verdict::Done(Answer::Jobs { jobs, next: None }),
        };
        let settings = &self.plan.family.settings;
        let events = sweep::took(&mut self.agenda, memory, settings, reply, self.now);
        for event in events {
            self.record(event);
        }
    }

    fn accepted(&self, send: SendId) -> Event {
        let kind = self
            .history
            .memory
            .find(&send)
            .map(|send| send.content.kind());
        let thing = match kind {
            Some(StepKind::Review) => {
                return Event::Reviewed {
                    send,
                    call: call(Endpoint::Review),
                    review: ReviewResult {
                        message: String::new(),
                        proposal: None,
                    },
                    accepted: true,
                };
            }
            Some(StepKind::Create) => Thing::Create,
            _ => Thing::Iterate,
        };
        let seen = self
            .draw(thing)
            .saturating_sub(self.durations.mean(Thing::Answer));
        Event::Accepted {
            send,
            call: call(Endpoint::Create),
            job: JobId(format!("job {} {}", send.lineage.create.short(), self.sent)),
            next_poll_at: self.now.after(seen),
        }
    }

    fn result(&self) -> WriteResult {
        let file = Artifact {
            id: ArtifactId(self.sent.to_string()),
            label: String::new(),
            kind: "step".to_owned(),
            is_root: false,
            stored: None,
        };
        WriteResult {
            revision: None,
            explanation: String::new(),
            charged: Some(Cents::ZERO),
            artifacts: vec![file],
        }
    }
}
