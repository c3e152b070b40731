//! Rate limits: when a request may go out so that no limiter that the service may use refuses it.
//!
//! We don't know the service's algorithm, nor when between sending and answering it counts a request. Two rules, both of
//! which must grant, are safe whatever it is (failure model, "What is safe against an unknown server algorithm"):
//!
//! - *pace*: sends stand a fixed gap apart. This half is governor's, with a burst of one;
//! - *reply log*: of any `n` requests the oldest was answered a whole window before the next goes out.
//!
//! Under [`Profile::Steady`] the writes and reviews are also serial: a part of a window lies between a reply and the next
//! send. [`Profile::Window`] keeps only the reply log, at the full count.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::pace::Pace;
use super::slot::{Admittance, Class, Slot, SlotId};
use crate::plan::remote::Timestamp;
use crate::plan::settings::{Limits, Profile, Rate};

/// Added to every wait that is counted from a reply: it covers a clock that runs 500 ppm off over a minute, and a
/// service that rounds.
const MARGIN: Duration = Duration::from_millis(50);
/// How much of its rate a class that is not serial uses, in tenths.
const TENTHS: u32 = 9;

/// The limits of one family on one origin.
#[derive(Debug)]
pub struct Limiter {
    limits: Limits,
    classes: BTreeMap<Class, Log>,
    next_id: u64,
}

impl Limiter {
    /// Limits that start with the slots and blocks of earlier processes.
    #[must_use]
    pub fn new(
        limits: Limits,
        slots: impl IntoIterator<Item = Slot>,
        blocks: impl IntoIterator<Item = (Class, Timestamp)>,
    ) -> Self {
        let mut limiter = Self {
            limits,
            classes: BTreeMap::new(),
            next_id: 1,
        };
        for slot in slots {
            limiter.next_id = limiter.next_id.max(slot.id.0 + 1);
            limiter.log(&slot.class).restore(&slot);
        }
        for (class, until) in blocks {
            limiter.block(&class, until);
        }
        limiter
    }

    /// Takes a slot of every class, or of none.
    pub fn admit(&mut self, classes: &[Class], now: Timestamp) -> Admittance {
        let waits = classes
            .iter()
            .map(|class| (self.log(class).wait(now), class));
        // A reply that must come first outweighs any moment.
        match waits.max_by_key(|(wait, _)| *wait) {
            Some((Wait::ForReply, class)) => {
                return Admittance::WhenAnswered {
                    class: class.clone(),
                };
            }
            Some((Wait::Until(at), class)) if at > now => {
                return Admittance::NotBefore {
                    at,
                    class: class.clone(),
                };
            }
            _ => {}
        }
        let take = |class: &Class| {
            let id = SlotId(self.next_id);
            self.next_id += 1;
            self.log(class).take(id, now);
            id
        };
        Admittance::Granted(classes.iter().map(take).collect())
    }

    /// The reply to the request of `slot` came, or never will.
    pub fn answered(&mut self, class: &Class, slot: SlotId, now: Timestamp) {
        self.log(class).answered(slot, now);
    }

    /// Nothing of `class` goes out before `until`: the service said so.
    pub fn block(&mut self, class: &Class, until: Timestamp) {
        let log = self.log(class);
        log.blocked_until = log.blocked_until.max(until);
    }

    /// Forgets jobs that have not been polled within a window.
    pub fn forget_idle(&mut self, now: Timestamp) {
        self.classes
            .retain(|class, log| !matches!(class, Class::JobPolls(_)) || !log.is_idle(now));
    }

    fn log(&mut self, class: &Class) -> &mut Log {
        let limits = &self.limits;
        self.classes
            .entry(class.clone())
            .or_insert_with(|| Log::new(rate(limits, class), Rule::of(class, limits.profile)))
    }
}

fn rate(limits: &Limits, class: &Class) -> Rate {
    match class {
        Class::CadWrites => limits.cad_writes,
        Class::Reviews => limits.reviews,
        Class::JobPolls(_) => limits.job_polls,
        Class::Reads => limits.reads,
        Class::Artifacts => limits.artifacts,
        Class::Balance => limits.balance,
    }
}

/// Which rules hold for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Pace, reply log, and one at a time.
    Serial,
    /// Pace and reply log.
    Paced,
    /// Reply log at the full count.
    Window,
}

impl Rule {
    fn of(class: &Class, profile: Profile) -> Self {
        match (profile, class) {
            (Profile::Window, _) => Self::Window,
            (Profile::Steady, Class::CadWrites | Class::Reviews) => Self::Serial,
            (Profile::Steady, _) => Self::Paced,
        }
    }
}

/// When a class is free. `ForReply` is later than every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wait {
    Until(Timestamp),
    ForReply,
}

/// What one class has sent, and when it was answered.
#[derive(Debug)]
struct Log {
    rule: Rule,
    /// How many requests may be open or answered within the last window.
    count: usize,
    window: Duration,
    /// After a reply, for a serial class.
    pause: Duration,
    pace: Option<Pace>,
    open: BTreeSet<SlotId>,
    replies: BTreeSet<(Timestamp, SlotId)>,
    blocked_until: Timestamp,
}

impl Log {
    fn new(rate: Rate, rule: Rule) -> Self {
        let count = rate.count.get();
        let fewer = (count - 1).max(1);
        let gap = match rule {
            Rule::Serial => Some(rate.window / fewer),
            Rule::Paced => Some(rate.window * 10 / (count * TENTHS)),
            Rule::Window => None,
        };
        Self {
            rule,
            count: (if rule == Rule::Window { count } else { fewer }) as usize,
            window: rate.window + MARGIN,
            pause: (if count <= 2 {
                rate.window
            } else {
                rate.window / count
            }) + MARGIN,
            pace: gap.and_then(Pace::new),
            open: BTreeSet::new(),
            replies: BTreeSet::new(),
            blocked_until: Timestamp::default(),
        }
    }

    fn restore(&mut self, slot: &Slot) {
        if let Some(pace) = &self.pace {
            pace.sent(slot.sent_at);
        }
        match slot.replied_at {
            Some(at) => {
                self.replies.insert((at, slot.id));
            }
            None => {
                self.open.insert(slot.id);
            }
        }
    }

    fn wait(&mut self, now: Timestamp) -> Wait {
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
        let mut wait = Wait::Until(self.blocked_until);
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

    fn take(&mut self, slot: SlotId, now: Timestamp) {
        self.open.insert(slot);
        if let Some(pace) = &self.pace {
            pace.sent(now);
        }
    }

    fn answered(&mut self, slot: SlotId, now: Timestamp) {
        if self.open.remove(&slot) {
            self.replies.insert((now, slot));
        }
    }

    fn is_idle(&self, now: Timestamp) -> bool {
        self.open.is_empty()
            && self
                .replies
                .iter()
                .all(|(at, _)| at.after(self.window) <= now)
            && self.blocked_until <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::remote::JobId;

    /// Sends `n` requests as soon as they are admitted, each answered `rtt_ms` later; the send times in milliseconds.
    fn sends(limits: Limits, class: &Class, n: usize, rtt_ms: i64) -> Vec<i64> {
        let start = Timestamp(1_700_000_000_000);
        let mut limiter = Limiter::new(limits, [], []);
        let (mut now, mut sent, mut out): (Timestamp, Vec<i64>, Vec<(Timestamp, SlotId)>) =
            (start, Vec::new(), Vec::new());
        while sent.len() < n {
            while let Some((at, slot)) = out.first().copied().filter(|(at, _)| *at <= now) {
                out.remove(0);
                limiter.answered(class, slot, at);
            }
            let reply = out.first().map(|(at, _)| *at);
            match limiter.admit(std::slice::from_ref(class), now) {
                Admittance::Granted(slots) => {
                    sent.push(now.0 - start.0);
                    out.push((Timestamp(now.0 + rtt_ms), slots[0]));
                }
                Admittance::NotBefore { at, .. } => now = reply.map_or(at, |reply| reply.min(at)),
                Admittance::WhenAnswered { .. } => now = reply.expect("a reply is on its way"),
            }
        }
        sent
    }

    #[test]
    fn steady_writes_keep_the_universal_rule() {
        let sent = sends(Limits::default(), &Class::CadWrites, 30, 400);
        assert!(
            sent.windows(2).all(|pair| pair[1] - pair[0] >= 6_666),
            "{sent:?}"
        );
        assert!(
            sent.windows(10).all(|ten| ten[9] - ten[0] >= 60_400),
            "{sent:?}"
        );
        assert!(sent[29] < 30 * 6_800, "slower than needed: {sent:?}");
    }

    #[test]
    fn slow_replies_keep_steady_writes_serial() {
        let sent = sends(Limits::default(), &Class::CadWrites, 5, 9_000);
        assert_eq!(sent, [0, 15_050, 30_100, 45_150, 60_200]);
    }

    #[test]
    fn a_count_of_one_or_two_waits_a_whole_window_after_each_reply() {
        for count in [1, 2] {
            let limits = Limits {
                reviews: Rate::per(count, 10),
                ..Limits::default()
            };
            assert_eq!(
                sends(limits, &Class::Reviews, 3, 1_000),
                [0, 11_050, 22_100]
            );
        }
    }

    #[test]
    fn reads_are_paced_at_nine_tenths_and_overlap() {
        let sent = sends(Limits::default(), &Class::Reads, 1_200, 3_000);
        assert!(
            sent[599] - sent[0] > 60_000 && sent[599] < 68_000,
            "{}",
            sent[599]
        );
        assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= 111));
    }

    #[test]
    fn the_window_profile_uses_the_whole_count_at_once() {
        let limits = Limits {
            profile: Profile::Window,
            ..Limits::default()
        };
        let sent = sends(limits, &Class::CadWrites, 21, 400);
        assert_eq!(
            (sent[9], sent[10], sent[19], sent[20]),
            (0, 60_450, 60_450, 120_900)
        );
    }

    #[test]
    fn a_block_holds_and_slots_of_an_earlier_process_count() {
        let now = Timestamp(1_700_000_000_000);
        let old = Slot {
            id: SlotId(7),
            class: Class::CadWrites,
            sent_at: now,
            replied_at: Some(now),
        };
        let mut limiter = Limiter::new(
            Limits::default(),
            [old],
            [(Class::Reads, now.after(Duration::from_secs(30)))],
        );
        let at = |admittance| match admittance {
            Admittance::NotBefore { at, .. } => at.0 - now.0,
            other => panic!("{other:?}"),
        };
        assert_eq!(at(limiter.admit(&[Class::CadWrites], now)), 6_667);
        assert_eq!(at(limiter.admit(&[Class::Reads], now)), 30_000);
        assert_eq!(
            at(limiter.admit(&[Class::JobPolls(JobId("j".into())), Class::Reads], now)),
            30_000
        );
    }
}
