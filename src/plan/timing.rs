//! How long a plan takes, and which of its steps is the most urgent.

use std::time::Duration;

use super::action::{Action, Reason};
use super::content::StepKind;
use super::family::{Family, StepIx};
use super::order::{before, in_order};
use super::settings::{Profile, Rate};

/// What a create or an iterate is taken to last before one was seen.
const ASSUMED_WRITE: Duration = Duration::from_secs(150);
/// What a review is taken to last.
const ASSUMED_REVIEW: Duration = Duration::from_secs(8);
/// What is done at home.
const ASSUMED_LOCAL: Duration = Duration::from_secs(1);

/// What lies before each step, and before the whole.
#[derive(Debug, Clone, Default)]
pub struct Timing {
    tails: Vec<Duration>,
    longest: Duration,
    /// At the assumed durations no run of the plan can be shorter, whatever the service's limiter is: what is at the
    /// service already may end at once, and a whole window's count may go out together.
    pub lower_bound: Duration,
    /// What we expect, with our own pacing.
    pub expected: Duration,
}

impl Timing {
    /// Works out the critical paths of what `actions` has to run.
    #[must_use]
    pub fn new(family: &Family, actions: &[Action]) -> Self {
        let expected = |ix| assumed(family, actions, ix);
        let at_least = |ix| match &actions[ix_of(ix)] {
            Action::Run(Reason::Continues { .. }) => Duration::ZERO,
            _ => expected(ix),
        };
        let limits = &family.settings.limits;
        let pace = match limits.profile {
            Profile::Steady => steady_start,
            Profile::Window => window_start,
        };
        let tails = tails(family, expected);
        Self {
            lower_bound: makespan(
                family,
                actions,
                &self::tails(family, at_least),
                window_start,
            ),
            expected: makespan(family, actions, &tails, pace),
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
        (weight / ASSUMED_WRITE.as_secs_f64()).sqrt()
    }
}

const fn ix_of(ix: StepIx) -> usize {
    ix.0 as usize
}

/// For each step the longest way from its start to an end, when steps take as long as `takes` says.
fn tails(family: &Family, takes: impl Fn(StepIx) -> Duration) -> Vec<Duration> {
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

/// When the last step ends, if the `k`-th write starts at `start(rate, k)`, the longest tails first, and no more jobs are
/// at work than may be.
fn makespan(
    family: &Family,
    actions: &[Action],
    tails: &[Duration],
    start: fn(Rate, u32) -> Duration,
) -> Duration {
    let limits = &family.settings.limits;
    let is_sent = |ix: &StepIx| {
        family.step(*ix).kind.is_write()
            && actions[ix_of(*ix)].runs()
            && !matches!(&actions[ix_of(*ix)], Action::Run(Reason::Continues { .. }))
    };
    let mut writes: Vec<Duration> = family
        .step_indices()
        .filter(is_sent)
        .map(|ix| tails[ix_of(ix)])
        .collect();
    writes.sort_unstable_by(|a, b| b.cmp(a));
    let ends = (0u32..)
        .zip(&writes)
        .map(|(k, tail)| start(limits.cad_writes, k) + *tail);
    let count = u32::try_from(writes.len()).unwrap_or(u32::MAX);
    let at_work = ASSUMED_WRITE.saturating_mul(count) / limits.active_jobs.get();
    let critical = tails.iter().max().copied();
    ends.chain(critical)
        .chain([at_work])
        .max()
        .unwrap_or_default()
}

/// A whole window's count at once.
fn window_start(rate: Rate, k: u32) -> Duration {
    rate.window.saturating_mul(k / rate.count.get())
}

/// One after the other, as the steady profile has it.
fn steady_start(rate: Rate, k: u32) -> Duration {
    (rate.window / (rate.count.get() - 1).max(1)).saturating_mul(k)
}

fn assumed(family: &Family, actions: &[Action], ix: StepIx) -> Duration {
    if !actions[ix_of(ix)].runs() {
        return Duration::ZERO;
    }
    match family.step(ix).kind {
        StepKind::Create | StepKind::Iterate => ASSUMED_WRITE,
        StepKind::Review => ASSUMED_REVIEW,
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
