//! A run, rehearsed: the scheduler and the limits as they are, against a service in which everything goes well and takes as
//! long as it did before. Nothing waits and nothing leaves; an hour of a run takes a moment.

mod answers;
mod assumed;

use std::collections::BTreeMap;
use std::time::Duration;

use assumed::{approve_all, known, light};

use super::agenda::{Agenda, Item};
use super::decide::{self, Decision, Moment};
use super::errand::{Errand, Outstanding};
use super::limits::Limiter;
use super::slot::{Admittance, Class, SlotId};
use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::durations::{Durations, Thing};
use crate::plan::family::StepIx;
use crate::plan::ids::RunId;
use crate::plan::key::IdempotencyKey;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::remote::{ArtifactId, Timestamp};
use crate::plan::send::{SendId, SendIx, SendState};
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
