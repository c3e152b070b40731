//! Rate limits: when a request may go out so that no limiter that the service may use refuses it.
//!
//! We don't know the service's algorithm, nor when between sending and answering it counts a request. Two rules, both of
//! which must grant, are safe whatever it is (failure model, "What is safe against an unknown server algorithm"):
//!
//! - *pace*: sends stand a fixed gap apart. This half is governor's, with a burst of one;
//! - *reply log*: of any `n` requests the oldest was answered a whole window before the next goes out.
//!
//! Under [`Profile::Steady`](crate::plan::settings::Profile::Steady) the writes, the reviews, the polls of one job and the
//! balance reads are also serial: a part of a window lies between a reply and the next send. So are other GETs while round
//! trips differ by more than the pace forgives. `window` keeps only the reply log, at the full count.
//!
//! What counts as a read is not documented: every GET counts against the reads too.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
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
        for class in slot.class.counted() {
            self.bucket(class).restore(slot);
        }
    }

    /// Slots that are taken from now on have higher ids than `id`.
    pub fn number_after(&mut self, id: SlotId) {
        self.next_id = self.next_id.max(id.0 + 1);
    }

    /// The reply to the request of `slot`, which was taken to have come at `taken`, came at `at`.
    pub fn correct(&mut self, class: &Class, slot: SlotId, taken: Timestamp, at: Timestamp) {
        for class in class.counted() {
            self.bucket(class).correct(slot, taken, at);
        }
    }

    /// Whether a request of all `classes` might go out; nothing is taken.
    pub fn refusal(&mut self, classes: &[Class], now: Timestamp) -> Option<Admittance> {
        let waits = classes.iter().flat_map(Class::counted);
        let waits = waits.map(|class| (self.bucket(class).wait(now), class));
        // A reply that must come first outweighs any moment.
        match waits.max_by_key(|(wait, _)| *wait)? {
            (Wait::ForReply { or_at }, class) => Some(Admittance::WhenAnswered {
                class: class.clone(),
                or_at,
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
            for class in class.counted() {
                self.bucket(class).take(id, now);
            }
            id
        };
        Admittance::Granted(classes.iter().map(take).collect())
    }

    /// The reply to the request of `slot` came, or never will.
    pub fn answered(&mut self, class: &Class, slot: SlotId, now: Timestamp) {
        for class in class.counted() {
            self.bucket(class).answered(slot, now);
        }
    }

    /// A request of `class` that was sent at `sent_at` was told to come later. What that leaves behind, of each class that
    /// it may be about.
    pub fn refused(
        &mut self,
        class: &Class,
        sent_at: Timestamp,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) -> Vec<(Class, Strain)> {
        let strained = class.blamed().map(|class| {
            let seed = class.to_string();
            let bucket = self.bucket(class);
            let rate = bucket.rate();
            bucket.strain = bucket.strain.hit(rate, sent_at, retry_after, now, &seed);
            (class.clone(), bucket.strain)
        });
        strained.collect()
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
                Wait::ForReply { .. } => None,
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
        Class::Polls => share_of_polls(limits.reads),
        Class::Reads => limits.reads,
        Class::Artifacts => limits.artifacts,
        Class::Balance => limits.balance,
    }
}

/// Of a hundred reads, how many may be polls: the rest is kept for recovery and for files.
const POLLS_PER_CENT: u32 = 85;

fn share_of_polls(reads: Rate) -> Rate {
    let count = u64::from(reads.count.get()) * u64::from(POLLS_PER_CENT) / 100;
    let count = u32::try_from(count).ok().and_then(NonZeroU32::new);
    Rate {
        count: count.unwrap_or(NonZeroU32::MIN),
        ..reads
    }
}

#[cfg(test)]
mod tests;
