//! Looks at (plan, history, now) and says what to do. Every decision still needs its slots before it is carried out.

use std::time::Duration;

use super::agenda::{Agenda, Item, Lane};
use super::errand::{Errand, Outstanding};
use super::slot::Class;
use super::strain::PARKED;
use crate::plan::actions::Plan;
use crate::plan::family::StepIx;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::remote::Timestamp;
use crate::plan::send::{SendIx, SendState};
use crate::run::history::History;
use crate::run::progress::Run;
use crate::run::stop::StopReason;

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
    /// No repetition of a send can tell whether it was executed.
    Doubt(SendIx, String),
    /// These sends are looked for at the service; and, when `scan` says so, all creates that are to be sent.
    Search {
        /// The sends.
        sends: Vec<SendIx>,
        /// Whether an earlier state may have left jobs behind.
        scan: bool,
    },
    /// A write would break the cap of its part, and does not start.
    Cap(StepIx, String),
    /// Nothing new is started from here on.
    Stop(StopReason),
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
    let is_held = |lane: &Lane| run.paused.is_some() && is_new(*lane);
    for lane in lanes(&run.stops).filter(|lane| !is_held(lane)) {
        match lane {
            Lane::Write => turn.writes(agenda),
            Lane::Look => turn.looks(agenda),
            Lane::Poll => turn.polls(agenda),
            lane => turn.others(agenda, lane),
        }
        // What ends at home may stop the run: that is known before anything leaves.
        if lane == Lane::Local && !turn.decisions.is_empty() {
            break;
        }
    }
    turn.charges(agenda);
    turn.decisions.extend(turn.parked(agenda));
    turn.decisions
}

/// The lanes that are still served after `stops`, in their order.
pub fn lanes(stops: &[StopReason]) -> impl Iterator<Item = Lane> + use<'_> {
    Lane::ALL
        .into_iter()
        .filter(|lane| stops.iter().all(|stop| serves(stop, *lane)))
}

/// Whether what is in `lane` was never sent: a pause holds it, and it is left for when the run goes on.
const fn is_new(lane: Lane) -> bool {
    matches!(lane, Lane::Write | Lane::Review)
}

/// Whether `lane` is still served after `stop`: what was sent and what is paid comes home, unless nothing may be asked.
fn serves(stop: &StopReason, lane: Lane) -> bool {
    match stop {
        StopReason::Cap { .. } | StopReason::Balance { .. } => lane != Lane::Write,
        StopReason::FailFast { .. } | StopReason::Cancelled { .. } => !is_new(lane),
        StopReason::Key { .. } | StopReason::Signal {} | StopReason::Unreachable { .. } => false,
    }
}

/// The next moment after `now` at which something may change by itself.
#[must_use]
pub fn next_moment(
    agenda: &Agenda,
    memory: &Memory,
    run: &Run,
    now: Timestamp,
) -> Option<Timestamp> {
    let charge = memory.bills.next_due(now);
    let balance =
        Some(run.balance_not_before).filter(|at| *at > now && agenda.has_any([Lane::Write]));
    (agenda.next_moment(now).into_iter())
        .chain(balance)
        .chain(charge)
        .min()
}

pub(super) struct Turn<'a> {
    pub(super) plan: &'a Plan,
    pub(super) memory: &'a Memory,
    pub(super) run: &'a Run,
    pub(super) moment: Moment,
    pub(super) decisions: Vec<Decision>,
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

    /// The service wants no requests of a class for so long that there is nothing else to do: the run is resumed later.
    fn parked(&self, agenda: &Agenda) -> Option<Decision> {
        let now = self.moment.now;
        let soon = now.after(PARKED);
        let is_idle = self.decisions.is_empty() && self.moment.out.requests == 0;
        if !is_idle || self.run.paused.is_some() || !agenda.has_any(lanes(&self.run.stops)) {
            return None;
        }
        let (class, until) = agenda.rests_after(soon)?;
        let is_next = next_moment(agenda, self.memory, self.run, now).is_none_or(|at| at > soon);
        let why = format!(
            "it wants no request of {class} for another {} min (`Retry-After`), and nothing else is to be done",
            until.since(now).as_secs().div_ceil(60)
        );
        is_next.then_some(Decision::Stop(StopReason::Unreachable { why }))
    }

    pub(super) fn room(&self) -> usize {
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
            Lane::Transcript => !agenda.is_free(&Class::Reads, now),
            Lane::Review => !agenda.is_free(&Class::Reviews, now),
            Lane::Local | Lane::Resend | Lane::Look | Lane::Poll | Lane::Write => false,
        };
        // A search for creates that an earlier state may have sent would miss one that becomes known meanwhile.
        let run = self.run;
        let is_scanning = agenda.search.as_ref().is_some_and(|search| search.is_scan);
        let may_go = |item: &Item| match item {
            Item::Step(step) => !is_scanning || run.send_id(*step).is_some(),
            Item::Send(_) => true,
        };
        if !blocked {
            let decisions: Vec<Decision> = agenda
                .ready(lane, now)
                .filter(may_go)
                .take(room)
                .map(|item| self.of_item(lane, item))
                .collect();
            self.decisions.extend(decisions);
        }
    }

    fn of_item(&self, lane: Lane, item: Item) -> Decision {
        match (lane, item) {
            (Lane::Local, Item::Step(step)) => Decision::Local(step),
            (Lane::Transcript, Item::Step(step)) => Decision::Send(Errand::Transcribe(step)),
            (_, Item::Step(step)) => Decision::Send(Errand::Start(step, Cents::ZERO)),
            (_, Item::Send(send)) => match &self.memory.send(send).state {
                SendState::Open(open)
                    if open.tainted && self.moment.now.since(open.since) > OPEN_LIMIT =>
                {
                    let why = "no clear answer for more than 10 minutes";
                    Decision::Doubt(send, why.to_owned())
                }
                SendState::Open(_) => Decision::Send(Errand::Resend(send)),
                _ => Decision::Send(Errand::Fetch(send)),
            },
        }
    }
}
