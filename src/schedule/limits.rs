//! Rate limits: when a request may go out so that no limiter that the service may use refuses it.
//!
//! We don't know the service's algorithm, nor when between sending and answering it counts a request. Two rules, both of
//! which must grant, are safe whatever it is (failure model, "What is safe against an unknown server algorithm"):
//!
//! - *pace*: sends stand a fixed gap apart. This half is governor's, with a burst of one;
//! - *reply log*: of any `n` requests the oldest was answered a whole window before the next goes out.
//!
//! Under [`Profile::Steady`](crate::plan::settings::Profile::Steady) the writes and reviews are also serial: a part of a
//! window lies between a reply and the next send. `window` keeps only the reply log, at the full count.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bucket::{Bucket, Rule, Wait};
use super::slot::{Admittance, Class, Slot, SlotId};
use super::strain::Strain;
use crate::plan::remote::Timestamp;
use crate::plan::settings::{Limits, Rate};

/// The limits of one workspace, as one family states them.
#[derive(Debug)]
pub struct Limiter {
    limits: Limits,
    classes: BTreeMap<Class, Bucket>,
    next_id: u64,
}

/// How a class stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its rate.
    pub rate: Rate,
    /// How many requests of it are sent in a window, after 429s.
    pub effective: u32,
    /// How many are out or were answered within the last window.
    pub used: usize,
    /// When the next one may go out; `None` when a reply must come first.
    pub next_free: Option<Timestamp>,
    /// What 429s have left behind.
    pub strain: Strain,
}

impl Limiter {
    /// Limits that start with the slots and 429s of others.
    #[must_use]
    pub fn new(
        limits: Limits,
        slots: impl IntoIterator<Item = Slot>,
        strains: impl IntoIterator<Item = (Class, Strain)>,
    ) -> Self {
        let mut limiter = Self {
            limits,
            classes: BTreeMap::new(),
            next_id: 1,
        };
        for slot in slots {
            limiter.see(&slot);
        }
        for (class, strain) in strains {
            limiter.strain(&class, strain);
        }
        limiter
    }

    /// Takes in a slot that was taken elsewhere or earlier. Slots that are taken from now on have higher ids.
    pub fn see(&mut self, slot: &Slot) {
        self.next_id = self.next_id.max(slot.id.0 + 1);
        self.bucket(&slot.class).restore(slot);
    }

    /// Slots that are taken from now on have higher ids than `id`.
    pub fn number_after(&mut self, id: SlotId) {
        self.next_id = self.next_id.max(id.0 + 1);
    }

    /// The reply to the request of `slot`, which was taken to have come at `taken`, came at `at`.
    pub fn correct(&mut self, class: &Class, slot: SlotId, taken: Timestamp, at: Timestamp) {
        self.bucket(class).correct(slot, taken, at);
    }

    /// Whether a request of all `classes` might go out; nothing is taken.
    pub fn refusal(&mut self, classes: &[Class], now: Timestamp) -> Option<Admittance> {
        let waits = classes
            .iter()
            .map(|class| (self.bucket(class).wait(now), class));
        // A reply that must come first outweighs any moment.
        match waits.max_by_key(|(wait, _)| *wait)? {
            (Wait::ForReply, class) => Some(Admittance::WhenAnswered {
                class: class.clone(),
            }),
            (Wait::Until(at), class) if at > now => Some(Admittance::NotBefore {
                at,
                class: class.clone(),
            }),
            (Wait::Until(_), _) => None,
        }
    }

    /// Takes a slot of every class, or of none.
    pub fn admit(&mut self, classes: &[Class], now: Timestamp) -> Admittance {
        if let Some(refusal) = self.refusal(classes, now) {
            return refusal;
        }
        let take = |class: &Class| {
            let id = SlotId(self.next_id);
            self.next_id += 1;
            self.bucket(class).take(id, now);
            id
        };
        Admittance::Granted(classes.iter().map(take).collect())
    }

    /// The reply to the request of `slot` came, or never will.
    pub fn answered(&mut self, class: &Class, slot: SlotId, now: Timestamp) {
        self.bucket(class).answered(slot, now);
    }

    /// A request of `class` that was sent at `sent_at` was told to come later. What that leaves behind.
    pub fn refused(
        &mut self,
        class: &Class,
        sent_at: Timestamp,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) -> Strain {
        let seed = class.to_string();
        let bucket = self.bucket(class);
        let rate = bucket.rate();
        bucket.strain = bucket.strain.hit(rate, sent_at, retry_after, now, &seed);
        bucket.strain
    }

    /// Takes in what 429s to others have left behind.
    pub fn strain(&mut self, class: &Class, strain: Strain) {
        let bucket = self.bucket(class);
        bucket.strain = bucket.strain.with(strain);
    }

    /// How `class` stands.
    pub fn standing(&mut self, class: &Class, now: Timestamp) -> Standing {
        let bucket = self.bucket(class);
        Standing {
            rate: bucket.rate(),
            effective: bucket.effective_at(now),
            used: bucket.used(now),
            next_free: match bucket.wait(now) {
                Wait::Until(at) => Some(at.max(now)),
                Wait::ForReply => None,
            },
            strain: bucket.strain,
        }
    }

    /// Forgets jobs that have not been polled within a window.
    pub fn forget_idle(&mut self, now: Timestamp) {
        self.classes
            .retain(|class, bucket| !matches!(class, Class::JobPolls(_)) || !bucket.is_idle(now));
    }

    fn bucket(&mut self, class: &Class) -> &mut Bucket {
        let limits = &self.limits;
        self.classes
            .entry(class.clone())
            .or_insert_with(|| Bucket::new(rate(limits, class), Rule::of(class, limits.profile)))
    }
}

/// The rate of `class`.
#[must_use]
pub fn rate(limits: &Limits, class: &Class) -> Rate {
    match class {
        Class::CadWrites => limits.cad_writes,
        Class::Reviews => limits.reviews,
        Class::JobPolls(_) => limits.job_polls,
        Class::Reads => limits.reads,
        Class::Artifacts => limits.artifacts,
        Class::Balance => limits.balance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::remote::JobId;
    use crate::plan::settings::Profile;

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
            [(
                Class::Reads,
                Strain {
                    blocked_until: now.after(Duration::from_secs(30)),
                    ..Strain::default()
                },
            )],
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

    #[test]
    fn after_a_429_the_class_is_slower_until_it_was_clean_for_long() {
        let mut limiter = Limiter::new(Limits::default(), [], []);
        let mut now = Timestamp(1_700_000_000_000);
        let class = [Class::CadWrites];
        let gap = |limiter: &mut Limiter, now: &mut Timestamp| {
            let mut sent = Vec::new();
            while sent.len() < 2 {
                match limiter.admit(&class, *now) {
                    Admittance::Granted(slots) => {
                        sent.push(*now);
                        limiter.answered(&class[0], slots[0], *now);
                    }
                    Admittance::NotBefore { at, .. } => *now = at,
                    other @ Admittance::WhenAnswered { .. } => panic!("{other:?}"),
                }
            }
            sent[1].since(sent[0]).as_millis()
        };
        assert_eq!(gap(&mut limiter, &mut now), 6_667);
        let sent_at = now;
        limiter.refused(&class[0], sent_at, Some(Duration::from_secs(5)), now);
        assert!(matches!(
            limiter.admit(&class, now.after(Duration::from_millis(4_999))),
            Admittance::NotBefore { .. }
        ));
        // Nine in a minute: the universal rule for nine.
        assert_eq!(gap(&mut limiter, &mut now), 7_500);
        assert_eq!(limiter.standing(&class[0], now).effective, 9);
        now = now.after(Duration::from_secs(700));
        assert_eq!(limiter.standing(&class[0], now).effective, 10);
        assert_eq!(gap(&mut limiter, &mut now), 6_667);
    }
}
