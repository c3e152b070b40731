//! From an errand to a request: what is recorded before it goes out, and what goes out; and from a reply to its judge.

use super::ports::{Files, ImageFile, Request, StorageError};
use super::shown;
use crate::plan::actions::Plan;
use crate::plan::bill::BillIx;
use crate::plan::content::{Content, ImageRef};
use crate::plan::family::{OnProposal, Policy, StepIx};
use crate::plan::key::{IdempotencyKey, LineageId};
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::remote::{ArtifactId, JobId, Timestamp};
use crate::plan::send::{Send, SendId, SendIx, SendState, Target};
use crate::run::event::Event;
use crate::run::history::History;
use crate::run::progress::Run;
use crate::schedule::answer::{Answer, Reply, Verdict};
use crate::schedule::errand::Errand;
use crate::schedule::polls::Sweep;
use crate::schedule::search::Search;
use crate::schedule::{charges, judge, judge_poll, transcripts};
use crate::teeth::{Bug, bites};

/// A request that is about to go out.
#[derive(Debug)]
pub(super) struct Dispatch {
    /// What is recorded first.
    pub(super) intent: Option<Event>,
    /// What goes out.
    pub(super) request: Request,
    /// What its reply will be about.
    pub(super) awaited: Awaited,
}

/// What a reply is about.
#[derive(Debug)]
pub(super) enum Awaited {
    /// A create, follow-up or review.
    Send(SendId),
    /// The job of a send.
    Poll(SendId),
    /// A file of a send.
    File(SendId, ArtifactId),
    /// The conversation of the job of a part, for a download.
    Transcript(StepIx, LineageId),
    /// A question of the search for witnesses.
    Look,
    /// What a job was charged.
    Charge(JobId),
    /// A page of the job list, in place of polls.
    Sweep,
    /// The balance, with the holds that waited for no answer when it was asked for.
    Balance(Cents),
}

/// Where the facts for requests come from.
pub(super) struct Desk<'a> {
    pub(super) plan: &'a Plan,
    pub(super) memory: &'a Memory,
    pub(super) run: Option<&'a Run>,
    pub(super) files: &'a dyn Files,
    pub(super) search: Option<&'a Search>,
    pub(super) sweep: Option<&'a Sweep>,
}

impl Desk<'_> {
    /// Makes the request of `errand`.
    pub(super) fn prepare(&self, errand: Errand, now: Timestamp) -> Result<Dispatch, StorageError> {
        match errand {
            Errand::Start(step, hold) => self.start(step, hold),
            Errand::Resend(send) => self.resend(send),
            Errand::Poll(send) => self.poll(send, now),
            Errand::Fetch(send) => self.fetch(send),
            Errand::Look => self.look(),
            Errand::Transcribe(step) => self.transcribe(step),
            Errand::AskCharge(bill) => Ok(self.ask_charge(bill, now)),
            Errand::Sweep => Ok(Dispatch {
                intent: None,
                request: Request::List(self.sweep.and_then(|sweep| sweep.cursor.clone())),
                awaited: Awaited::Sweep,
            }),
            Errand::ReadBalance => Ok(Dispatch {
                intent: None,
                request: Request::Balance,
                awaited: Awaited::Balance(self.memory.settled_holds()),
            }),
        }
    }

    /// The first send of a step, or the next attempt after the service failed it.
    fn start(&self, ix: StepIx, hold: Cents) -> Result<Dispatch, StorageError> {
        let (Some(id), Some(content)) = (self.send_id(ix), self.content(ix)) else {
            let step = self.plan.family.step_ref(ix);
            let why = format!("the start of {step} was due, and what it asks for is not known");
            return Err(StorageError::new("journal", why));
        };
        let attempt = match self.memory.find(&id) {
            Some(Send {
                attempt,
                state: SendState::Failed { .. },
                ..
            }) => attempt + u32::from(!bites(Bug::SameAttemptAfterFailure)),
            Some(send) if send.may_start_anew() => send.attempt,
            // It may have been executed: to start it anew could pay it twice.
            Some(send) => return Err(nothing_to_ask("the start of a send that was made", send)),
            None => 0,
        };
        let target = match self.run.and_then(|run| run.write_before(ix)) {
            None => None,
            Some(write) => {
                let job = self
                    .memory
                    .lineages
                    .get(&id.lineage)
                    .and_then(|lineage| lineage.job.clone());
                let result = self
                    .send_id(write)
                    .and_then(|write| self.memory.write_result(&write));
                let revision = result.and_then(|result| result.revision.clone());
                job.map(|job| Target { job, revision })
            }
        };
        let key = IdempotencyKey::new(&self.plan.family.salt, id.key, id.lineage, attempt);
        let request = self.request(content, target.as_ref(), &key)?;
        let (content, step) = (content.clone(), self.plan.family.step_ref(ix));
        let intent = Event::Intended {
            send: id,
            step,
            content,
            target,
            attempt,
            key,
            hold,
        };
        Ok(Dispatch {
            intent: Some(intent),
            request,
            awaited: Awaited::Send(id),
        })
    }

    /// The work of the step at `ix`, once it is known.
    pub(super) fn send_id(&self, ix: StepIx) -> Option<SendId> {
        self.run.and_then(|run| run.send_id(ix))
    }

    /// What the step at `ix` asks for, once it is known.
    pub(super) fn content(&self, ix: StepIx) -> Option<&Content> {
        self.run.and_then(|run| run.content(self.plan, ix))
    }

    /// The same bytes again, from what is stored: the manifest may say something else by now.
    fn resend(&self, ix: SendIx) -> Result<Dispatch, StorageError> {
        let send = self.memory.send(ix);
        let mut key = send.key.clone();
        if bites(Bug::NewKeyOnRetry) {
            let salt = &self.plan.family.salt;
            key = IdempotencyKey::new(salt, send.id.key, send.id.lineage, send.attempt + 1);
        }
        let request = match self.request(&send.content, send.target.as_ref(), &key)? {
            Request::Create { key, prompt, .. } if bites(Bug::RetryWithoutImages) => {
                Request::Create {
                    key,
                    prompt,
                    images: Vec::new(),
                }
            }
            request => request,
        };
        Ok(Dispatch {
            intent: Some(Event::Resent { send: send.id }),
            request,
            awaited: Awaited::Send(send.id),
        })
    }

    /// A poll. Its intent keeps the wait, so that a lost reply never makes us ask sooner.
    fn poll(&self, ix: SendIx, now: Timestamp) -> Result<Dispatch, StorageError> {
        let send = self.memory.send(ix);
        let job = self
            .memory
            .lineages
            .get(&send.id.lineage)
            .and_then(|lineage| lineage.job.clone());
        match (&send.state, job) {
            (SendState::Running(running), Some(job)) => {
                let intent = Event::PollSent {
                    send: send.id,
                    next_poll_at: now.after(running.wait),
                };
                Ok(Dispatch {
                    intent: Some(intent),
                    request: Request::Job(job),
                    awaited: Awaited::Poll(send.id),
                })
            }
            _ => Err(nothing_to_ask("a poll of a job that is not at work", send)),
        }
    }

    /// The conversation of a job, for the download at `ix`.
    fn transcribe(&self, ix: StepIx) -> Result<Dispatch, StorageError> {
        let lineage = self.send_id(ix).map(|id| id.lineage);
        let job = lineage.and_then(|id| Some((id, self.memory.lineages.get(&id)?.job.clone()?)));
        let (lineage, job) = job.ok_or_else(|| {
            let step = self.plan.family.step_ref(ix);
            StorageError::new("journal", format!("it knows of no job for {step}"))
        })?;
        Ok(Dispatch {
            intent: None,
            request: Request::Transcript(job),
            awaited: Awaited::Transcript(ix, lineage),
        })
    }

    /// The question for a charge. Its intent keeps the wait, as a poll's does.
    fn ask_charge(&self, bill: BillIx, now: Timestamp) -> Dispatch {
        let bill = self.memory.bills.bill(bill);
        let ask_at = bill.asking.map_or(now, |asking| asking.next(now));
        let job = bill.job.clone();
        Dispatch {
            intent: Some(Event::ChargeAsked {
                job: job.clone(),
                ask_at,
            }),
            request: Request::Job(job.clone()),
            awaited: Awaited::Charge(job),
        }
    }

    /// The file of a result that is missing at home.
    fn fetch(&self, ix: SendIx) -> Result<Dispatch, StorageError> {
        let send = self.memory.send(ix);
        let missing = match &send.state {
            SendState::Collecting(collecting) => collecting.next(),
            _ => None,
        };
        let artifact =
            missing.ok_or_else(|| nothing_to_ask("a fetch of a file that is at home", send))?;
        let request = Request::Fetch {
            artifact: artifact.id.clone(),
            step: artifact.kind == "step",
        };
        Ok(Dispatch {
            intent: None,
            request,
            awaited: Awaited::File(send.id, artifact.id.clone()),
        })
    }

    pub(super) fn request(
        &self,
        content: &Content,
        target: Option<&Target>,
        key: &IdempotencyKey,
    ) -> Result<Request, StorageError> {
        let image = |image: &ImageRef| {
            Ok(ImageFile {
                bytes: self.files.read(image.digest)?,
                image_type: image.image_type,
            })
        };
        let images = content
            .images()
            .iter()
            .map(image)
            .collect::<Result<Vec<_>, StorageError>>()?;
        let key = key.clone();
        match (content, target) {
            (Content::Create { prompt, .. }, _) => Ok(Request::Create {
                key,
                prompt: prompt.clone(),
                images,
            }),
            (Content::Iterate { prompt, .. }, Some(target)) => Ok(Request::FollowUp {
                key,
                job: target.job.clone(),
                prompt: prompt.clone(),
                images,
            }),
            (Content::Review { prompt, view }, Some(target)) => Ok(Request::Review {
                key,
                job: target.job.clone(),
                prompt: prompt.clone(),
                revision: shown::revision(view.as_deref(), target),
                viewer_state: shown::viewer_state(view.as_deref(), self.files)?,
            }),
            (content, _) => Err(StorageError::new(
                "journal",
                format!("it knows of no job for this {}", content.kind()),
            )),
        }
    }
}

/// What a reply to something `awaited` means.
pub(super) fn judge(
    plan: &Plan,
    history: &History,
    awaited: &Awaited,
    reply: Reply,
    now: Timestamp,
) -> Vec<Event> {
    let id = match awaited {
        Awaited::Balance(settled) => {
            let failures = history.run.as_ref().map_or(0, |run| run.balance_failures);
            return judge::balance(reply, *settled, failures, now);
        }
        Awaited::Transcript(ix, lineage) => {
            let failures = history.run.as_ref().map_or(0, |run| run.step(*ix).failures);
            let step = plan.family.step_ref(*ix);
            return transcripts::transcribed(step, *lineage, reply, failures, now);
        }
        Awaited::Charge(job) => {
            let bill = history.memory.bills.of(job);
            return bill.map_or_else(Vec::new, |bill| charges::told(bill, reply, now));
        }
        // The search and the sweep take their answers themselves.
        Awaited::Look | Awaited::Sweep => return Vec::new(),
        Awaited::Send(id) | Awaited::Poll(id) | Awaited::File(id, _) => id,
    };
    let Some(send) = history.memory.find(id) else {
        return Vec::new();
    };
    let run = history.run.as_ref();
    let step = run.and_then(|run| Some((run, run.step_of(id)?)));
    match awaited {
        Awaited::File(_, artifact) => judge::fetched(send, artifact, reply, now),
        Awaited::Poll(_) => {
            let failures = step.map(|(run, ix)| run.step(ix).failures);
            judge_poll::polled(send, reply, &plan.family.settings, failures, now)
        }
        Awaited::Send(_)
        | Awaited::Transcript(..)
        | Awaited::Look
        | Awaited::Sweep
        | Awaited::Balance(_)
        | Awaited::Charge(_) => match another_part(&history.memory, send, &reply) {
            Some(why) => vec![Event::Unresolved {
                send: *id,
                call: Some(reply.call),
                why,
            }],
            None => judge::sent(send, reply, on_proposal(plan, history, id), now),
        },
    }
}

/// Why the answer to a create can't be believed: its job is another part's, so that the key was used for something else.
fn another_part(memory: &Memory, send: &Send, reply: &Reply) -> Option<String> {
    let Verdict::Done(Answer::Accepted { job, .. }) = &reply.verdict else {
        return None;
    };
    let owner = memory.jobs.get(job)?;
    (*owner != send.id.lineage).then(|| {
        let part = memory
            .lineages
            .get(owner)
            .and_then(|owner| owner.part.as_ref());
        let part = part.map_or("another part", |part| part.as_str());
        format!("the service answered with {job}, which is the job of {part}")
    })
}

/// What a review's step says to a proposal; a review that no step of the run wants ignores it.
pub(super) fn on_proposal(plan: &Plan, history: &History, send: &SendId) -> OnProposal {
    let step = history.run.as_ref().and_then(|run| run.step_of(send));
    match step.map(|ix| &plan.family.step(ix).policy) {
        Some(Policy::OnProposal(on_proposal)) => *on_proposal,
        _ => OnProposal::Ignore,
    }
}

fn nothing_to_ask(what: &str, send: &Send) -> StorageError {
    StorageError::new("journal", format!("{what} was due for {}", send.step))
}
