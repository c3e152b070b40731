//! Waits: doubled from attempt to attempt, spread by a hash instead of a random number, so that a night can be replayed.

use std::time::Duration;

use crate::plan::digest::Digest;
use crate::plan::settings::Retry;

/// The first wait before an exact retry.
const EXACT_MIN: Duration = Duration::from_secs(1);
/// The longest.
const EXACT_MAX: Duration = Duration::from_secs(60);
/// When the service doesn't say when to poll, it recommends "every 1-2 minutes" (API document, "Poll job status").
const POLL_MIN: Duration = Duration::from_secs(60);
const POLL_SPREAD: Duration = Duration::from_secs(60);

/// The longest rest after a 429 that did not say how long.
const REST_MAX: Duration = Duration::from_secs(900);

/// The wait before the same bytes are sent again for the `tries`-th time (from 1). `seed` tells requests apart.
#[must_use]
pub fn exact_retry(tries: u32, seed: &str) -> Duration {
    spread(doubled(EXACT_MIN, EXACT_MAX, tries), tries, seed).max(EXACT_MIN)
}

/// The wait before the work is tried anew, after the service failed it for the `failures`-th time (from 1).
#[must_use]
pub fn new_attempt(retry: &Retry, failures: u32, seed: &str) -> Duration {
    spread(
        doubled(retry.backoff_min, retry.backoff_max, failures),
        failures,
        seed,
    )
    .max(retry.backoff_min)
}

/// The wait before a job is polled: what the service told, else between one and two minutes.
#[must_use]
pub fn poll(told: Option<Duration>, seed: &str) -> Duration {
    told.unwrap_or_else(|| POLL_MIN + POLL_SPREAD.mul_f64(fraction(0, seed)))
}

/// How long a class rests after the `strikes`-th 429 in a row (from 1) that did not say how long: its window, then about
/// twice as long each time.
#[must_use]
pub fn rest(window: Duration, strikes: u32, seed: &str) -> Duration {
    let whole = doubled(window, REST_MAX.max(window), strikes);
    spread(whole, strikes, seed).max(window)
}

fn doubled(min: Duration, max: Duration, nth: u32) -> Duration {
    let factor = 1u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX);
    min.saturating_mul(factor).min(max)
}

/// Between half and the whole of `wait`.
fn spread(wait: Duration, nth: u32, seed: &str) -> Duration {
    wait.mul_f64(0.5 + fraction(nth, seed) / 2.0)
}

/// A number in `0.0..1.0`.
fn fraction(nth: u32, seed: &str) -> f64 {
    let digest = Digest::of(format!("{seed} {nth}").as_bytes());
    let [a, b, ..] = digest.as_bytes();
    f64::from(u16::from_be_bytes([*a, *b])) / 65_536.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_retries_wait_from_one_to_sixty_seconds() {
        for tries in 1..200 {
            let wait = exact_retry(tries, "mr1-x");
            assert!((EXACT_MIN..=EXACT_MAX).contains(&wait), "{tries}: {wait:?}");
            assert_eq!(wait, exact_retry(tries, "mr1-x"));
        }
        assert!(exact_retry(9, "a") >= Duration::from_secs(30));
    }

    #[test]
    fn a_told_wait_is_kept_and_an_absent_one_is_a_minute_or_two() {
        assert_eq!(
            poll(Some(Duration::from_millis(1_500)), "job"),
            Duration::from_millis(1_500)
        );
        let wait = poll(None, "job");
        assert!((POLL_MIN..POLL_MIN + POLL_SPREAD).contains(&wait));
    }
}
