//! How long a plan takes and what it asks of the service, in closed form; and what holds it up.

use std::time::Duration;

use super::action::{Action, Reason};
use super::actions::Plan;
use super::content::StepKind;
use super::durations::{Durations, Thing};
use super::family::{PartIx, StepIx};
use super::ids::PartId;
use super::order::before;
use super::settings::{BalanceCheck, Limits, Profile, Rate};
use super::timing::{self, steady_start, window_start};

/// A bottleneck is named when it takes at least this share of the time.
const DECISIVE: f64 = 0.5;
/// What is done at home.
const LOCAL: Duration = Duration::ZERO;

/// What is expected of a run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// When its last step ends, after its start; gates are taken to be approved at once.
    pub expected: Duration,
    /// At the shortest durations that were seen no run of the plan is shorter, whatever the service's limiter is.
    pub lower_bound: Duration,
    /// What holds it up most; none when there is nothing to do.
    pub bottleneck: Option<Bottleneck>,
    /// How many requests go out, by what they count against.
    pub requests: Requests,
    /// How many gates wait for a person. Nobody knows for how long: that is in none of the times.
    pub gates: usize,
}

/// What holds a run up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bottleneck {
    /// The rate of creates and follow-ups.
    CadWrites(Rate),
    /// The rate of reviews.
    Reviews(Rate),
    /// How many jobs may be at work at once.
    ActiveJobs(u32),
    /// Parts that wait for each other, the first one first.
    Chain(Vec<PartId>),
}

/// Requests by the class that they count against; polls count as reads too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Creates and follow-ups.
    pub cad_writes: u64,
    /// Reviews.
    pub reviews: u64,
    /// Polls of single jobs.
    pub job_polls: u64,
    /// All reads.
    pub reads: u64,
    /// Files.
    pub artifacts: u64,
    /// Balance reads.
    pub balance: u64,
}

impl Forecast {
    /// The forecast of `plan`, where things take as long as they did. `rehearsed` is how long a run took that was gone through
    /// event by event; without one it is reckoned.
    #[must_use]
    pub fn new(plan: &Plan, durations: &Durations, rehearsed: Option<Duration>) -> Self {
        let reckoning = Reckoning { plan, durations };
        let paced = match plan.family.settings.limits.profile {
            Profile::Steady => steady_start,
            Profile::Window => window_start,
        };
        let mean = reckoning.longest_of(|ix| reckoning.takes(ix, Durations::mean), paced);
        let least = reckoning.longest_of(|ix| reckoning.takes_at_least(ix), window_start);
        let expected = rehearsed.unwrap_or(mean.total());
        Self {
            expected,
            lower_bound: least.total().min(expected),
            bottleneck: reckoning.bottleneck(&mean),
            requests: reckoning.requests(),
            gates: reckoning.gates(),
        }
    }
}

/// How long a run takes by each of the things that could hold it up, as if it were the only one.
struct Spans {
    writes: Duration,
    writes_sent: u32,
    reviews: Duration,
    at_work: Duration,
    chain: Duration,
    chain_from: Option<StepIx>,
    staggered: Duration,
}

impl Spans {
    fn total(&self) -> Duration {
        [
            self.writes,
            self.reviews,
            self.at_work,
            self.chain,
            self.staggered,
        ]
        .into_iter()
        .max()
        .unwrap_or_default()
    }
}

struct Reckoning<'a> {
    plan: &'a Plan,
    durations: &'a Durations,
}

impl Reckoning<'_> {
    fn limits(&self) -> &Limits {
        &self.plan.family.settings.limits
    }

    /// Whether the step at `ix` is to be sent.
    fn is_sent(&self, ix: StepIx) -> bool {
        matches!(self.plan.action(ix), action if is_new(action))
    }

    fn takes(&self, ix: StepIx, of: impl Fn(&Durations, Thing) -> Duration) -> Duration {
        if !runs(self.plan.action(ix)) {
            return Duration::ZERO;
        }
        match self.plan.family.step(ix).kind {
            StepKind::Create => of(self.durations, Thing::Create),
            StepKind::Iterate => of(self.durations, Thing::Iterate),
            StepKind::Review => of(self.durations, Thing::Review),
            _ => LOCAL,
        }
    }

    /// What is at the service already may end at once.
    fn takes_at_least(&self, ix: StepIx) -> Duration {
        if self.is_sent(ix) {
            self.takes(ix, Durations::shortest)
        } else {
            Duration::ZERO
        }
    }

    fn longest_of(
        &self,
        takes: impl Fn(StepIx) -> Duration,
        start: fn(Rate, u32) -> Duration,
    ) -> Spans {
        let family = &self.plan.family;
        let tails = timing::tails(family, &takes);
        let tail = |ix: StepIx| tails[ix.0 as usize];
        let sent = |kind: fn(StepKind) -> bool| {
            let steps = family.step_indices();
            steps.filter(move |ix| kind(family.step(*ix).kind) && self.is_sent(*ix))
        };
        let mut writes: Vec<Duration> = sent(StepKind::is_write).map(tail).collect();
        writes.sort_unstable_by(|a, b| b.cmp(a));
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let rate = self.limits().cad_writes;
        let ends = (0..).zip(&writes).map(|(k, tail)| start(rate, k) + *tail);
        let reviews = count(sent(|kind| kind == StepKind::Review).count());
        let at_work: Duration = sent(StepKind::is_write).map(&takes).sum();
        let chain_from = family
            .step_indices()
            .max_by_key(|ix| (tail(*ix), std::cmp::Reverse(*ix)));
        Spans {
            writes: start(rate, count(writes.len()).saturating_sub(1)),
            writes_sent: count(writes.len()),
            reviews: start(self.limits().reviews, reviews.saturating_sub(1)),
            at_work: at_work / self.limits().active_jobs.get(),
            chain: chain_from.map(tail).unwrap_or_default(),
            chain_from,
            staggered: ends.max().unwrap_or_default(),
        }
    }

    fn bottleneck(&self, spans: &Spans) -> Option<Bottleneck> {
        let total = spans.total().as_secs_f64();
        let limits = self.limits();
        let share = |span: Duration| {
            if total > 0.0 {
                span.as_secs_f64() / total
            } else {
                0.0
            }
        };
        let named = [
            (
                share(spans.at_work),
                Bottleneck::ActiveJobs(limits.active_jobs.get()),
            ),
            (
                share(spans.writes),
                Bottleneck::CadWrites(limits.cad_writes),
            ),
            (share(spans.reviews), Bottleneck::Reviews(limits.reviews)),
        ];
        let best = named.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
        let chain = share(spans.chain);
        match best {
            _ if total == 0.0 => None,
            Some((share, named)) if share >= DECISIVE && share >= chain => Some(named),
            _ if spans.writes_sent == 0 && chain == 0.0 => None,
            _ => spans.chain_from.map(|ix| Bottleneck::Chain(self.chain(ix))),
        }
    }

    /// The parts of the longest way from `ix` on.
    fn chain(&self, ix: StepIx) -> Vec<PartId> {
        let family = &self.plan.family;
        let tails = timing::tails(family, |ix| self.takes(ix, Durations::mean));
        let tail = |ix: StepIx| tails[ix.0 as usize];
        let mut after: Vec<Option<StepIx>> = vec![None; tails.len()];
        for later in family
            .step_indices()
            .filter(|ix| tail(*ix) > Duration::ZERO)
        {
            for ix in before(family, later) {
                let after = &mut after[ix.0 as usize];
                if after.is_none_or(|known| tail(known) < tail(later)) {
                    *after = Some(later);
                }
            }
        }
        let way = std::iter::successors(Some(ix), |ix| after[ix.0 as usize]);
        let mut parts: Vec<PartIx> = way.map(|ix| family.step(ix).part).collect();
        parts.dedup();
        let ids = parts.into_iter().map(|part| family.part(part).id.clone());
        ids.collect()
    }

    fn gates(&self) -> usize {
        let family = &self.plan.family;
        let gates = family
            .step_indices()
            .filter(|ix| family.step(*ix).kind == StepKind::Approve);
        gates.filter(|ix| runs(self.plan.action(*ix))).count()
    }

    fn requests(&self) -> Requests {
        let family = &self.plan.family;
        let mut requests = Requests::default();
        let mut jobs = 0.0;
        for ix in family.step_indices() {
            let kind = family.step(ix).kind;
            match kind {
                _ if !runs(self.plan.action(ix)) => {}
                StepKind::Review => requests.reviews += u64::from(self.is_sent(ix)),
                kind if kind.is_write() => {
                    requests.cad_writes += u64::from(self.is_sent(ix));
                    jobs += 1.0;
                }
                _ => {}
            }
        }
        if family.settings.budget.balance == BalanceCheck::Checked {
            requests.balance = requests.cad_writes;
        }
        requests.job_polls = whole(jobs * self.durations.polls_of_a_job());
        requests.reads = requests.job_polls;
        requests.artifacts = whole(jobs * self.durations.files_of_a_job());
        requests
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count for people"
)]
fn whole(count: f64) -> u64 {
    count.round() as u64
}

const fn runs(action: &Action) -> bool {
    !matches!(action, Action::Reuse | Action::Blocked(_))
}

const fn is_new(action: &Action) -> bool {
    runs(action) && !matches!(action, Action::Run(Reason::Continues { .. }))
}
