//! Rate limits: the documented classes, what each is counted by, and the algorithm that counts.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::config::Config;

/// A class of requests with a limit of its own (section "Rate limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Creates and follow-ups, per workspace.
    CadWrites,
    /// Reviews, per workspace.
    Reviews,
    /// Status reads of one job, per API key.
    JobPolls,
    /// Status, list and message reads, per workspace.
    Reads,
    /// Artifact lists and downloads, per API key.
    Artifacts,
    /// Balance reads, per API key.
    Balance,
}

/// So many requests in so long a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many requests fit.
    pub count: u32,
    /// The window, in milliseconds.
    pub window_ms: i64,
}

/// The limit of each class; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// [`Class::CadWrites`]
    pub cad_writes: Option<Quota>,
    /// [`Class::Reviews`]
    pub reviews: Option<Quota>,
    /// [`Class::JobPolls`]
    pub job_polls: Option<Quota>,
    /// [`Class::Reads`]
    pub reads: Option<Quota>,
    /// [`Class::Artifacts`]
    pub artifacts: Option<Quota>,
    /// [`Class::Balance`]
    pub balance: Option<Quota>,
}

impl Default for Limits {
    /// The documented default tier.
    fn default() -> Self {
        let per_minute = |count| {
            Some(Quota {
                count,
                window_ms: 60_000,
            })
        };
        Self {
            cad_writes: per_minute(10),
            reviews: per_minute(20),
            job_polls: Some(Quota {
                count: 3,
                window_ms: 10_000,
            }),
            reads: per_minute(600),
            artifacts: per_minute(120),
            balance: per_minute(60),
        }
    }
}

impl Limits {
    /// No limits at all.
    #[must_use]
    pub fn off() -> Self {
        Self {
            cad_writes: None,
            reviews: None,
            job_polls: None,
            reads: None,
            artifacts: None,
            balance: None,
        }
    }

    fn of(&self, class: Class) -> Option<Quota> {
        match class {
            Class::CadWrites => self.cad_writes,
            Class::Reviews => self.reviews,
            Class::JobPolls => self.job_polls,
            Class::Reads => self.reads,
            Class::Artifacts => self.artifacts,
            Class::Balance => self.balance,
        }
    }
}

/// Which accepted API key: its place in the configuration.
pub(crate) type KeyIndex = usize;

/// What a request is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    CadWrites,
    Reviews,
    JobPolls { key: KeyIndex, job: usize },
    Reads,
    Artifacts { key: KeyIndex },
    Balance { key: KeyIndex },
}

impl Bucket {
    pub(crate) fn class(self) -> Class {
        match self {
            Self::CadWrites => Class::CadWrites,
            Self::Reviews => Class::Reviews,
            Self::JobPolls { .. } => Class::JobPolls,
            Self::Reads => Class::Reads,
            Self::Artifacts { .. } => Class::Artifacts,
            Self::Balance { .. } => Class::Balance,
        }
    }
}

/// A request that came too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) class: Class,
    pub(crate) wait_ms: i64,
}

/// How one bucket counts. Other algorithms than the sliding log are other implementations.
trait Limiter: std::fmt::Debug + Send {
    /// When a request would be let in if none came before it; not after `now` means now.
    fn ready_at(&self, now: i64) -> i64;

    /// Counts a request that was let in.
    fn take(&mut self, now: i64);
}

/// The gate every request passes after its key and scope were accepted.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    buckets: BTreeMap<Bucket, Box<dyn Limiter>>,
}

impl Gate {
    /// Lets a request in and counts it in all its buckets, or counts it in none.
    pub(crate) fn admit(
        &mut self,
        config: &Config,
        buckets: &[Bucket],
        now: i64,
    ) -> Result<(), Refused> {
        let refused = buckets
            .iter()
            .filter_map(|bucket| {
                let wait_ms = self.buckets.get(bucket)?.ready_at(now) - now;
                (wait_ms > 0).then_some(Refused {
                    class: bucket.class(),
                    wait_ms,
                })
            })
            .max_by_key(|refused| refused.wait_ms);
        if let Some(refused) = refused {
            return Err(refused);
        }
        for bucket in buckets {
            self.count(config, *bucket, now);
        }
        Ok(())
    }

    /// Counts a request without asking, as when a log is read back.
    pub(crate) fn count(&mut self, config: &Config, bucket: Bucket, now: i64) {
        if let Some(quota) = config.limits.of(bucket.class()) {
            self.buckets
                .entry(bucket)
                .or_insert_with(|| {
                    Box::new(SlidingLog {
                        quota: Quota {
                            count: quota.count,
                            window_ms: config.scaled_ms(quota.window_ms),
                        },
                        taken: VecDeque::new(),
                    })
                })
                .take(now);
        }
    }
}

/// Remembers when each of the last `count` requests came.
#[derive(Debug)]
struct SlidingLog {
    quota: Quota,
    taken: VecDeque<i64>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(gate: &mut Gate, buckets: &[Bucket], now: i64) -> Result<(), Refused> {
        gate.admit(&Config::default(), buckets, now)
    }

    #[test]
    fn the_eleventh_write_of_a_minute_waits_for_the_first_to_leave_the_window() {
        let mut gate = Gate::default();
        for second in 0..10 {
            admit(&mut gate, &[Bucket::CadWrites], second * 1_000).unwrap();
        }
        let refused = admit(&mut gate, &[Bucket::CadWrites], 10_000).unwrap_err();
        assert_eq!(
            refused,
            Refused {
                class: Class::CadWrites,
                wait_ms: 50_000
            }
        );
        admit(&mut gate, &[Bucket::CadWrites], 60_000).unwrap();
        assert_eq!(
            admit(&mut gate, &[Bucket::CadWrites], 60_000)
                .unwrap_err()
                .wait_ms,
            1_000
        );
    }

    #[test]
    fn a_refused_poll_is_counted_nowhere() {
        let mut gate = Gate::default();
        let config = Config {
            limits: Limits {
                reads: Some(Quota {
                    count: 4,
                    window_ms: 60_000,
                }),
                ..Limits::default()
            },
            ..Config::default()
        };
        let poll = |job| [Bucket::JobPolls { key: 0, job }, Bucket::Reads];
        for _ in 0..3 {
            gate.admit(&config, &poll(1), 0).unwrap();
        }
        assert_eq!(
            gate.admit(&config, &poll(1), 0).unwrap_err().class,
            Class::JobPolls
        );
        gate.admit(&config, &poll(2), 0).unwrap();
        assert_eq!(
            gate.admit(&config, &poll(2), 0).unwrap_err().class,
            Class::Reads
        );
    }
}
