//! Round trips: how long requests took lately, and whether the next ones arrive as far apart as they are sent.

use std::collections::VecDeque;
use std::time::Duration;

/// So many are remembered.
const REMEMBERED: usize = 16;
/// So many are needed to say anything.
const ENOUGH: usize = 8;

/// The last round trips of a class. The way there of two of them differs by no more than the whole of them does from the
/// shortest one.
#[derive(Debug, Clone, Default)]
pub(super) struct Trips(VecDeque<Duration>);

impl Trips {
    /// A reply came so long after its request was sent. One that took no time went nowhere, and says nothing of the way.
    pub(super) fn add(&mut self, trip: Duration) {
        if trip.is_zero() {
            return;
        }
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(trip);
    }

    /// Whether enough of them are known, and the longest takes less than `most` longer than the shortest.
    pub(super) fn differ_by_less_than(&self, most: Duration) -> bool {
        let (shortest, longest) = (self.0.iter().min(), self.0.iter().max());
        let spread = longest
            .zip(shortest)
            .map(|(longest, shortest)| *longest - *shortest);
        self.0.len() >= ENOUGH && spread.is_some_and(|spread| spread < most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_went_nowhere_say_nothing() {
        let mut trips = Trips::default();
        for _ in 0..20 {
            trips.add(Duration::ZERO);
        }
        assert!(!trips.differ_by_less_than(Duration::from_millis(11)));
    }

    #[test]
    fn one_long_trip_counts_until_it_is_forgotten() {
        let ms = Duration::from_millis;
        let mut trips = Trips::default();
        for n in 0..7 {
            trips.add(ms(400 + n));
            assert!(!trips.differ_by_less_than(ms(11)), "after {n}");
        }
        trips.add(ms(400));
        assert!(trips.differ_by_less_than(ms(11)));
        trips.add(ms(900));
        for n in 0..REMEMBERED {
            assert!(!trips.differ_by_less_than(ms(11)), "after {n}");
            trips.add(ms(400));
        }
        assert!(trips.differ_by_less_than(ms(11)));
    }
}
