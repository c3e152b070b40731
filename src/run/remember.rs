//! Folding events into [`Memory`]: what each of them says about a send, its job and its money.

use std::collections::BTreeMap;
use std::time::Duration;

use super::booking::Booking;
use super::doubt::{given_up, looked_at_again};
use super::event::{Event, Record, Resolution, SeenAtWork};
use crate::plan::content::StepKind;
use crate::plan::memory::{Lineage, Memory, Price, Transcript};
use crate::plan::remote::{ArtifactId, Timestamp, WriteResult};
use crate::plan::send::{Collecting, Open, Running, Send, SendIx, SendState};
use crate::teeth::{Bug, bites};

impl Memory {
    /// Takes in one event.
    pub fn apply(&mut self, record: &Record) {
        self.last_at = self.last_at.max(record.at);
        self.time(record);
        let booking = Booking {
            at: record.at,
            run: record.run,
        };
        match &record.event {
            Event::RunStarted { sheet } => {
                let retired = sheet.parts.iter().filter_map(|part| part.retires);
                retired.for_each(|lineage| self.retire(lineage));
                self.begin_anew(record.at);
            }
            Event::RunResumed { .. } => self.begin_anew(record.at),
            Event::Bound { part, lineage } => self.give(part, *lineage),
            Event::BalanceRead { hold, currency, .. } => {
                self.price = Some(Price {
                    hold: *hold,
                    currency: currency.clone(),
                });
            }
            Event::Intended { .. } => self.intend(record),
            Event::Resolved { resolution, .. } => self.look_for(resolution),
            Event::Checked { check, errors, .. } => {
                if errors.is_empty() {
                    self.passed_checks.insert(*check);
                }
            }
            Event::Scanned { claims } => {
                self.scanned = true;
                let claims = claims.iter().map(|claim| (claim.create, claim.clone()));
                self.claims.extend(claims);
            }
            Event::Distrusted {} => self.scanned = false,
            Event::Adopted { writes, job, .. } => self.adopt(booking, writes, job),
            Event::ConfirmedAbsent { part, create, .. } => self.disclaim(booking, part, create),
            Event::ChargeAsked { .. }
            | Event::ChargeKnown { .. }
            | Event::ChargeUnknown { .. }
            | Event::NotCharged { .. } => self.bill(booking, &record.event),
            Event::Approval { .. } => self.answer_gate(record),
            Event::Transcribed {
                lineage, stored, ..
            } => {
                let (stored, answers) = (*stored, self.answers(lineage));
                let transcript = Transcript { stored, answers };
                self.transcripts.insert(*lineage, transcript);
            }
            Event::FilesPublished { files, .. } => {
                self.published
                    .extend(files.iter().map(|file| (file.wanted.clone(), file.clone())));
            }
            Event::Swept { at_work, .. } => self.sweep(at_work),
            event => {
                if let Some(ix) = event.send().and_then(|id| self.index.get(id)).copied() {
                    self.advance(ix, booking, event);
                }
            }
        }
    }

    fn sweep(&mut self, at_work: &[SeenAtWork]) {
        for job in at_work {
            if let Some(ix) = self.index.get(&job.send).copied() {
                self.running(ix, |running| running.next_poll_at = job.next_poll_at);
            }
        }
    }

    /// After a start, whatever was out when the last process ended may have been executed, or never left. What was given
    /// up is looked at again: a file that did not come, a job that took too long or could not be seen.
    fn begin_anew(&mut self, now: Timestamp) {
        self.bills.begin_anew();
        let mut given_up = Vec::new();
        for (ix, send) in (0..).map(SendIx).zip(&mut self.sends) {
            match &mut send.state {
                SendState::Open(open) if open.retry_at.is_none() && open.doubt.is_none() => {
                    open.tainted = !bites(Bug::ForgetTaintAtStart);
                    open.retry_at = Some(now);
                }
                // The service may have answered it at any moment until now, and told us to wait from then on.
                SendState::Running(running) if running.polling => {
                    running.polling = false;
                    let wait = if bites(Bug::PollAtOnceAtStart) {
                        Duration::ZERO
                    } else {
                        running.wait
                    };
                    running.next_poll_at = running.next_poll_at.max(now.after(wait));
                }
                SendState::Collecting(collecting) => {
                    collecting.tries.clear();
                    collecting.retry_at = Some(now);
                }
                SendState::Unresolved { why, before } => {
                    given_up.push((ix, looked_at_again(before, why, now)));
                }
                _ => {}
            }
        }
        for (ix, state) in given_up {
            self.set(ix, state);
        }
    }

    /// A create that nobody knew of before may have been sent by an earlier state, as others may at its beginning.
    fn look_for(&mut self, resolution: &Resolution) {
        if let Resolution::Asks { send, content } = resolution
            && content.kind() == StepKind::Create
            && !self.index.contains_key(send)
            && self.late_creates.insert(send.key)
        {
            self.scanned = false;
        }
    }

    fn intend(&mut self, record: &Record) {
        let Event::Intended {
            send: id,
            step,
            content,
            target,
            attempt,
            key,
            hold,
        } = &record.event
        else {
            return;
        };
        let before = self.find(id).map(|send| &send.state);
        let open = Open {
            since: record.at,
            sends: match before {
                Some(SendState::Postponed { sends, .. }) => sends + 1,
                _ => 1,
            },
            tainted: false,
            retry_at: None,
            doubt: None,
            absences: match before {
                Some(SendState::Postponed { absences, .. }) => *absences,
                _ => 0,
            },
        };
        self.scanned |= content.kind().is_write();
        let send = Send {
            id: *id,
            step: step.clone(),
            content: content.clone(),
            attempt: *attempt,
            key: key.clone(),
            hold: *hold,
            target: target.clone(),
            state: SendState::Open(open),
        };
        let ix = self.put(send);
        self.give(&step.part, id.lineage);
        self.intended_holds += *hold;
        let booking = Booking {
            at: record.at,
            run: record.run,
        };
        self.reserve(ix, booking, *hold);
    }

    /// Takes in a send, in the place of an earlier attempt if there was one.
    pub(super) fn put(&mut self, send: Send) -> SendIx {
        let id = send.id;
        if let Some(ix) = self.index.get(&id).copied() {
            self.replace(ix, |there| *there = send);
            return ix;
        }
        let ix = SendIx(u32::try_from(self.sends.len()).unwrap_or(u32::MAX));
        self.active_jobs += usize::from(send.is_active());
        self.open_holds += send.open_hold();
        self.sends.push(send);
        self.index.insert(id, ix);
        self.lineages.entry(id.lineage).or_default().sends.push(ix);
        ix
    }

    /// What an event says about a send until it has its answer.
    fn advance(&mut self, ix: SendIx, booking: Booking, event: &Event) {
        match event {
            Event::Resent { .. } => self.open(ix, |open| {
                open.sends += 1;
                open.retry_at = None;
            }),
            Event::Unanswered { retry_at, .. } => self.open(ix, |open| {
                open.tainted = true;
                open.retry_at = Some(*retry_at);
            }),
            Event::Postponed { why, again_at, .. } => {
                self.postpone(ix, booking, why, *again_at);
            }
            Event::Accepted {
                job, next_poll_at, ..
            }
            | Event::Witnessed {
                job, next_poll_at, ..
            } => {
                let wait = next_poll_at.since(booking.at);
                let running = Running {
                    since: booking.at,
                    next_poll_at: *next_poll_at,
                    wait,
                    polling: false,
                    unclear: 0,
                };
                self.set(ix, SendState::Running(running));
                self.own(ix, job);
                let lineage = self.lineage_of(ix);
                if lineage.job.as_ref() != Some(job) {
                    lineage.job = Some(job.clone());
                }
            }
            Event::Reviewed { review, .. } | Event::ReviewWitnessed { review, .. } => {
                self.set(ix, SendState::Reviewed(review.clone()));
            }
            Event::Refused { refusal, .. } => {
                self.set(ix, SendState::Refused(refusal.clone()));
                self.release(ix, booking);
            }
            Event::Unresolved { why, .. } => {
                let why = why.clone();
                if let Some(before) = given_up(&self.send(ix).state) {
                    self.set(ix, SendState::Unresolved { why, before });
                }
            }
            Event::Doubted { .. } | Event::Absent { .. } => self.doubt(ix, booking, event),
            event => self.advance_job(ix, booking, event),
        }
    }

    /// What an event says about a job that the service accepted, and about its files.
    fn advance_job(&mut self, ix: SendIx, booking: Booking, event: &Event) {
        match event {
            Event::PollSent { next_poll_at, .. } => self.running(ix, |running| {
                running.next_poll_at = *next_poll_at;
                running.polling = true;
            }),
            Event::Polled {
                next_poll_at,
                unclear,
                ..
            } => self.running(ix, |running| {
                running.next_poll_at = *next_poll_at;
                running.polling = false;
                if *unclear {
                    running.unclear += 1;
                } else {
                    running.wait = next_poll_at.since(booking.at);
                    running.unclear = 0;
                }
            }),
            Event::Completed { result, .. } => {
                self.set(ix, collecting(result.clone(), BTreeMap::new(), booking.at));
                self.run_ended(ix, booking, result.charged, false);
            }
            Event::JobFailed {
                charged,
                why,
                again_at,
                ..
            } => {
                self.set(
                    ix,
                    SendState::Failed {
                        why: why.clone(),
                        again_at: *again_at,
                    },
                );
                self.run_ended(ix, booking, *charged, true);
            }
            Event::FileStored {
                artifact, stored, ..
            } => {
                let SendState::Collecting(collecting_now) = &mut self.sends[ix.0 as usize].state
                else {
                    return;
                };
                let mut result = collecting_now.result.clone();
                for file in result
                    .artifacts
                    .iter_mut()
                    .filter(|file| file.id == *artifact)
                {
                    file.stored = Some(*stored);
                }
                let tries = std::mem::take(&mut collecting_now.tries);
                self.set(ix, collecting(result, tries, booking.at));
            }
            Event::FileNotStored {
                artifact, retry_at, ..
            } => {
                if let SendState::Collecting(collecting) = &mut self.sends[ix.0 as usize].state {
                    *collecting.tries.entry(artifact.clone()).or_default() += 1;
                    collecting.retry_at = *retry_at;
                }
            }
            Event::FileLost { artifact, .. } => self.lose(ix, artifact),
            _ => {}
        }
    }

    /// A file of a paid job is there no more. The next run fetches it.
    fn lose(&mut self, ix: SendIx, artifact: &ArtifactId) {
        let (SendState::Applied(result) | SendState::Collecting(Collecting { result, .. })) =
            &self.send(ix).state
        else {
            return;
        };
        let mut result = result.clone();
        let mut files = result.artifacts.iter_mut();
        if let Some(file) = files.find(|file| file.id == *artifact) {
            file.stored = None;
            let lost = Collecting {
                result,
                tries: BTreeMap::new(),
                retry_at: None,
            };
            self.set(ix, SendState::Collecting(lost));
        }
    }

    pub(super) fn set(&mut self, ix: SendIx, state: SendState) {
        self.replace(ix, |send| send.state = state);
    }

    /// Changes a send, and the running totals with it.
    pub(super) fn replace(&mut self, ix: SendIx, change: impl FnOnce(&mut Send)) {
        let send = &mut self.sends[ix.0 as usize];
        self.active_jobs -= usize::from(send.is_active());
        self.open_holds -= send.open_hold();
        change(send);
        self.active_jobs += usize::from(send.is_active());
        self.open_holds += send.open_hold();
    }

    pub(super) fn open(&mut self, ix: SendIx, change: impl FnOnce(&mut Open)) {
        if let SendState::Open(open) = &mut self.sends[ix.0 as usize].state {
            change(open);
        }
    }

    fn running(&mut self, ix: SendIx, change: impl FnOnce(&mut Running)) {
        if let SendState::Running(running) = &mut self.sends[ix.0 as usize].state {
            change(running);
        }
    }

    pub(super) fn lineage_of(&mut self, ix: SendIx) -> &mut Lineage {
        let id = self.sends[ix.0 as usize].id.lineage;
        self.lineages.entry(id).or_default()
    }
}

/// A result is applied once nothing of it is missing at home.
fn collecting(result: WriteResult, tries: BTreeMap<ArtifactId, u32>, now: Timestamp) -> SendState {
    if result.missing().next().is_none() {
        return SendState::Applied(result);
    }
    SendState::Collecting(Collecting {
        result,
        tries,
        retry_at: Some(now),
    })
}
