//! How requests are limited, and what a limited client is told.

use std::num::NonZeroU32;

use serde::Deserialize;

/// The switches of the rate limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Limiting {
    /// How a class counts.
    pub algorithm: Algorithm,
    /// Which requests are counted.
    pub counted: Counted,
    /// What a "read request" is.
    pub reads: ReadClass,
    /// How `Retry-After` is written.
    pub retry_after: RetryAfterForm,
    /// Which answers have a `Retry-After`.
    pub retry_after_on: RetryAfterOn,
}

/// How "n requests in w seconds" is enforced. In each, n and w are those of the class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Algorithm {
    /// At most n in any w.
    #[default]
    SlidingLog,
    /// At most n in any w, where refused requests count too: who keeps knocking stays outside.
    SlidingLogWithRejects,
    /// At most n between two strokes of a clock that strikes every w.
    FixedWindow,
    /// At most n in a window that the first request after the last window opens.
    FirstHitWindow,
    /// The count of this fixed window, and the last one's as far as it still reaches into the sliding one.
    WeightedCounter,
    /// As [`Algorithm::WeightedCounter`], with the last window's part rounded down.
    WeightedCounterFloor,
    /// A bucket of n tokens, into which one flows back every w / n.
    TokenBucket,
    /// A token bucket that is smaller than n.
    SmallBucket {
        /// How many tokens it holds.
        size: NonZeroU32,
    },
    /// The generic cell rate algorithm with a burst of one: requests stand w / n apart.
    Gcra,
    /// A bucket of n tokens, into which whole tokens fall on the strokes of its own clock, w / n apart.
    StepRefill,
}

impl Algorithm {
    /// All ten, the small bucket with 3 tokens.
    pub const ALL: [Self; 10] = [
        Self::SlidingLog,
        Self::SlidingLogWithRejects,
        Self::FixedWindow,
        Self::FirstHitWindow,
        Self::WeightedCounter,
        Self::WeightedCounterFloor,
        Self::TokenBucket,
        Self::SmallBucket {
            size: NonZeroU32::MIN.saturating_add(2),
        },
        Self::Gcra,
        Self::StepRefill,
    ];
}

/// Which requests are counted, beside those that are served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// 400, 402, 404, 409 and replays are; 401, 403 and refused 429 are not.
    #[default]
    Admitted,
    /// All are. One without an accepted key can be told no key's limit, so it is counted in the workspace's.
    All,
}

/// What the workspace's limit of "read requests" is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadClass {
    /// Status, list and messages.
    #[default]
    CadReads,
    /// These, artifacts and the balance: every GET.
    AllGets,
}

/// How `Retry-After` is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfterForm {
    /// Whole seconds, rounded up; in a world whose time is divided, seconds with decimals.
    #[default]
    Seconds,
    /// Seconds with three decimals.
    Decimals,
    /// An HTTP date, beside a `Date` of the same clock.
    Date,
    /// Not at all.
    Absent,
}

/// Which answers have a `Retry-After`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfterOn {
    /// Every 429: `rate_limited` and `projected_balance_exceeded`.
    #[default]
    TooManyRequests,
    /// `rate_limited` alone.
    RateLimited,
    /// Every 429 and every 503.
    Unavailable,
}
