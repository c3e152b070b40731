//! Algorithms in which the right to send comes back bit by bit.

use super::Limiter;
use crate::simulator::limits::Quota;

/// How tokens come back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refill {
    Steady,
    InSteps,
}

/// Tokens that are taken at once and come back with time. A token is `window_ms` units, of which `count` come back in
/// a millisecond.
#[derive(Debug)]
pub(super) struct TokenBucket {
    quota: Quota,
    capacity: i64,
    refill: Refill,
    /// When the bucket was first used: what steps are counted from.
    since: Option<i64>,
    level: i64,
    at: i64,
}

impl TokenBucket {
    pub(super) fn new(quota: Quota, size: u32, refill: Refill) -> Self {
        let capacity = i64::from(size) * quota.window_ms;
        Self {
            quota,
            capacity,
            refill,
            since: None,
            level: capacity,
            at: 0,
        }
    }

    /// Units that have come back by `at`, counted from the first use.
    fn returned(&self, at: i64) -> i64 {
        let units = (at - self.since.unwrap_or(at)).saturating_mul(i64::from(self.quota.count));
        match self.refill {
            Refill::Steady => units,
            Refill::InSteps => units - units.rem_euclid(self.quota.window_ms),
        }
    }

    fn level(&self, now: i64) -> i64 {
        let returned = self.returned(now) - self.returned(self.at);
        self.level.saturating_add(returned).min(self.capacity)
    }
}

impl Limiter for TokenBucket {
    fn ready_at(&self, now: i64) -> i64 {
        let missing = self.quota.window_ms - self.level(now);
        if missing <= 0 {
            return now;
        }
        let count = i64::from(self.quota.count);
        let since = self.since.unwrap_or(now);
        let wanted = self.returned(now) + missing;
        since + wanted.div_euclid(count) + i64::from(wanted.rem_euclid(count) > 0)
    }

    fn take(&mut self, now: i64) {
        if self.since.is_none() {
            (self.since, self.at) = (Some(now), now);
        }
        self.level = (self.level(now) - self.quota.window_ms).max(0);
        self.at = now;
    }
}

/// When the next request is due, in units of which `count` pass in a millisecond.
#[derive(Debug)]
pub(super) struct Gcra {
    quota: Quota,
    arrival: Option<i64>,
}

impl Gcra {
    pub(super) fn new(quota: Quota) -> Self {
        Self {
            quota,
            arrival: None,
        }
    }
}

impl Limiter for Gcra {
    fn ready_at(&self, now: i64) -> i64 {
        let count = i64::from(self.quota.count);
        self.arrival.map_or(now, |arrival| {
            arrival.div_euclid(count) + i64::from(arrival.rem_euclid(count) > 0)
        })
    }

    fn take(&mut self, now: i64) {
        let now = now.saturating_mul(i64::from(self.quota.count));
        self.arrival = Some(now.saturating_add(self.quota.window_ms));
    }
}
