//! A run, rehearsed: the scheduler and the limits as they are, against a service in which everything goes well and takes as
//! long as it did before. Nothing waits and nothing leaves; an hour of a run takes a moment.

use std::collections::BTreeMap;
use std::time::Duration;

use super::agenda::{Agenda, Item};
use super::answer::{Answer, JobLine, Phase, Reply, Verdict};
use super::decide::{self, Decision, Moment};
use super::errand::{Errand, Outstanding};
use super::limits::Limiter;
use super::slot::{Admittance, Class, SlotId};
use super::sweep;
use crate::plan::actions::Plan;
use crate::plan::content::{Content, Digest, Prompt, StepKind};
use crate::plan::durations::{Durations, Thing};
use crate::plan::family::{Ask, StepIx};
use crate::plan::gate::{Approval, Verdict as Word};
use crate::plan::ids::RunId;
use crate::plan::key::{IdempotencyKey, LineageId, StepKey};
use crate::plan::memory::{Memory, SendId, SendIx, SendState};
use crate::plan::money::Cents;
use crate::plan::remote::{
    Artifact, ArtifactId, JobId, ReviewResult, Stored, Timestamp, WriteResult,
};
use crate::plan::settings::Budget;
use crate::run::call::{Call, Endpoint};
use crate::run::event::{Event, Record};
use crate::run::history::History;
use crate::run::sheet::{Heading, Sheet};
use crate::run::step::StepState;

/// Larger families are not rehearsed.
const MAX_PARTS: usize = 10_000;
/// About so many steps are rehearsed in all: small plans more often, since chance weighs more in them.
const STEPS: usize = 2_000;
/// No plan is rehearsed more often.
const MOST: usize = 9;

/// How long a run of `plan` takes after `memory`: the median of some rehearsals, in which people approve at once. `None` when
/// the plan is too large, there is nothing to do, or something holds it up that can't be rehearsed.
#[must_use]
pub fn expected(plan: &Plan, memory: &Memory, durations: &Durations) -> Option<Duration> {
    let runs = plan.actions.iter().filter(|action| action.runs()).count();
    if runs == 0 || plan.family.parts.len() > MAX_PARTS {
        return None;
    }
    let plan = known(plan);
    let size = runs + memory.sends.len();
    // An odd number of them has a middle one.
    let times = (STEPS / size).clamp(1, MOST) | 1;
    let took: Option<Vec<Duration>> = (0..times as u64)
        .map(|seed| Rehearsal::new(&plan, memory, durations, seed).run())
        .collect();
    let mut took = took?;
    took.sort_unstable();
    Some(took[took.len() / 2])
}

/// The same plan, with money no object and with every step known: one that waits for results gets some text.
fn known(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let balance = plan.family.settings.budget.balance;
    plan.family.settings.budget = Budget {
        balance,
        ..Budget::default()
    };
    let mut parent = None;
    for (nth, step) in plan.family.steps.iter_mut().enumerate() {
        if step.write.is_none() {
            parent = None;
        }
        if step.key().is_none() {
            let prompt = Prompt::new(&format!("step {nth}"));
            let content = match step.kind {
                StepKind::Create => Content::Create {
                    prompt,
                    images: Vec::new(),
                },
                _ => Content::Iterate {
                    prompt,
                    images: Vec::new(),
                },
            };
            let key = StepKey::new(&content, parent);
            step.ask = Ask::Known { content, key };
        }
        if step.kind.is_write() {
            parent = step.key();
        }
    }
    for part in 0..plan.lineages.len() {
        if plan.lineages[part].is_none() {
            let first = plan.family.parts[part].steps.start as usize;
            let create = plan
                .family
                .steps
                .get(first)
                .and_then(crate::plan::family::Step::key);
            plan.lineages[part] = create.map(|create| LineageId {
                create,
                ordinal: u32::MAX,
                generation: 0,
            });
        }
    }
    plan
}

/// Nobody knows how long people take: they have said yes to every gate already.
fn approve_all(plan: &Plan, memory: &mut Memory) {
    for ix in plan.family.step_indices() {
        let is_asked = plan.action(ix).runs();
        if plan.family.step(ix).kind == StepKind::Approve
            && is_asked
            && let Some(gate) = plan.send_id(ix)
        {
            let approval = Approval {
                verdict: Word::Approved,
                user: String::new(),
                host: String::new(),
                reason: None,
                at: memory.last_at,
            };
            memory.approvals.insert(gate, approval);
        }
    }
}

/// What a request is about that is out.
enum Awaited {
    Send(SendId),
    Poll(SendId),
    File(SendId, ArtifactId),
    Balance(Cents),
    Transcript(StepIx),
    Sweep,
}

/// A request that is out, and the slots that it has.
type Out = (Awaited, Vec<(Class, SlotId)>);

struct Rehearsal<'a> {
    plan: &'a Plan,
    durations: &'a Durations,
    seed: u64,
    history: History,
    agenda: Agenda,
    limiter: Limiter,
    now: Timestamp,
    run: RunId,
    outstanding: Outstanding,
    out: BTreeMap<(Timestamp, u64), Out>,
    sent: u64,
}

impl<'a> Rehearsal<'a> {
    fn new(plan: &'a Plan, memory: &Memory, durations: &'a Durations, seed: u64) -> Self {
        let mut memory = memory.clone();
        // Whether an earlier state left jobs behind is a question of a few reads.
        memory.scanned = true;
        approve_all(plan, &mut memory);
        let now = memory.last_at.max(Timestamp(1));
        let heading = Heading {
            manifest: String::new(),
            max_spend: None,
            output: String::new(),
            zone: "UTC".to_owned(),
        };
        let sheet = Box::new(Sheet::new(plan, &heading));
        let mut rehearsal = Self {
            plan,
            durations,
            seed,
            history: History { memory, run: None },
            agenda: Agenda::default(),
            limiter: Limiter::new(plan.family.settings.limits.clone(), [], []),
            now,
            run: RunId(u32::MAX),
            outstanding: Outstanding::default(),
            out: BTreeMap::new(),
            sent: 0,
        };
        rehearsal.record(Event::RunStarted { sheet });
        if let Some(run) = &rehearsal.history.run {
            rehearsal.agenda = Agenda::new(plan, &rehearsal.history, run);
        }
        rehearsal
    }

    /// From its start to the end of its last step; `None` when there are steps that it does not come to.
    fn run(mut self) -> Option<Duration> {
        let start = self.now;
        loop {
            if self.act() {
                continue;
            }
            let Some(run) = &self.history.run else { break };
            let wake = decide::next_moment(&self.agenda, &self.history.memory, run, self.now);
            // What is due already and was not done waits for something else.
            let wake = wake.filter(|at| *at > self.now);
            let reply = self.out.keys().next().map(|(at, _)| *at);
            let Some(next) = wake.into_iter().chain(reply).min() else {
                break;
            };
            self.now = self.now.max(next);
            while let Some(entry) = self
                .out
                .first_entry()
                .filter(|entry| entry.key().0 <= self.now)
            {
                let (awaited, slots) = entry.remove();
                self.take_in(awaited, &slots);
            }
        }
        let run = self.history.run.as_ref()?;
        let mut steps = run.steps.iter();
        let is_done = steps.all(|step| matches!(step.state, StepState::Done(_)));
        is_done.then(|| self.now.since(start))
    }

    /// Does what may be done now; whether that was anything.
    fn act(&mut self) -> bool {
        let moment = Moment {
            now: self.now,
            out: self.outstanding,
        };
        let Some(run) = &self.history.run else {
            return false;
        };
        let decisions = decide::decide(&mut self.agenda, self.plan, &self.history, run, moment);
        let mut busy = false;
        for decision in decisions {
            match decision {
                Decision::Send(errand) => busy |= self.depart(errand),
                Decision::Local(ix) => {
                    self.agenda.remove(Item::Step(ix));
                    self.at_home(ix);
                    busy = true;
                }
                // Nothing is in doubt and nothing is short; what is from before is not rehearsed.
                Decision::Cap(ix, _) => self.agenda.remove(Item::Step(ix)),
                Decision::Doubt(ix, _) => self.agenda.remove(Item::Send(ix)),
                Decision::Search { .. } | Decision::Stop(_) => {}
            }
        }
        busy
    }

    fn at_home(&mut self, ix: StepIx) {
        let step = self.plan.family.step_ref(ix);
        let event = match (self.plan.family.step(ix).kind, self.plan.send_id(ix)) {
            (StepKind::Check, Some(check)) => Event::Checked {
                step,
                check,
                errors: Vec::new(),
                warnings: Vec::new(),
            },
            _ => Event::FilesPublished {
                step,
                files: Vec::new(),
            },
        };
        self.record(event);
    }

    /// Sends `errand` if it gets its slots.
    fn depart(&mut self, errand: Errand) -> bool {
        let mut classes = errand.classes(self.plan, &self.history.memory);
        // Each job is polled once, when it was seen to end before.
        for class in &mut classes {
            if matches!(class, Class::JobPolls(_)) {
                *class = Class::Polls;
            }
        }
        if !classes
            .iter()
            .all(|class| self.agenda.is_free(class, self.now))
        {
            return false;
        }
        let slots = match self.limiter.admit(&classes, self.now) {
            Admittance::Granted(slots) => classes.into_iter().zip(slots).collect::<Vec<_>>(),
            full => {
                self.agenda.wait_for(full, errand.item());
                return false;
            }
        };
        if let Some(item) = errand.item() {
            self.agenda.remove(item);
        }
        let Some((awaited, intent, took)) = self.prepare(errand) else {
            return false;
        };
        if errand == Errand::Sweep {
            self.agenda.sweep_is_out(self.now);
        }
        if let Some(intent) = intent {
            self.record(intent);
        }
        if let Some((class, _)) = slots.last() {
            self.outstanding.count(class, 1);
        }
        self.sent += 1;
        self.out
            .insert((self.now.after(took), self.sent), (awaited, slots));
        true
    }

    /// What is awaited of `errand`, what is recorded before it, and how long its answer takes.
    fn prepare(&self, errand: Errand) -> Option<(Awaited, Option<Event>, Duration)> {
        let memory = &self.history.memory;
        let answer = self.draw(Thing::Answer);
        match errand {
            Errand::Start(ix, hold) => {
                let step = self.plan.family.step(ix);
                let send = self.plan.send_id(ix)?;
                let attempt = memory.find(&send).map_or(0, |send| send.attempt + 1);
                let salt = &self.plan.family.salt;
                let intent = Event::Intended {
                    send,
                    step: self.plan.family.step_ref(ix),
                    content: light(step.kind, step.content()?),
                    target: None,
                    attempt,
                    key: IdempotencyKey::new(salt, send.key, send.lineage, attempt),
                    hold,
                };
                let took = match step.kind {
                    StepKind::Review => self.draw(Thing::Review),
                    _ => answer,
                };
                Some((Awaited::Send(send), Some(intent), took))
            }
            Errand::Resend(ix) => {
                let send = memory.send(ix).id;
                Some((Awaited::Send(send), Some(Event::Resent { send }), answer))
            }
            Errand::Poll(ix) => {
                let send = memory.send(ix).id;
                let sent = Event::PollSent {
                    send,
                    next_poll_at: self.now,
                };
                Some((Awaited::Poll(send), Some(sent), answer))
            }
            Errand::Fetch(ix) => {
                let artifact = missing(memory, ix)?;
                let file = Awaited::File(memory.send(ix).id, artifact);
                Some((file, None, self.draw(Thing::File)))
            }
            Errand::ReadBalance => Some((Awaited::Balance(memory.settled_holds()), None, answer)),
            Errand::Sweep => Some((Awaited::Sweep, None, answer)),
            Errand::Transcribe(ix) => Some((Awaited::Transcript(ix), None, answer)),
            // Nothing is in doubt, and every charge comes with its job's end.
            Errand::Look | Errand::AskCharge(_) => None,
        }
    }

    /// An answer comes, and it is a good one.
    fn take_in(&mut self, awaited: Awaited, slots: &[(Class, SlotId)]) {
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

    fn draw(&self, thing: Thing) -> Duration {
        self.durations
            .drawn(thing, mixed(self.sent ^ (self.seed << 40)))
    }

    fn record(&mut self, event: Event) {
        let record = Record {
            at: self.now,
            run: Some(self.run),
            event,
        };
        let ready = self.history.apply(&record);
        let Some(run) = &self.history.run else { return };
        for ix in ready {
            self.agenda
                .step_is_ready(self.plan, &self.history.memory, run, ix);
        }
        let send = record
            .event
            .send()
            .and_then(|id| self.history.memory.index.get(id));
        if let Some(ix) = send {
            self.agenda.send_changed(self.plan, &self.history, run, *ix);
        }
    }
}

/// What is asked for is of no matter here, and may be long.
fn light(kind: StepKind, content: &Content) -> Content {
    let prompt = Prompt::new("");
    match kind {
        StepKind::Create => Content::Create {
            prompt,
            images: Vec::new(),
        },
        StepKind::Iterate => Content::Iterate {
            prompt,
            images: Vec::new(),
        },
        _ => content.clone(),
    }
}

fn missing(memory: &Memory, ix: SendIx) -> Option<ArtifactId> {
    match &memory.send(ix).state {
        SendState::Collecting(collecting) => collecting.next().map(|file| file.id.clone()),
        _ => None,
    }
}

fn call(endpoint: Endpoint) -> Call {
    Call {
        endpoint,
        status: Some(200),
        request_id: None,
        rate_limited: false,
    }
}

/// A number that looks drawn, and is the same for the same `n`.
const fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
