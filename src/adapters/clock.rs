//! Real time, and the simulator's time, as the engine's clock.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::time::Instant;

use crate::execute::ports::Clock;
use crate::plan::remote::Timestamp;
use crate::simulator;

/// The wall's clock at the start, and tokio's time from there on: it never goes back when somebody sets the wall's clock,
/// neither within a process nor between two.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Timestamp,
    origin: Instant,
}

impl SystemClock {
    /// A clock that starts now, or at `last_at` when the wall's clock is behind what was recorded already.
    #[must_use]
    pub fn new(last_at: Timestamp) -> Self {
        Self {
            start: Timestamp(wall_now_ms()).max(last_at),
            origin: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.start.after(self.origin.elapsed())
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        wait(at.since(self.now()))
    }

    fn wall_ms(&self) -> u64 {
        millis(self.origin.elapsed())
    }
}

/// The simulator's clock, which it shares with the engine.
#[derive(Debug, Clone, Copy)]
pub struct SimulatorClock {
    clock: simulator::Clock,
    origin: Instant,
}

impl SimulatorClock {
    /// The engine's view of `clock`.
    #[must_use]
    pub fn new(clock: simulator::Clock) -> Self {
        Self {
            clock,
            origin: Instant::now(),
        }
    }
}

impl Clock for SimulatorClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.clock.now_ms())
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        wait(at.since(self.now()).div_f64(self.clock.speed()))
    }

    fn wall_ms(&self) -> u64 {
        millis(self.origin.elapsed())
    }
}

/// The wall's clock, in milliseconds since the Unix epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn wall_now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(super) fn wait(duration: Duration) -> BoxFuture<'static, ()> {
    tokio::time::sleep(duration).boxed()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_never_goes_back_behind_what_was_recorded() {
        let ahead = Timestamp(wall_now_ms()).after(Duration::from_secs(3_600));
        let clock = SystemClock::new(ahead);
        assert_eq!(clock.now(), ahead);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), ahead.after(Duration::from_secs(5)));

        let behind = Timestamp(1_700_000_000_000);
        assert!(SystemClock::new(behind).now() > behind.after(Duration::from_secs(3_600)));
    }
}
