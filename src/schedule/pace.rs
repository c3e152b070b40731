//! Pacing: sends stand a fixed gap apart. governor does it, on the engine's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use crate::plan::remote::Timestamp;

/// governor's GCRA with a burst of one, on the engine's clock. Its state is one number, which we set ourselves: a slot is
/// asked for before it is known whether the other classes of its request are free too.
pub(super) struct Pace {
    limiter: RateLimiter<NotKeyed, TheoreticalArrival, EngineClock, NoOpMiddleware<Nanos>>,
    arrival: TheoreticalArrival,
    clock: EngineClock,
    gap: Duration,
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pace")
            .field("gap", &self.gap)
            .finish_non_exhaustive()
    }
}

impl Pace {
    /// `None` for a gap that is too short to be kept.
    pub(super) fn new(gap: Duration) -> Option<Self> {
        let (arrival, clock) = (TheoreticalArrival::default(), EngineClock::default());
        let limiter = RateLimiter::new(Quota::with_period(gap)?, arrival.clone(), clock.clone());
        Some(Self {
            limiter,
            arrival,
            clock,
            gap,
        })
    }

    /// The next moment at which governor grants, without taking it.
    pub(super) fn earliest(&self, now: Timestamp) -> Timestamp {
        self.clock.set(now);
        let before = self.arrival.0.load(Ordering::Relaxed);
        let verdict = self.limiter.check();
        self.arrival.0.store(before, Ordering::Relaxed);
        match verdict {
            Ok(()) => now,
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                // A millisecond is the finest the engine knows: round up, never down.
                now.after(wait + Duration::from_micros(999))
            }
        }
    }

    /// A request went out at `at`.
    pub(super) fn sent(&self, at: Timestamp) {
        self.clock.set(at);
        let arrival = self.clock.now() + Nanos::from(self.gap);
        self.arrival
            .0
            .fetch_max(arrival.as_u64(), Ordering::Relaxed);
    }
}

/// The engine's clock as governor sees it: it stands still until it is set.
#[derive(Debug, Clone, Default)]
struct EngineClock(Arc<AtomicU64>);

impl EngineClock {
    fn set(&self, now: Timestamp) {
        let nanos = u64::try_from(now.0).unwrap_or(0).saturating_mul(1_000_000);
        self.0.store(nanos, Ordering::Relaxed);
    }
}

impl Clock for EngineClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.load(Ordering::Relaxed))
    }
}

/// When the next request is due; zero before the first.
#[derive(Debug, Clone, Default)]
struct TheoreticalArrival(Arc<AtomicU64>);

impl StateStore for TheoreticalArrival {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let before = self.0.load(Ordering::Relaxed);
        let (answer, after) = f((before != 0).then(|| Nanos::from(before)))?;
        self.0.store(after.as_u64(), Ordering::Relaxed);
        Ok(answer)
    }
}
