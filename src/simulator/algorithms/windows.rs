//! Algorithms that count requests in windows.

use std::collections::VecDeque;

use super::Limiter;
use crate::simulator::limits::Quota;

/// Remembers when each of the last `count` requests came.
#[derive(Debug)]
pub(super) struct SlidingLog {
    quota: Quota,
    taken: VecDeque<i64>,
}

impl SlidingLog {
    pub(super) fn new(quota: Quota) -> Self {
        Self {
            quota,
            taken: VecDeque::new(),
        }
    }
}

impl Limiter for SlidingLog {
    fn ready_at(&self, now: i64) -> i64 {
        if self.taken.len() < self.quota.count as usize {
            now
        } else {
            self.taken
                .front()
                .map_or(now, |first| first + self.quota.window_ms)
        }
    }

    fn take(&mut self, now: i64) {
        self.taken.push_back(now);
        while self.taken.len() > self.quota.count as usize {
            self.taken.pop_front();
        }
    }
}

/// When a window begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Opens {
    /// At whole multiples of its length.
    ByTheClock,
    /// At the first request after the last window.
    AtTheFirst,
}

/// A window with a count that starts again when it ends.
#[derive(Debug)]
pub(super) struct Window {
    quota: Quota,
    opens: Opens,
    start: i64,
    taken: u32,
}

impl Window {
    pub(super) fn new(quota: Quota, opens: Opens) -> Self {
        Self {
            quota,
            opens,
            start: i64::MIN / 2,
            taken: 0,
        }
    }

    fn end(&self) -> i64 {
        self.start + self.quota.window_ms
    }
}

impl Limiter for Window {
    fn ready_at(&self, now: i64) -> i64 {
        if now < self.end() && self.taken >= self.quota.count {
            self.end()
        } else {
            now
        }
    }

    fn take(&mut self, now: i64) {
        if now >= self.end() {
            self.taken = 0;
            self.start = match self.opens {
                Opens::ByTheClock => now - now.rem_euclid(self.quota.window_ms),
                Opens::AtTheFirst => now,
            };
        }
        self.taken = self.taken.saturating_add(1);
    }
}

/// How the last window's part in the sliding one is taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Exact,
    RoundedDown,
}

/// Two fixed windows, the earlier one weighted by how much of it lies within the last `window_ms`.
#[derive(Debug)]
pub(super) struct WeightedCounter {
    quota: Quota,
    part: Part,
    /// The number of the window that `current` counts.
    window: i64,
    before: i64,
    current: i64,
}

impl WeightedCounter {
    pub(super) fn new(quota: Quota, part: Part) -> Self {
        Self {
            quota,
            part,
            window: i64::MIN,
            before: 0,
            current: 0,
        }
    }

    /// The counts of a window and of the one before it.
    fn counts(&self, window: i64) -> (i64, i64) {
        match window.saturating_sub(self.window) {
            0 => (self.before, self.current),
            1 => (self.current, 0),
            _ => (0, 0),
        }
    }

    /// How far into a window with these counts one more is let in; `None` for not in this window.
    fn opens_after(&self, before: i64, current: i64) -> Option<i64> {
        let (count, length) = (i64::from(self.quota.count), self.quota.window_ms);
        if current >= count {
            return None;
        }
        if before == 0 {
            return Some(0);
        }
        // One more fits when before * (length - t) / length <= count - 1 - current, rounded down or not.
        let after = match self.part {
            Part::Exact => {
                let room = (count - 1 - current) * length;
                length - room / before
            }
            Part::RoundedDown => {
                let room = (count - current) * length;
                length - (room - 1) / before
            }
        };
        Some(after.max(0)).filter(|after| *after < length)
    }
}

impl Limiter for WeightedCounter {
    fn ready_at(&self, now: i64) -> i64 {
        let length = self.quota.window_ms;
        let window = now.div_euclid(length);
        for next in [window, window + 1] {
            let (before, current) = self.counts(next);
            if let Some(after) = self.opens_after(before, current) {
                return next * length + after;
            }
        }
        // Two windows on, nothing of what was counted is left.
        (window + 2) * length
    }

    fn take(&mut self, now: i64) {
        let window = now.div_euclid(self.quota.window_ms);
        (self.before, self.current) = self.counts(window);
        self.window = window;
        self.current += 1;
    }
}
