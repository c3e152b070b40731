//! Looks at (plan, history, now) and says what to do. Every decision still needs its slots before it is carried out.

use std::time::Duration;

use super::agenda::{Agenda, Item, Lane};
use super::money::{self, Shut};
use super::slot::Class;
use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::StepIx;
use crate::plan::memory::{Memory, SendIx, SendState};
use crate::plan::money::Cents;
use crate::plan::remote::Timestamp;
use crate::plan::settings::{BalanceCheck, Profile};
use crate::run::event::StopReason;
use crate::run::history::History;
use crate::run::progress::Run;
use crate::run::step::Reading;

/// Requests that may be out at once.
const MAX_OUT: usize = 256;
/// Files that may be on their way at once: each is held in memory until it is stored.
const MAX_FETCHES: usize = 32;
/// An intent that may have been executed and is older than this is not sent again: the service may have forgotten its key.
const OPEN_LIMIT: Duration = Duration::from_secs(600);

/// A run that had no answer to anything for so long is stopped: it can be resumed, and must not hold its lock for ever.
const SILENCE_LIMIT: Duration = Duration::from_secs(3600);
/// A silence is one of several requests: one that was lost and a long wait after it are none.
const SILENT_REQUESTS: u32 = 10;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A request goes out.
    Send(Errand),
    /// Check or publish files at home.
    Local(StepIx),
    /// A send stays unresolved.
    GiveUp(SendIx, String),
    /// A write would break the cap of its part, and does not start.
    Cap(StepIx, String),
    /// Nothing new is started from here on.
    Stop(StopReason),
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// A create, iterate or review goes out with a new key and this hold.
    Start(StepIx, Cents),
    /// The same bytes go out again.
    Resend(SendIx),
    /// A job is polled.
    Poll(SendIx),
    /// The file that is missing is fetched.
    Fetch(SendIx),
    /// The balance is read.
    ReadBalance,
}

impl Errand {
    /// The item of the agenda that it takes care of.
    #[must_use]
    pub const fn item(self) -> Option<Item> {
        match self {
            Self::Start(step, _) => Some(Item::Step(step)),
            Self::Resend(send) | Self::Poll(send) | Self::Fetch(send) => Some(Item::Send(send)),
            Self::ReadBalance => None,
        }
    }

    /// The classes of which it needs a slot each.
    #[must_use]
    pub fn classes(self, plan: &Plan, memory: &Memory) -> Vec<Class> {
        match self {
            Self::Start(step, _) => vec![class_of(plan.family.step(step).content.kind())],
            Self::Resend(send) => vec![class_of(memory.send(send).content.kind())],
            Self::Poll(send) => {
                let job = memory
                    .lineages
                    .get(&memory.send(send).id.lineage)
                    .and_then(|lineage| lineage.job.clone());
                job.map(Class::JobPolls)
                    .into_iter()
                    .chain([Class::Reads])
                    .collect()
            }
            Self::Fetch(_) => vec![Class::Artifacts],
            Self::ReadBalance => vec![Class::Balance],
        }
    }
}

/// The requests that are out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outstanding {
    /// All of them.
    pub requests: usize,
    /// Files on their way.
    pub fetches: usize,
    /// Balance reads.
    pub balances: usize,
    /// Creates and follow-ups.
    pub writes: usize,
}

impl Outstanding {
    /// A request of `class` went out (1) or came back (-1).
    pub fn count(&mut self, class: &Class, change: isize) {
        let kind = match class {
            Class::Artifacts => Some(&mut self.fetches),
            Class::Balance => Some(&mut self.balances),
            Class::CadWrites => Some(&mut self.writes),
            Class::Reviews | Class::JobPolls(_) | Class::Reads => None,
        };
        for count in kind.into_iter().chain([&mut self.requests]) {
            *count = count.saturating_add_signed(change);
        }
    }
}

/// What the engine knows beside the history.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// What is out.
    pub out: Outstanding,
}

/// Everything that may be done now, in the order in which it should be.
pub fn decide(
    agenda: &mut Agenda,
    plan: &Plan,
    history: &History,
    run: &Run,
    moment: Moment,
) -> Vec<Decision> {
    let mut turn = Turn {
        plan,
        memory: &history.memory,
        run,
        moment,
        decisions: Vec::new(),
    };
    if let Some(reason) = turn.unreachable() {
        return vec![Decision::Stop(reason)];
    }
    for lane in lanes(&run.stops) {
        match lane {
            Lane::Write => turn.writes(agenda),
            lane => turn.others(agenda, lane),
        }
        // What ends at home may stop the run: that is known before anything leaves.
        if lane == Lane::Local && !turn.decisions.is_empty() {
            break;
        }
    }
    turn.decisions
}

/// The lanes that are still served after `stops`, in their order.
pub fn lanes(stops: &[StopReason]) -> impl Iterator<Item = Lane> + use<'_> {
    Lane::ALL
        .into_iter()
        .filter(|lane| stops.iter().all(|stop| serves(stop, *lane)))
}

/// Whether `lane` is still served after `stop`: what was sent and what is paid comes home, unless nothing may be asked.
fn serves(stop: &StopReason, lane: Lane) -> bool {
    match stop {
        StopReason::Cap { .. } | StopReason::Balance { .. } => lane != Lane::Write,
        StopReason::FailFast { .. } => !matches!(lane, Lane::Write | Lane::Review),
        StopReason::Key { .. } | StopReason::Signal {} | StopReason::Unreachable { .. } => false,
    }
}

/// The next moment after `now` at which something may change by itself.
#[must_use]
pub fn next_moment(agenda: &Agenda, run: &Run, now: Timestamp) -> Option<Timestamp> {
    let balance =
        Some(run.balance_not_before).filter(|at| *at > now && agenda.has_any([Lane::Write]));
    agenda.next_moment(now).into_iter().chain(balance).min()
}

fn class_of(kind: StepKind) -> Class {
    if kind.is_write() {
        Class::CadWrites
    } else {
        Class::Reviews
    }
}

struct Turn<'a> {
    plan: &'a Plan,
    memory: &'a Memory,
    run: &'a Run,
    moment: Moment,
    decisions: Vec<Decision>,
}

impl Turn<'_> {
    /// So many requests had no answer for so long that somebody should look at it.
    fn unreachable(&self) -> Option<StopReason> {
        let silence = self.run.silence?;
        let lasted = self.moment.now.since(silence.since);
        let why = format!(
            "{} requests had no answer for {} min",
            silence.requests,
            lasted.as_secs() / 60
        );
        let reason = StopReason::Unreachable { why };
        let is_known = self.run.stops.iter().any(|known| known.is_like(&reason));
        let is_over = lasted > SILENCE_LIMIT && silence.requests >= SILENT_REQUESTS;
        (is_over && !is_known).then_some(reason)
    }

    fn room(&self) -> usize {
        MAX_OUT.saturating_sub(self.moment.out.requests + self.decisions.len())
    }

    fn others(&mut self, agenda: &mut Agenda, lane: Lane) {
        let now = self.moment.now;
        let room = match lane {
            Lane::Fetch => self
                .room()
                .min(MAX_FETCHES.saturating_sub(self.moment.out.fetches)),
            _ => self.room(),
        };
        let blocked = match lane {
            Lane::Fetch => !agenda.is_free(&Class::Artifacts, now),
            Lane::Poll => !agenda.is_free(&Class::Reads, now),
            Lane::Review => !agenda.is_free(&Class::Reviews, now),
            Lane::Local | Lane::Resend | Lane::Write => false,
        };
        if !blocked {
            let decisions: Vec<Decision> = agenda
                .ready(lane, now)
                .take(room)
                .map(|item| self.of_item(lane, item))
                .collect();
            self.decisions.extend(decisions);
        }
    }

    fn of_item(&self, lane: Lane, item: Item) -> Decision {
        match (lane, item) {
            (Lane::Local, Item::Step(step)) => Decision::Local(step),
            (_, Item::Step(step)) => Decision::Send(Errand::Start(step, Cents::ZERO)),
            (_, Item::Send(send)) => match &self.memory.send(send).state {
                SendState::Open(open)
                    if open.tainted && self.moment.now.since(open.since) > OPEN_LIMIT =>
                {
                    let why = "no clear answer for more than 10 minutes: it may or may not have been carried out";
                    Decision::GiveUp(send, why.to_owned())
                }
                SendState::Open(_) => Decision::Send(Errand::Resend(send)),
                SendState::Collecting(_) => Decision::Send(Errand::Fetch(send)),
                _ => Decision::Send(Errand::Poll(send)),
            },
        }
    }

    fn writes(&mut self, agenda: &mut Agenda) {
        let settings = &self.plan.family.settings;
        let at_once = match settings.limits.profile {
            Profile::Steady => 1,
            Profile::Window => self.room(),
        };
        let active = settings.limits.active_jobs.get() as usize;
        let free = active
            .saturating_sub(self.memory.active_jobs)
            .min(at_once)
            .min(self.room());
        let step = |item| {
            if let Item::Step(step) = item {
                Some(step)
            } else {
                None
            }
        };
        let steps: Vec<StepIx> = agenda
            .ready(Lane::Write, self.moment.now)
            .filter_map(step)
            .take(free)
            .collect();
        let Some(first) = steps.first() else { return };
        if settings.budget.balance == BalanceCheck::Unchecked {
            if agenda.is_free(&Class::CadWrites, self.moment.now) {
                self.start(&steps, &[]);
            }
            return;
        }
        let (readings, waiting) = match self.usable_readings(*first) {
            Ok(readings) => readings,
            Err(shut) => return self.refuse(*first, shut),
        };
        if agenda.is_free(&Class::CadWrites, self.moment.now) {
            self.start(&steps[..steps.len().min(readings.len())], &readings);
        }
        let may_read = match settings.limits.profile {
            // After the reply to the write before: then the figure knows of it.
            Profile::Steady => self.moment.out.writes == 0,
            Profile::Window => true,
        };
        if may_read
            && !waiting
            && self.run.balance_not_before <= self.moment.now
            && agenda.is_free(&Class::Balance, self.moment.now)
        {
            let wanted = steps
                .len()
                .saturating_sub(readings.len() + self.moment.out.balances);
            self.decisions.extend(std::iter::repeat_n(
                Decision::Send(Errand::ReadBalance),
                wanted,
            ));
        }
    }

    /// The balances that were read and allow a write. One that is short only because it may not know of sends of ours
    /// proves nothing, and is passed over; whether reading another one would show the same is the second answer.
    fn usable_readings(&self, step: StepIx) -> Result<(Vec<Reading>, bool), Shut> {
        let (mut usable, mut waiting) = (Vec::new(), false);
        for reading in self
            .run
            .readings
            .iter()
            .filter(|reading| reading.is_fresh(self.moment.now))
        {
            let outdated = reading.settled < self.memory.settled_holds();
            match self.gate(step, Some(reading), Cents::ZERO) {
                Err(Shut::Run(StopReason::Balance { .. }))
                    if outdated || self.memory.open_holds > Cents::ZERO =>
                {
                    waiting |= !outdated;
                }
                Err(shut) => return Err(shut),
                Ok(()) => usable.push(*reading),
            }
        }
        Ok((usable, waiting))
    }

    fn start(&mut self, steps: &[StepIx], readings: &[Reading]) {
        let mut proposed = Cents::ZERO;
        for (n, step) in steps.iter().enumerate() {
            let reading = readings.get(n);
            match self.gate(*step, reading, proposed) {
                Ok(()) => {
                    let hold = self.hold(reading);
                    proposed += hold;
                    self.decisions
                        .push(Decision::Send(Errand::Start(*step, hold)));
                }
                // What was proposed before it comes first; if the gate is still shut then, it stops the run.
                Err(_) if n > 0 => return,
                Err(shut) => return self.refuse(*step, shut),
            }
        }
    }

    fn refuse(&mut self, step: StepIx, shut: Shut) {
        self.decisions.push(match shut {
            Shut::Part(why) => Decision::Cap(step, why),
            Shut::Run(reason) => Decision::Stop(reason),
        });
    }

    fn hold(&self, reading: Option<&Reading>) -> Cents {
        reading
            .map(|reading| reading.hold)
            .unwrap_or_default()
            .max(self.memory.ledger.dearest())
    }

    fn gate(&self, step: StepIx, reading: Option<&Reading>, proposed: Cents) -> Result<(), Shut> {
        let question = money::Question {
            max_spend: self
                .run
                .sheet
                .max_spend
                .into_iter()
                .chain(self.plan.family.settings.budget.max_spend)
                .min(),
            lineage: self.plan.send_id(step).lineage,
            hold: self.hold(reading),
            reading,
            proposed,
        };
        money::admit(
            &self.plan.family.settings.budget,
            self.memory,
            self.run,
            question,
        )
    }
}
