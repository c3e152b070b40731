//! The simulator's time: milliseconds since the Unix epoch, on a clock of its own pace.

use std::time::Duration;

use tokio::time::Instant;

/// A handle on one clock; clones show the same time.
///
/// It reads tokio's time, so that it stands still where a test has paused that.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start_ms: i64,
    speed: f64,
    origin: Instant,
}

impl Clock {
    /// A clock that shows `start_ms` now and then runs `speed` times as fast as real time.
    #[must_use]
    pub fn new(start_ms: i64, speed: f64) -> Self {
        Self {
            start_ms,
            speed,
            origin: Instant::now(),
        }
    }

    /// The time shown now, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        // Nanoseconds are whole numbers an f64 holds exactly for a hundred days: no drift below a millisecond.
        let elapsed_ms = self.origin.elapsed().as_nanos() as f64 * self.speed / 1e6;
        self.start_ms.saturating_add(whole_ms(elapsed_ms))
    }

    /// Ends when this clock has moved on by `ms` milliseconds.
    #[expect(
        clippy::disallowed_methods,
        reason = "a fault that takes time has to wait for it, on the simulator's own clock"
    )]
    pub(crate) async fn pass(&self, ms: i64) {
        let seconds = ms.max(0) as f64 / 1_000.0 / self.speed;
        // A clock that stands still, or a wait beyond all measure, has no end.
        match Duration::try_from_secs_f64(seconds) {
            Ok(wait) => tokio::time::sleep(wait).await,
            Err(_) => std::future::pending().await,
        }
    }

    /// Simulated seconds in a real one.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }
}

/// Milliseconds without their fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float out of range saturates, which is what a time that far away should do"
)]
pub(crate) fn whole_ms(ms: f64) -> i64 {
    ms.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_runs_at_its_speed_in_virtual_time() {
        let clock = Clock::new(1_000, 30.0);
        assert_eq!(clock.now_ms(), 1_000);
        tokio::time::advance(Duration::from_millis(290)).await;
        assert_eq!(clock.now_ms(), 1_000 + 290 * 30);
    }
}
