//! One class: what it has sent, when that was answered, and when it is free.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::pace::Pace;
use super::slot::{Class, Slot, SlotId};
use super::strain::Strain;
use super::trips::Trips;
use crate::plan::remote::Timestamp;
use crate::plan::settings::{Profile, Rate};

/// Added to every wait that is counted from a reply: it covers a clock that runs 500 ppm off over a minute, and a
/// service that rounds.
const MARGIN: Duration = Duration::from_millis(50);
/// How much of its rate a class that is not serial uses, in tenths.
const TENTHS: u32 = 9;
/// A GET has arrived so long after it was sent, answered or not: its answer may be a file that takes minutes.
const ARRIVAL: Duration = Duration::from_secs(2);

/// Which rules hold for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Pace, reply log, and one at a time.
    Serial,
    /// The same for a GET, which has arrived after a while even when its answer takes longer.
    SerialGet,
    /// Pace and reply log; one at a time too, while round trips differ by more than the pace forgives.
    Paced,
    /// Pace and reply log, whatever round trips are: a share of a class that looks at them itself.
    Share,
    /// Reply log at the full count.
    Window,
}

impl Rule {
    pub(super) fn of(class: &Class, profile: Profile) -> Self {
        match (profile, class) {
            (Profile::Window, _) => Self::Window,
            (Profile::Steady, Class::CadWrites | Class::Reviews) => Self::Serial,
            (Profile::Steady, Class::JobPolls(_) | Class::Balance) => Self::SerialGet,
            (Profile::Steady, Class::Reads | Class::Artifacts) => Self::Paced,
            (Profile::Steady, Class::Polls) => Self::Share,
        }
    }
}

/// When a class is free. `ForReply` is later than every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    Until(Timestamp),
    /// Before a reply, or the moment at which what is out has arrived in any case.
    ForReply {
        or_at: Option<Timestamp>,
    },
}

/// What one class has sent, and when it was answered.
#[derive(Debug)]
pub(super) struct Bucket {
    rule: Rule,
    rate: Rate,
    /// How many requests the rules below are made for: the rate's count, or less after a 429.
    effective: u32,
    /// How many requests may be open or answered within the last window.
    count: usize,
    window: Duration,
    /// After a request arrived, for a serial class.
    pause: Duration,
    pace: Option<Pace>,
    last_sent: Timestamp,
    /// When the last of the requests arrived that are out no more, at the latest.
    last_arrival: Timestamp,
    /// What is out, and when it was sent.
    open: BTreeMap<SlotId, Timestamp>,
    replies: BTreeSet<(Timestamp, SlotId)>,
    trips: Trips,
    pub(super) strain: Strain,
}

impl Bucket {
    pub(super) fn new(rate: Rate, rule: Rule) -> Self {
        let mut bucket = Self {
            rule,
            rate,
            effective: 0,
            count: 0,
            window: rate.window + MARGIN,
            pause: Duration::ZERO,
            pace: None,
            last_sent: Timestamp::default(),
            last_arrival: Timestamp::default(),
            open: BTreeMap::new(),
            replies: BTreeSet::new(),
            trips: Trips::default(),
            strain: Strain::default(),
        };
        bucket.set_effective(rate.count.get());
        bucket
    }

    /// Makes the rules for `count` requests in a window.
    fn set_effective(&mut self, count: u32) {
        if self.effective == count {
            return;
        }
        let window = self.rate.window;
        let fewer = (count - 1).max(1);
        let paced = window * 10 / (count * TENTHS);
        let gap = match self.rule {
            Rule::Serial | Rule::SerialGet => Some(window / fewer),
            Rule::Paced | Rule::Share => Some(paced),
            Rule::Window => None,
        };
        let whole = self.rule == Rule::Window;
        self.effective = count;
        self.count = (if whole { count } else { fewer }) as usize;
        self.pause = match self.rule {
            Rule::Paced => paced,
            _ if count <= 2 => window + MARGIN,
            _ => window / count + MARGIN,
        };
        self.pace = gap.and_then(Pace::new);
        if let Some(pace) = &self.pace
            && self.last_sent > Timestamp::default()
        {
            pace.sent(self.last_sent);
        }
    }

    pub(super) const fn rate(&self) -> Rate {
        self.rate
    }

    /// How many requests in a window the rules are made for at `now`.
    pub(super) fn effective_at(&self, now: Timestamp) -> u32 {
        let count = self.rate.count.get();
        (count - self.strain.lowered_at(self.rate, now).min(count - 1)).max(1)
    }

    /// Takes in a slot that was taken elsewhere or earlier. How long its round trip took says nothing of ours: a network can
    /// be down at one time, and answer at once that it is.
    pub(super) fn restore(&mut self, slot: &Slot) {
        self.sent(slot.sent_at);
        self.open.insert(slot.id, slot.sent_at);
        if let Some(at) = slot.replied_at {
            self.ended(slot.id, at);
        }
    }

    /// When the class is free.
    pub(super) fn wait(&mut self, now: Timestamp) -> Wait {
        self.set_effective(self.effective_at(now));
        while let Some(first) = self.replies.first().copied()
            && first.0.after(self.window) <= now
        {
            self.replies.pop_first();
        }
        let mut wait = Wait::Until(self.strain.blocked_until);
        if let Some(pace) = &self.pace {
            wait = wait.max(Wait::Until(pace.earliest(now)));
        }
        wait = wait.max(self.log_wait());
        let is_serial = match self.rule {
            Rule::Serial | Rule::SerialGet => true,
            Rule::Paced => !self.is_calm(now),
            Rule::Share | Rule::Window => false,
        };
        if is_serial {
            wait = wait.max(self.serial_wait(now));
        }
        wait
    }

    /// Whether round trips differ so little that requests arrive as they are paced.
    fn is_calm(&self, now: Timestamp) -> bool {
        let count = self.effective;
        let forgiven = self.pause.saturating_sub(self.rate.window / count);
        self.strain.lowered_at(self.rate, now) == 0 && self.trips.differ_by_less_than(forgiven)
    }

    /// One at a time: what is out has to arrive first, and then a pause.
    fn serial_wait(&self, now: Timestamp) -> Wait {
        let mut arrived = match self.rule {
            // A reply that was only taken to have come may be corrected.
            Rule::Serial => self.replies.last().map_or(now, |(at, _)| *at),
            _ => self.last_arrival,
        };
        if let Some(sent) = self.open.values().max() {
            let Some(arrives) = self.arrives(*sent) else {
                return Wait::ForReply { or_at: None };
            };
            if arrives > now {
                let or_at = Some(arrives.after(self.pause));
                return Wait::ForReply { or_at };
            }
            arrived = arrived.max(arrives);
        }
        match self.rule {
            Rule::Serial if self.replies.is_empty() => Wait::Until(now),
            _ => Wait::Until(arrived.after(self.pause)),
        }
    }

    /// When a request that was sent at `sent` has arrived in any case.
    fn arrives(&self, sent: Timestamp) -> Option<Timestamp> {
        (self.rule != Rule::Serial).then(|| sent.after(ARRIVAL))
    }

    /// The reply log: with `live` requests open or answered within the window, when are fewer than `count` left?
    fn log_wait(&self) -> Wait {
        let live = self.open.len() + self.replies.len();
        let Some(excess) = live.checked_sub(self.count) else {
            return Wait::Until(Timestamp::default());
        };
        match self.replies.iter().nth(excess) {
            Some((at, _)) => Wait::Until(at.after(self.window)),
            None => Wait::ForReply { or_at: None },
        }
    }

    /// Requests that are out or were answered within the last window.
    pub(super) fn used(&self, now: Timestamp) -> usize {
        let live = |(at, _): &&(Timestamp, SlotId)| at.after(self.window) > now;
        self.open.len() + self.replies.iter().filter(live).count()
    }

    pub(super) fn take(&mut self, slot: SlotId, now: Timestamp) {
        self.open.insert(slot, now);
        self.sent(now);
    }

    fn sent(&mut self, at: Timestamp) {
        self.last_sent = self.last_sent.max(at);
        if let Some(pace) = &self.pace {
            pace.sent(at);
        }
    }

    pub(super) fn answered(&mut self, slot: SlotId, now: Timestamp) {
        if let Some(sent) = self.ended(slot, now) {
            self.trips.add(now.since(sent));
        }
    }

    /// A request is out no more, and when it was sent.
    fn ended(&mut self, slot: SlotId, at: Timestamp) -> Option<Timestamp> {
        let sent = self.open.remove(&slot)?;
        self.replies.insert((at, slot));
        let arrival = self.arrives(sent).map_or(at, |arrives| arrives.min(at));
        self.last_arrival = self.last_arrival.max(arrival);
        Some(sent)
    }

    /// The reply that was taken to have come at `taken` came at `at`.
    pub(super) fn correct(&mut self, slot: SlotId, taken: Timestamp, at: Timestamp) {
        if self.replies.remove(&(taken, slot)) {
            self.replies.insert((at, slot));
        }
    }

    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        self.open.is_empty()
            && self
                .replies
                .iter()
                .all(|(at, _)| at.after(self.window) <= now)
            && self.strain.blocked_until <= now
            && self.strain.lowered_at(self.rate, now) == 0
    }
}
