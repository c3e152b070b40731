//! The gate: every request passes it after its API key and scope were accepted.

use std::collections::BTreeMap;

use super::algorithms::{self, Limiter};
use super::config::Config;
use super::limits::{Bucket, Class, Quota};
use super::switches::{Algorithm, Counted};

/// A request that came too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) class: Class,
    pub(crate) wait_ms: i64,
}

/// What has passed, by bucket.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    buckets: BTreeMap<Bucket, Box<dyn Limiter>>,
}

impl Gate {
    /// Lets a request in and counts it in all its buckets, or counts it in none, unless refused requests count.
    pub(crate) fn admit(
        &mut self,
        config: &Config,
        buckets: &[Bucket],
        now: i64,
    ) -> Result<(), Refused> {
        let Some(refused) = self.refusal(buckets, now) else {
            for bucket in buckets {
                self.count(config, *bucket, now);
            }
            return Ok(());
        };
        for bucket in buckets {
            self.refused(config, *bucket, now);
        }
        // What was counted now makes the wait longer.
        Err(self.refusal(buckets, now).unwrap_or(refused))
    }

    /// Counts a request without asking, as when a log is read back.
    pub(crate) fn count(&mut self, config: &Config, bucket: Bucket, now: i64) {
        if let Some(quota) = config.limits.of(bucket.class()) {
            let limiting = &config.switches.limiting;
            let limiter = self.buckets.entry(bucket).or_insert_with(|| {
                let quota = Quota {
                    count: quota.count,
                    window_ms: config.scaled_ms(quota.window_ms),
                };
                algorithms::limiter(limiting.algorithm, quota)
            });
            limiter.take(now);
        }
    }

    /// Counts a request that was refused, if such are counted.
    pub(crate) fn refused(&mut self, config: &Config, bucket: Bucket, now: i64) {
        let limiting = &config.switches.limiting;
        if limiting.counted == Counted::All
            || limiting.algorithm == Algorithm::SlidingLogWithRejects
        {
            self.count(config, bucket, now);
        }
    }

    /// The bucket that takes longest to be free.
    fn refusal(&self, buckets: &[Bucket], now: i64) -> Option<Refused> {
        buckets
            .iter()
            .filter_map(|bucket| {
                let wait_ms = self.buckets.get(bucket)?.ready_at(now) - now;
                (wait_ms > 0).then_some(Refused {
                    class: bucket.class(),
                    wait_ms,
                })
            })
            .max_by_key(|refused| refused.wait_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::limits::{Limits, Quota};

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
