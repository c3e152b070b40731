//! The agenda: everything that may be done, each thing in one lane, either ready or later.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::polls::Polls;
use super::search::Search;
use super::slot::{Admittance, Class};
use crate::plan::actions::Plan;
use crate::plan::content::{Content, StepKind};
use crate::plan::family::StepIx;
use crate::plan::memory::Memory;
use crate::plan::remote::Timestamp;
use crate::plan::send::{Open, Send, SendIx, SendState};
use crate::run::history::History;
use crate::run::progress::Run;
use crate::run::step::StepState;

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// To start a step.
    Step(StepIx),
    /// To go on with a send.
    Send(SendIx),
}

/// What is to be done with an item. Lanes are served in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// To publish or check files at home.
    Local,
    /// To send the same bytes again.
    Resend,
    /// To look for a send at the service.
    Look,
    /// To fetch a file.
    Fetch,
    /// To read a job's conversation for a transcript.
    Transcript,
    /// To poll a job.
    Poll,
    /// To send a review.
    Review,
    /// To send a create or an iterate.
    Write,
}

impl Lane {
    /// All lanes, in the order in which they are served.
    pub const ALL: [Self; 8] = [
        Self::Local,
        Self::Resend,
        Self::Look,
        Self::Fetch,
        Self::Transcript,
        Self::Poll,
        Self::Review,
        Self::Write,
    ];
}

/// Longest way to the end first.
type Urgency = Reverse<Duration>;

#[derive(Debug, Clone, Copy)]
enum Spot {
    Ready(Urgency),
    Later(Timestamp, Urgency),
}

#[derive(Debug, Default)]
struct Queue {
    ready: BTreeSet<(Urgency, Item)>,
    later: BTreeSet<(Timestamp, Item)>,
}

/// Everything that may be done. An item that was taken out comes back when the event that ends it was recorded.
#[derive(Debug, Default)]
pub struct Agenda {
    queues: BTreeMap<Lane, Queue>,
    spots: BTreeMap<Item, (Lane, Spot)>,
    held: BTreeMap<Class, Timestamp>,
    /// Classes of which nothing can go out before one of their requests is answered, or has arrived in any case.
    awaiting: BTreeMap<Class, Option<Timestamp>>,
    /// The search for witnesses that is under way.
    pub search: Option<Search>,
    /// When jobs are polled, and the sweep that is under way.
    pub polls: Polls,
}

impl Agenda {
    /// The agenda of a run that starts or goes on.
    #[must_use]
    pub fn new(plan: &Plan, history: &History, run: &Run) -> Self {
        let mut agenda = Self::default();
        for ix in plan.family.step_indices() {
            if run.step(ix).state == StepState::Ready {
                agenda.step_is_ready(plan, &history.memory, run, ix);
            }
        }
        for (ix, _) in history.memory.iter() {
            agenda.send_changed(plan, history, run, ix);
        }
        agenda
    }

    /// The step at `ix` may start, as soon as its last try allows another one.
    pub fn step_is_ready(&mut self, plan: &Plan, memory: &Memory, run: &Run, ix: StepIx) {
        let (id, now) = (run.send_id(ix), run.last_at);
        let send = id.and_then(|id| memory.find(&id));
        let at = send.and_then(Send::again_at).map_or(now, |at| now.max(at));
        let step = plan.family.step(ix);
        let wants_transcript = matches!(
            step.fixed_content(),
            Some(Content::Download {
                transcript: true,
                ..
            })
        );
        let is_read = id.is_some_and(|id| memory.transcript(&id.lineage).is_some());
        let lane = match step.kind {
            // What it asks for is found out at home.
            _ if id.is_none() => Lane::Local,
            StepKind::Download if wants_transcript && !is_read => Lane::Transcript,
            StepKind::Create | StepKind::Iterate => Lane::Write,
            StepKind::Review => Lane::Review,
            // A gate is never ready: nothing is done about it, and a person is waited for.
            StepKind::Check | StepKind::Approve | StepKind::Download => Lane::Local,
        };
        self.put(Item::Step(ix), lane, at, plan.timing.tail(ix));
    }

    /// The send at `ix` changed: what is next to be done with it, if anything?
    pub fn send_changed(&mut self, plan: &Plan, history: &History, run: &Run, ix: SendIx) {
        let send = history.memory.send(ix);
        let step = run.step_of(&send.id);
        let tail = step.map(|step| plan.timing.tail(step)).unwrap_or_default();
        self.remove(Item::Send(ix));
        let next = next(send);
        match next {
            Some((Lane::Poll, _)) => self.polls.is_at_work(ix, plan.timing.root(step)),
            _ => self.polls.is_left(ix),
        }
        if let Some((lane, at)) = next {
            self.put(Item::Send(ix), lane, at, tail);
        }
    }

    /// Takes `item` out: it is being done.
    pub fn remove(&mut self, item: Item) {
        if let Some((lane, spot)) = self.spots.remove(&item) {
            let queue = self.queues.entry(lane).or_default();
            match spot {
                Spot::Ready(urgency) => queue.ready.remove(&(urgency, item)),
                Spot::Later(at, _) => queue.later.remove(&(at, item)),
            };
        }
    }

    /// An errand got no slots: `item`, or everything that needs what is `full`, waits for it.
    pub fn wait_for(&mut self, full: Admittance, item: Option<Item>) {
        match (full, item) {
            (Admittance::Granted(_), _) => {}
            (
                Admittance::NotBefore {
                    at,
                    class: Class::JobPolls(_),
                },
                Some(item),
            ) => self.postpone(item, at),
            (Admittance::NotBefore { at, class }, _) => self.hold(class, at),
            (Admittance::WhenAnswered { class, or_at }, _) => {
                self.awaiting.insert(class, or_at);
            }
        }
    }

    /// `item` can't be done before `at`.
    pub fn postpone(&mut self, item: Item, at: Timestamp) {
        if let Some((lane, Spot::Ready(urgency) | Spot::Later(_, urgency))) =
            self.spots.get(&item).copied()
        {
            self.put(item, lane, at, urgency.0);
        }
    }

    /// Nothing of `class` can go out before `at`.
    pub fn hold(&mut self, class: Class, at: Timestamp) {
        self.held.insert(class, at);
    }

    /// The class that rests for longest after `moment`, and until when.
    #[must_use]
    pub fn rests_after(&self, moment: Timestamp) -> Option<(&Class, Timestamp)> {
        let held = self.held.iter().map(|(class, until)| (class, *until));
        held.filter(|(_, until)| *until > moment)
            .max_by_key(|(_, until)| *until)
    }

    /// The page of the job list that the sweep under way asks for is asked for now.
    pub fn sweep_is_out(&mut self, now: Timestamp) {
        if let Some(sweep) = &mut self.polls.sweep {
            sweep.is_out = true;
            sweep.asked_at = now;
        }
    }

    /// A request of `class` was answered.
    pub fn answered(&mut self, class: &Class) {
        for class in class.counted() {
            self.awaiting.remove(class);
        }
    }

    /// Whether something of `class` may go out, as far as we know.
    #[must_use]
    pub fn is_free(&self, class: &Class, now: Timestamp) -> bool {
        class.counted().all(|class| {
            let is_over = |at: &Timestamp| *at <= now;
            self.held.get(class).is_none_or(is_over)
                && self
                    .awaiting
                    .get(class)
                    .is_none_or(|or_at| or_at.as_ref().is_some_and(is_over))
        })
    }

    /// What is ready in `lane`, the most urgent first.
    pub fn ready(&mut self, lane: Lane, now: Timestamp) -> impl Iterator<Item = Item> + use<'_> {
        let queue = self.queues.entry(lane).or_default();
        while let Some((at, item)) = queue.later.first().copied().filter(|(at, _)| *at <= now) {
            queue.later.remove(&(at, item));
            if let Some((_, spot)) = self.spots.get_mut(&item) {
                let (Spot::Ready(urgency) | Spot::Later(_, urgency)) = *spot;
                *spot = Spot::Ready(urgency);
                queue.ready.insert((urgency, item));
            }
        }
        queue.ready.iter().map(|(_, item)| *item)
    }

    /// The next moment after `now` at which something may change by itself.
    #[must_use]
    pub fn next_moment(&self, now: Timestamp) -> Option<Timestamp> {
        let later = self
            .queues
            .values()
            .filter_map(|queue| queue.later.first())
            .map(|(at, _)| *at);
        let search = self.search.iter().map(|search| search.not_before);
        later
            .chain(search)
            .chain(self.held.values().copied())
            .chain(self.awaiting.values().copied().flatten())
            .chain(self.polls.next_moment())
            .filter(|at| *at > now)
            .min()
    }

    /// Whether there is anything in one of `lanes`, now or later.
    #[must_use]
    pub fn has_any(&self, lanes: impl IntoIterator<Item = Lane>) -> bool {
        let filled = |queue: &Queue| !queue.ready.is_empty() || !queue.later.is_empty();
        lanes
            .into_iter()
            .filter_map(|lane| self.queues.get(&lane))
            .any(filled)
    }

    fn put(&mut self, item: Item, lane: Lane, at: Timestamp, tail: Duration) {
        self.remove(item);
        let urgency = Reverse(tail);
        self.queues
            .entry(lane)
            .or_default()
            .later
            .insert((at, item));
        self.spots.insert(item, (lane, Spot::Later(at, urgency)));
    }
}

/// What is next to be done with a send, and when.
fn next(send: &Send) -> Option<(Lane, Timestamp)> {
    match &send.state {
        SendState::Open(Open {
            doubt: Some(doubt), ..
        }) => Some((Lane::Look, doubt.look_at)),
        SendState::Open(open) => open.retry_at.map(|at| (Lane::Resend, at)),
        SendState::Running(running) if !running.polling => Some((Lane::Poll, running.next_poll_at)),
        SendState::Collecting(collecting) => collecting.retry_at.map(|at| (Lane::Fetch, at)),
        _ => None,
    }
}
