//! The algorithms that a rate limit may be: each says when it is free, and counts.
//!
//! They are exact: fractions of a token are whole numbers of a smaller unit. None of them decides what is counted; a
//! request may be counted that was refused, and then takes what is left.

mod buckets;
mod windows;

use super::limits::Quota;
use super::switches::Algorithm;
use buckets::{Gcra, Refill, TokenBucket};
use windows::{Opens, Part, SlidingLog, WeightedCounter, Window};

/// One count of one class.
pub(crate) trait Limiter: std::fmt::Debug + Send {
    /// When a request would be let in if none came before it; not after `now` means now.
    fn ready_at(&self, now: i64) -> i64;

    /// Counts a request.
    fn take(&mut self, now: i64);
}

/// A fresh limiter for so many requests in so long a window.
pub(crate) fn limiter(algorithm: Algorithm, quota: Quota) -> Box<dyn Limiter> {
    // Beyond these, a token's units would not fit into an i64.
    let quota = Quota {
        count: quota.count.clamp(1, 1_000_000),
        window_ms: quota.window_ms.clamp(1, 1_000_000_000_000),
    };
    match algorithm {
        Algorithm::SlidingLog | Algorithm::SlidingLogWithRejects => {
            Box::new(SlidingLog::new(quota))
        }
        Algorithm::FixedWindow => Box::new(Window::new(quota, Opens::ByTheClock)),
        Algorithm::FirstHitWindow => Box::new(Window::new(quota, Opens::AtTheFirst)),
        Algorithm::WeightedCounter => Box::new(WeightedCounter::new(quota, Part::Exact)),
        Algorithm::WeightedCounterFloor => Box::new(WeightedCounter::new(quota, Part::RoundedDown)),
        Algorithm::TokenBucket => Box::new(TokenBucket::new(quota, quota.count, Refill::Steady)),
        Algorithm::SmallBucket { size } => {
            let size = size.get().min(quota.count);
            Box::new(TokenBucket::new(quota, size, Refill::Steady))
        }
        Algorithm::Gcra => Box::new(Gcra::new(quota)),
        Algorithm::StepRefill => Box::new(TokenBucket::new(quota, quota.count, Refill::InSteps)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knocks every millisecond of two and a half windows, and notes when it was let in.
    fn greedy(algorithm: Algorithm, start: i64) -> Vec<i64> {
        let quota = Quota {
            count: 4,
            window_ms: 100,
        };
        let mut limiter = limiter(algorithm, quota);
        let mut admitted = Vec::new();
        for now in start..start + 250 {
            let ready = limiter.ready_at(now);
            if ready <= now {
                limiter.take(now);
                admitted.push(now - start);
            } else if algorithm == Algorithm::SlidingLogWithRejects {
                limiter.take(now);
            }
        }
        admitted
    }

    #[test]
    fn each_algorithm_lets_a_greedy_client_in_at_its_own_times() {
        let size = std::num::NonZeroU32::MIN.saturating_add(1);
        let cases: [(Algorithm, &[i64]); 10] = [
            (
                Algorithm::SlidingLog,
                &[0, 1, 2, 3, 100, 101, 102, 103, 200, 201, 202, 203],
            ),
            (Algorithm::SlidingLogWithRejects, &[0, 1, 2, 3]),
            (
                Algorithm::FixedWindow,
                &[0, 1, 2, 3, 70, 71, 72, 73, 170, 171, 172, 173],
            ),
            (
                Algorithm::FirstHitWindow,
                &[0, 1, 2, 3, 100, 101, 102, 103, 200, 201, 202, 203],
            ),
            (
                Algorithm::WeightedCounter,
                &[0, 1, 2, 3, 95, 120, 145, 170, 204, 237],
            ),
            (
                Algorithm::WeightedCounterFloor,
                &[0, 1, 2, 3, 71, 96, 121, 146, 171, 196, 221, 246],
            ),
            (
                Algorithm::TokenBucket,
                &[0, 1, 2, 3, 25, 50, 75, 100, 125, 150, 175, 200, 225],
            ),
            (
                Algorithm::SmallBucket { size },
                &[0, 1, 25, 50, 75, 100, 125, 150, 175, 200, 225],
            ),
            (
                Algorithm::Gcra,
                &[0, 25, 50, 75, 100, 125, 150, 175, 200, 225],
            ),
            (
                Algorithm::StepRefill,
                &[0, 1, 2, 3, 25, 50, 75, 100, 125, 150, 175, 200, 225],
            ),
        ];
        for (algorithm, times) in cases {
            // 30 ms into a window of the clock.
            assert_eq!(greedy(algorithm, 1_030), times, "{algorithm:?}");
        }
    }

    #[test]
    fn a_client_that_waits_as_told_is_let_in_then_and_not_sooner() {
        for algorithm in Algorithm::ALL {
            for (count, window_ms) in [(1, 7), (3, 10_000), (7, 60_000), (10, 500)] {
                let mut limiter = limiter(algorithm, Quota { count, window_ms });
                let mut now = 123_457;
                for _ in 0..50 {
                    let ready = limiter.ready_at(now);
                    if ready > now {
                        assert!(
                            limiter.ready_at(ready - 1) > ready - 1,
                            "{algorithm:?} early"
                        );
                        assert!(limiter.ready_at(ready) <= ready, "{algorithm:?} late");
                        now = ready;
                    }
                    limiter.take(now);
                    now += i64::from(count % 3);
                }
            }
        }
    }

    #[test]
    fn only_a_steady_bucket_saves_up_between_the_steps() {
        let quota = Quota {
            count: 4,
            window_ms: 100,
        };
        let second = |algorithm| {
            let mut limiter = limiter(algorithm, quota);
            for now in [0, 10, 10, 10] {
                limiter.take(now);
            }
            // The fifth takes what came back; a sixth would wait.
            limiter.take(30);
            limiter.ready_at(30)
        };
        assert_eq!(second(Algorithm::TokenBucket), 50);
        assert_eq!(second(Algorithm::StepRefill), 50);
        let idle = |algorithm| {
            let mut limiter = limiter(algorithm, quota);
            limiter.take(0);
            for _ in 0..4 {
                limiter.take(110);
            }
            limiter.ready_at(110)
        };
        assert_eq!(idle(Algorithm::TokenBucket), 135);
        assert_eq!(idle(Algorithm::StepRefill), 125);
    }
}
