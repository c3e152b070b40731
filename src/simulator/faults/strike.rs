//! Which rule a request meets.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

use super::endpoint::Endpoint;
use super::fault::Fault;
use super::rule::{FaultRule, When};
use crate::simulator::digest::Digester;

/// The rules in force.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    rules: Mutex<Vec<Armed>>,
    stopped: watch::Sender<bool>,
}

/// A rule with what it has met.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Armed {
    rule: FaultRule,
    /// Requests it is about.
    calls: u64,
    /// Those the fault happened to.
    pub(crate) hits: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            rules: Mutex::default(),
            stopped: watch::channel(false).0,
        }
    }

    /// Puts rules behind those in force.
    pub(crate) fn add(&self, rules: impl IntoIterator<Item = FaultRule>) {
        let armed = rules.into_iter().map(|rule| Armed {
            rule,
            calls: 0,
            hits: 0,
        });
        self.rules().extend(armed);
    }

    pub(crate) fn clear(&self) {
        self.rules().clear();
    }

    pub(crate) fn list(&self) -> Vec<Armed> {
        self.rules().clone()
    }

    /// What happens to a request. Every rule counts it, the first that is due acts.
    pub(crate) fn strike(&self, endpoint: Endpoint) -> Option<Fault> {
        let mut struck = None;
        for (index, armed) in self.rules().iter_mut().enumerate() {
            if !armed.rule.covers(endpoint) {
                continue;
            }
            armed.calls += 1;
            if struck.is_none() && armed.is_due(self.seed, index) {
                armed.hits += 1;
                struck = Some(armed.rule.fault.clone());
            }
        }
        struck
    }

    /// Ends when the simulator is to stop: what hangs would otherwise keep it.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopped = self.stopped.subscribe();
        async move {
            // A simulator that is gone has stopped.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Has things hang again after a stop.
    pub(crate) fn start(&self) {
        self.stopped.send_replace(false);
    }

    pub(crate) fn stop(&self) {
        self.stopped.send_replace(true);
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn is_due(&self, seed: u64, index: usize) -> bool {
        let due = match self.rule.when {
            When::Always => true,
            When::Nth(nth) => self.calls >= nth,
            When::Chance(chance) => luck(seed, index, self.calls) < chance,
        };
        due && self.hits < self.rule.most()
    }
}

/// A number from 0 to below 1, the same for the same call of the same rule.
fn luck(seed: u64, index: usize, call: u64) -> f64 {
    const STEPS: u64 = 1 << 53;
    let digest = Digester::new("fault")
        .number(seed)
        .number(index as u64)
        .number(call)
        .finish();
    digest.draw(0, STEPS) as f64 / STEPS as f64
}

#[cfg(test)]
mod tests {
    use super::super::rule::On;
    use super::*;

    const HANG: Fault = Fault::Truncated {};

    fn hits(rules: Vec<FaultRule>, calls: usize) -> Vec<usize> {
        let faults = Faults::new(7);
        faults.add(rules);
        (1..=calls)
            .filter(|_| faults.strike(Endpoint::Create).is_some())
            .collect()
    }

    #[test]
    fn a_rule_hits_the_calls_it_names() {
        let on = On::Only(Endpoint::Create);
        assert_eq!(hits(vec![FaultRule::nth(on, 3, HANG)], 9), [3]);
        let twice = FaultRule {
            times: Some(2),
            ..FaultRule::nth(on, 3, HANG)
        };
        assert_eq!(hits(vec![twice.clone()], 9), [3, 4]);
        let first = FaultRule {
            times: Some(2),
            ..FaultRule::always(On::Any, HANG)
        };
        assert_eq!(hits(vec![first.clone()], 9), [1, 2]);
        assert_eq!(
            hits(vec![first, twice], 9),
            [1, 2, 3, 4],
            "all rules count all calls"
        );
        let elsewhere = FaultRule::always(On::Only(Endpoint::List), HANG);
        assert_eq!(hits(vec![elsewhere], 9), [0; 0]);
    }

    #[test]
    fn chance_is_drawn_from_the_seed() {
        let rule = |chance| FaultRule {
            when: When::Chance(chance),
            ..FaultRule::always(On::Any, HANG)
        };
        let some = hits(vec![rule(0.3)], 1_000);
        assert_eq!(some, hits(vec![rule(0.3)], 1_000));
        assert!((200..400).contains(&some.len()), "{}", some.len());
        assert_eq!(hits(vec![rule(0.0)], 100).len(), 0);
        assert_eq!(hits(vec![rule(1.0)], 100).len(), 100);
    }

    #[tokio::test]
    async fn a_stop_is_seen_by_who_waits_and_by_who_comes_later() {
        let faults = Faults::new(0);
        let waiting = faults.stopped();
        faults.stop();
        waiting.await;
        faults.stopped().await;
    }
}
