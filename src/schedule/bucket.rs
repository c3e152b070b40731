//! One class: what it has sent, when that was answered, and when it is free.

use std::collections::BTreeSet;
use std::time::Duration;

use super::pace::Pace;
use super::slot::{Class, Slot, SlotId};
use super::strain::Strain;
use crate::plan::remote::Timestamp;
use crate::plan::settings::{Profile, Rate};

/// Added to every wait that is counted from a reply: it covers a clock that runs 500 ppm off over a minute, and a
/// service that rounds.
const MARGIN: Duration = Duration::from_millis(50);
/// How much of its rate a class that is not serial uses, in tenths.
const TENTHS: u32 = 9;

/// Which rules hold for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Pace, reply log, and one at a time.
    Serial,
    /// Pace and reply log.
    Paced,
    /// Reply log at the full count.
    Window,
}

impl Rule {
    pub(super) fn of(class: &Class, profile: Profile) -> Self {
        match (profile, class) {
            (Profile::Window, _) => Self::Window,
            (Profile::Steady, Class::CadWrites | Class::Reviews) => Self::Serial,
            (Profile::Steady, _) => Self::Paced,
        }
    }
}

/// When a class is free. `ForReply` is later than every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    Until(Timestamp),
    ForReply,
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
    /// After a reply, for a serial class.
    pause: Duration,
    pace: Option<Pace>,
    last_sent: Timestamp,
    open: BTreeSet<SlotId>,
    replies: BTreeSet<(Timestamp, SlotId)>,
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
            open: BTreeSet::new(),
            replies: BTreeSet::new(),
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
        let gap = match self.rule {
            Rule::Serial => Some(window / fewer),
            Rule::Paced => Some(window * 10 / (count * TENTHS)),
            Rule::Window => None,
        };
        let whole = self.rule == Rule::Window;
        self.effective = count;
        self.count = (if whole { count } else { fewer }) as usize;
        self.pause = (if count <= 2 { window } else { window / count }) + MARGIN;
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

    /// Takes in a slot that was taken elsewhere or earlier.
    pub(super) fn restore(&mut self, slot: &Slot) {
        self.sent(slot.sent_at);
        match slot.replied_at {
            Some(at) => {
                self.replies.insert((at, slot.id));
            }
            None => {
                self.open.insert(slot.id);
            }
        }
    }

    /// When the class is free.
    pub(super) fn wait(&mut self, now: Timestamp) -> Wait {
        self.set_effective(self.effective_at(now));
        while let Some((at, _)) = self
            .replies
            .first()
            .copied()
            .filter(|(at, _)| at.after(self.window) <= now)
        {
            self.replies.pop_first();
            // The last reply still tells when the pause after it ends; a pause is never longer than the window.
            debug_assert!(at.after(self.pause) <= now, "a pause outlives its window");
        }
        let mut wait = Wait::Until(self.strain.blocked_until);
        if let Some(pace) = &self.pace {
            wait = wait.max(Wait::Until(pace.earliest(now)));
        }
        wait = wait.max(self.log_wait());
        if self.rule == Rule::Serial {
            wait = wait.max(match self.replies.last() {
                _ if !self.open.is_empty() => Wait::ForReply,
                Some((at, _)) => Wait::Until(at.after(self.pause)),
                None => Wait::Until(now),
            });
        }
        wait
    }

    /// The reply log: with `live` requests open or answered within the window, when are fewer than `count` left?
    fn log_wait(&self) -> Wait {
        let live = self.open.len() + self.replies.len();
        let Some(excess) = live.checked_sub(self.count) else {
            return Wait::Until(Timestamp::default());
        };
        match self.replies.iter().nth(excess) {
            Some((at, _)) => Wait::Until(at.after(self.window)),
            None => Wait::ForReply,
        }
    }

    /// Requests that are out or were answered within the last window.
    pub(super) fn used(&self, now: Timestamp) -> usize {
        let live = |(at, _): &&(Timestamp, SlotId)| at.after(self.window) > now;
        self.open.len() + self.replies.iter().filter(live).count()
    }

    pub(super) fn take(&mut self, slot: SlotId, now: Timestamp) {
        self.open.insert(slot);
        self.sent(now);
    }

    fn sent(&mut self, at: Timestamp) {
        self.last_sent = self.last_sent.max(at);
        if let Some(pace) = &self.pace {
            pace.sent(at);
        }
    }

    pub(super) fn answered(&mut self, slot: SlotId, now: Timestamp) {
        if self.open.remove(&slot) {
            self.replies.insert((now, slot));
        }
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
