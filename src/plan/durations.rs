//! How long things took at the service, as far as it was seen: what plans and priorities go by.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// So many of each kind are kept, the latest.
const KEPT: usize = 256;

/// What takes its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// A create, from its acceptance until it was seen that it ended.
    Create,
    /// An iterate, likewise.
    Iterate,
    /// A review, from its send to its answer.
    Review,
    /// The answer to a create or an iterate.
    Answer,
    /// A file on its way home.
    File,
}

impl Thing {
    /// What it is taken to last before one was seen.
    #[must_use]
    pub const fn assumed(self) -> Duration {
        match self {
            Self::Create | Self::Iterate => Duration::from_secs(150),
            Self::Review => Duration::from_secs(8),
            Self::Answer | Self::File => Duration::from_millis(400),
        }
    }
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    seen: BTreeMap<Thing, VecDeque<Duration>>,
    /// Jobs that ended, and the polls and files that they took.
    ended: u64,
    polls: u64,
    files: u64,
}

impl Durations {
    /// One more `thing` took so long.
    pub fn add(&mut self, thing: Thing, took: Duration) {
        let seen = self.seen.entry(thing).or_default();
        if seen.len() == KEPT {
            seen.pop_front();
        }
        seen.push_back(took);
    }

    /// A job was polled.
    pub fn polled(&mut self) {
        self.polls += 1;
    }

    /// A job ended, and brought so many files.
    pub fn ended(&mut self, files: usize) {
        self.ended += 1;
        self.files += files as u64;
    }

    /// Whether a `thing` was seen.
    #[must_use]
    pub fn knows(&self, thing: Thing) -> bool {
        self.seen.contains_key(&thing)
    }

    /// One of those that were seen, the same for the same `draw`; what is assumed before one was.
    #[must_use]
    pub fn drawn(&self, thing: Thing, draw: u64) -> Duration {
        let seen = self.seen.get(&thing).filter(|seen| !seen.is_empty());
        let drawn = seen.and_then(|seen| {
            let place = draw % seen.len() as u64;
            seen.get(usize::try_from(place).unwrap_or(0)).copied()
        });
        drawn.unwrap_or(thing.assumed())
    }

    /// The mean of those that were seen.
    #[must_use]
    pub fn mean(&self, thing: Thing) -> Duration {
        let seen = self.seen.get(&thing).filter(|seen| !seen.is_empty());
        seen.map_or(thing.assumed(), |seen| {
            let count = u32::try_from(seen.len()).unwrap_or(u32::MAX);
            seen.iter().sum::<Duration>() / count
        })
    }

    /// The shortest of those that were seen.
    #[must_use]
    pub fn shortest(&self, thing: Thing) -> Duration {
        let seen = self.seen.get(&thing).and_then(|seen| seen.iter().min());
        seen.copied().unwrap_or(thing.assumed())
    }

    /// The polls that a job takes in the mean; one a minute before any was seen.
    #[must_use]
    pub fn polls_of_a_job(&self) -> f64 {
        if self.ended == 0 {
            return Thing::Create.assumed().as_secs_f64() / 60.0;
        }
        ratio(self.polls, self.ended)
    }

    /// The files that a job brings in the mean; one before any was seen.
    #[must_use]
    pub fn files_of_a_job(&self) -> f64 {
        if self.ended == 0 {
            return 1.0;
        }
        ratio(self.files, self.ended)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean for people")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_counts_and_the_latest_is_kept() {
        let mut durations = Durations::default();
        assert_eq!(durations.mean(Thing::Create), Duration::from_secs(150));
        for n in 0..300 {
            durations.add(Thing::Create, Duration::from_secs(n));
        }
        assert_eq!(durations.shortest(Thing::Create), Duration::from_secs(44));
        assert_eq!(
            durations.drawn(Thing::Create, 256),
            durations.drawn(Thing::Create, 0)
        );
        assert!(durations.knows(Thing::Create) && !durations.knows(Thing::Iterate));
    }
}
