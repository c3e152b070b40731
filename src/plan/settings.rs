//! What a manifest sets for the whole family: limits, budget, retries, output.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use super::money::Cents;

/// So many requests in so long a window: `10/min`, `3/10s`, `3/0.5s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests in one window.
    pub count: NonZeroU32,
    /// The window; never zero.
    pub window: Duration,
}

impl Rate {
    /// `count` requests in `seconds` seconds; a constant of the API document.
    #[must_use]
    pub const fn per(count: u32, seconds: u64) -> Self {
        match NonZeroU32::new(count) {
            Some(count) if seconds > 0 => Self {
                count,
                window: Duration::from_secs(seconds),
            },
            _ => panic!("a rate has a count and a window"),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.window.as_millis() {
            60_000 => write!(f, "{}/min", self.count),
            3_600_000 => write!(f, "{}/h", self.count),
            1_000 => write!(f, "{}/s", self.count),
            ms if ms % 1_000 == 0 => write!(f, "{}/{}s", self.count, ms / 1_000),
            ms => write!(f, "{}/{ms}ms", self.count),
        }
    }
}

/// How close to the documented rates we go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// Safe against every limiter the service may use.
    #[default]
    Steady,
    /// The full rate, for a service that is known to count windows.
    Window,
}

/// The service's tier, as the manifest states it. The defaults are the document's ("Rate limits").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Creates and follow-ups of the workspace.
    pub cad_writes: Rate,
    /// Review messages of the workspace.
    pub reviews: Rate,
    /// Status polls of one job.
    pub job_polls: Rate,
    /// Reads of the workspace: status, list, messages.
    pub reads: Rate,
    /// Artifact lists and downloads of the key.
    pub artifacts: Rate,
    /// Balance reads of the key.
    pub balance: Rate,
    /// Our jobs in flight at once.
    pub active_jobs: NonZeroU32,
    /// How close to the rates we go.
    pub profile: Profile,
    /// The families with which the rates are shared, if it is not those with the same key.
    pub group: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cad_writes: Rate::per(10, 60),
            reviews: Rate::per(20, 60),
            job_polls: Rate::per(3, 10),
            reads: Rate::per(600, 60),
            artifacts: Rate::per(120, 60),
            balance: Rate::per(60, 60),
            active_jobs: const { NonZeroU32::new(40).expect("40 is not zero") },
            profile: Profile::Steady,
            group: None,
        }
    }
}

/// Whether the balance is read before each write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BalanceCheck {
    /// Read before each create and iterate; the key needs `billing:read`.
    #[default]
    Checked,
    /// Never read: no cap can then be promised, and none may be set.
    Unchecked,
}

/// What may be spent. An absent cap is no cap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    /// Of one run.
    pub max_spend: Option<Cents>,
    /// Of one job's life.
    pub max_per_part: Option<Cents>,
    /// What the workspace's balance must keep.
    pub keep_balance: Option<Cents>,
    /// Whether the balance is read.
    pub balance: BalanceCheck,
}

/// What happens when the service itself fails a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in one run, the first included.
    pub attempts: NonZeroU32,
    /// The wait before the second attempt; doubled for each further one.
    pub backoff_min: Duration,
    /// The longest wait.
    pub backoff_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: const { NonZeroU32::new(3).expect("3 is not zero") },
            backoff_min: Duration::from_secs(2),
            backoff_max: Duration::from_secs(120),
        }
    }
}

/// All settings of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The service's tier.
    pub limits: Limits,
    /// What may be spent.
    pub budget: Budget,
    /// When a job fails.
    pub retry: Retry,
    /// After this long at the service a job's part is unresolved and its slot is free.
    pub job_timeout: Duration,
    /// Where files are published, relative to the manifest's folder.
    pub output: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            budget: Budget::default(),
            retry: Retry::default(),
            job_timeout: Duration::from_secs(6 * 3600),
            output: "out".to_owned(),
        }
    }
}
