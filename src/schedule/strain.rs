//! What a 429 changes for its class. Our rules provoke none by themselves, so somebody else uses the workspace, or the service
//! counts otherwise than it documents: the class rests, and then goes on a little slower until the service was content
//! for long enough.

use std::time::Duration;

use super::backoff;
use crate::plan::remote::Timestamp;
use crate::plan::settings::Rate;

/// After so many windows without a 429 a class may send one more in each.
const CLEAN_WINDOWS: u32 = 10;

/// A class that is told to rest for longer is parked: a run that has nothing else to do does not wait for it.
pub const PARKED: Duration = Duration::from_secs(15 * 60);

/// What the 429s of a class have left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strain {
    /// Nothing goes out before.
    pub blocked_until: Timestamp,
    /// By how many the count of a window was lowered, when the last 429 came.
    pub lowered: u32,
    /// 429s in a row, each soon after the wait for the one before it.
    pub strikes: u32,
    /// When the last 429 came that was a new one.
    pub last_at: Timestamp,
}

impl Strain {
    /// A 429 at `now`, to a request that was sent at `sent_at`. Without `retry_after` the class rests for its window, and
    /// for about twice as long each further time. Requests that were out together are one event, however many were refused.
    #[must_use]
    pub fn hit(
        self,
        rate: Rate,
        sent_at: Timestamp,
        retry_after: Option<Duration>,
        now: Timestamp,
        seed: &str,
    ) -> Self {
        let is_known = self.strikes > 0 && sent_at <= self.last_at;
        let is_soon = now <= self.blocked_until.after(rate.window);
        let strikes = match (self.strikes, is_known) {
            (strikes, true) => strikes,
            (strikes, false) if is_soon => strikes.saturating_add(1),
            _ => 1,
        };
        let rest = retry_after.unwrap_or_else(|| backoff::rest(rate.window, strikes, seed));
        let blocked_until = self.blocked_until.max(now.after(rest));
        if is_known {
            return Self {
                blocked_until,
                ..self
            };
        }
        let lowered = self.lowered_at(rate, now) + 1;
        Self {
            blocked_until,
            lowered: lowered.min(rate.count.get() - 1),
            strikes,
            last_at: now,
        }
    }

    /// By how many the count of a window is lowered at `now`: one less after each ten clean windows since the class was
    /// let out again.
    #[must_use]
    pub fn lowered_at(self, rate: Rate, now: Timestamp) -> u32 {
        let clean = now.since(self.last_at.max(self.blocked_until));
        let step = rate.window.saturating_mul(CLEAN_WINDOWS).as_millis().max(1);
        let won_back = u32::try_from(clean.as_millis() / step).unwrap_or(u32::MAX);
        self.lowered.saturating_sub(won_back)
    }

    /// What holds when another process saw `other`: the later wait, and the slower rate of the later 429.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let later = if other.last_at > self.last_at {
            other
        } else {
            self
        };
        Self {
            blocked_until: self.blocked_until.max(other.blocked_until),
            ..later
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::per(10, 60);
    const START: Timestamp = Timestamp(1_700_000_000_000);

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn hit(strain: Strain, retry_after: Option<u64>, now: Timestamp) -> Strain {
        strain.hit(RATE, now, retry_after.map(secs), now, "x")
    }

    #[test]
    fn a_told_wait_is_kept_exactly_and_an_untold_one_grows_from_a_window() {
        let told = hit(Strain::default(), Some(7), START);
        assert_eq!(told.blocked_until, START.after(secs(7)));

        let mut strain = hit(Strain::default(), None, START);
        let mut waits = vec![strain.blocked_until.since(START)];
        for _ in 0..3 {
            let now = strain.blocked_until.after(secs(1));
            strain = hit(strain, None, now);
            waits.push(strain.blocked_until.since(now));
        }
        assert_eq!(waits[0], secs(60));
        for (n, wait) in waits.iter().enumerate().skip(1) {
            let whole = secs(60 << n);
            assert!(*wait >= whole / 2 && *wait <= whole, "{waits:?}");
        }
        // After a quiet time it starts anew.
        let later = strain.blocked_until.after(secs(61));
        assert_eq!(
            hit(strain, None, later).blocked_until.since(later),
            secs(60)
        );
    }

    #[test]
    fn each_429_takes_one_from_the_rate_and_ten_clean_windows_give_one_back() {
        let mut strain = hit(Strain::default(), Some(0), START);
        assert_eq!(strain.lowered_at(RATE, START), 1);
        assert_eq!(strain.lowered_at(RATE, START.after(secs(599))), 1);
        assert_eq!(strain.lowered_at(RATE, START.after(secs(600))), 0);
        for n in 1..20 {
            strain = hit(strain, Some(0), START.after(secs(n)));
        }
        assert_eq!(strain.lowered_at(RATE, START.after(secs(20))), 9);
        assert_eq!(strain.lowered_at(RATE, START.after(secs(19 + 3_000))), 4);
        assert_eq!(strain.lowered_at(RATE, START.after(secs(19 + 60_000))), 0);
    }

    #[test]
    fn the_wait_itself_is_no_clean_time() {
        let strain = hit(Strain::default(), Some(6_000), START);
        assert_eq!(strain.lowered_at(RATE, START.after(secs(6_500))), 1);
        assert_eq!(strain.lowered_at(RATE, START.after(secs(6_600))), 0);
    }

    #[test]
    fn requests_that_were_out_together_are_one_event() {
        let first = hit(Strain::default(), Some(10), START);
        let sent_before = START;
        let second = first.hit(RATE, sent_before, Some(secs(30)), START.after(secs(1)), "x");
        assert_eq!((second.lowered, second.strikes), (1, 1));
        assert_eq!(second.blocked_until, START.after(secs(31)));
    }

    #[test]
    fn what_another_process_saw_counts_too() {
        let ours = hit(Strain::default(), Some(100), START);
        let theirs = hit(
            hit(Strain::default(), Some(1), START),
            Some(1),
            START.after(secs(5)),
        );
        let both = ours.with(theirs);
        assert_eq!(both, theirs.with(ours));
        assert_eq!(both.lowered, 2);
        assert_eq!(both.blocked_until, START.after(secs(100)));
    }
}
