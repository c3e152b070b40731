//! Which steps of a plan are the most urgent. How long it takes is in `forecast`.

use std::time::Duration;

use super::action::Action;
use super::content::StepKind;
use super::durations::Thing;
use super::family::{Family, StepIx};
use super::order::{before, in_order};
use super::settings::Rate;

/// What is done at home: it breaks ties.
const ASSUMED_LOCAL: Duration = Duration::from_secs(1);

/// What waits for each step.
#[derive(Debug, Clone, Default)]
pub struct Timing {
    tails: Vec<Duration>,
    longest: Duration,
}

impl Timing {
    /// Works out the critical paths of what `actions` has to run.
    #[must_use]
    pub fn new(family: &Family, actions: &[Action]) -> Self {
        let tails = tails(family, |ix| assumed(family, actions, ix));
        Self {
            longest: tails.iter().max().copied().unwrap_or_default(),
            tails,
        }
    }

    /// The time from the start of the step at `ix` to the end of everything that waits for it.
    #[must_use]
    pub fn tail(&self, ix: StepIx) -> Duration {
        self.tails[ix_of(ix)]
    }
}

impl Timing {
    /// √(weight × hazard) of a job that is at work for the step: it weighs more the more waits for it, and its hazard is the
    /// chance that it ends within a second, when it lasts as long as it is taken to.
    #[must_use]
    pub fn root(&self, step: Option<StepIx>) -> f64 {
        let tail = step.map(|step| self.tail(step)).unwrap_or_default();
        let weight = 1.0 + tail.as_secs_f64() / self.longest.as_secs_f64().max(1.0);
        (weight / Thing::Create.assumed().as_secs_f64()).sqrt()
    }
}

const fn ix_of(ix: StepIx) -> usize {
    ix.0 as usize
}

/// For each step the longest way from its start to an end, when steps take as long as `takes` says.
pub(super) fn tails(family: &Family, takes: impl Fn(StepIx) -> Duration) -> Vec<Duration> {
    let mut tails = vec![Duration::ZERO; family.steps.len()];
    let mut after = vec![Duration::ZERO; family.steps.len()];
    for ix in in_order(family).into_iter().rev() {
        let tail = after[ix_of(ix)] + takes(ix);
        tails[ix_of(ix)] = tail;
        for before in before(family, ix) {
            let after = &mut after[ix_of(before)];
            *after = (*after).max(tail);
        }
    }
    tails
}

/// A whole window's count at once.
pub(super) fn window_start(rate: Rate, k: u32) -> Duration {
    rate.window.saturating_mul(k / rate.count.get())
}

/// One after the other, as the steady profile has it.
pub(super) fn steady_start(rate: Rate, k: u32) -> Duration {
    (rate.window / (rate.count.get() - 1).max(1)).saturating_mul(k)
}

fn assumed(family: &Family, actions: &[Action], ix: StepIx) -> Duration {
    if !actions[ix_of(ix)].runs() {
        return Duration::ZERO;
    }
    match family.step(ix).kind {
        StepKind::Create | StepKind::Iterate => Thing::Create.assumed(),
        StepKind::Review => Thing::Review.assumed(),
        StepKind::Check | StepKind::Approve | StepKind::Download => ASSUMED_LOCAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lets_its_count_go_at_once_and_the_steady_profile_one_by_one() {
        let rate = Rate::per(10, 90);
        let seconds = |start: fn(Rate, u32) -> Duration| {
            [0, 1, 9, 10, 25].map(|k| start(rate, k).as_millis())
        };
        assert_eq!(seconds(window_start), [0, 0, 0, 90_000, 180_000]);
        assert_eq!(seconds(steady_start), [0, 10_000, 90_000, 100_000, 250_000]);
    }
}
