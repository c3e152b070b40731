//! How long a plan takes, and which of its steps is the most urgent.

use std::time::Duration;

use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};

use super::action::Action;
use super::content::StepKind;
use super::family::{Family, PartIx, StepIx};
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
    /// Shorter than this no run of the plan can be, at the documented rates and the assumed durations.
    pub lower_bound: Duration,
    /// What we expect, with our own pacing.
    pub expected: Duration,
}

impl Timing {
    /// Works out the critical paths of what `actions` has to run.
    #[must_use]
    pub fn new(family: &Family, actions: &[Action]) -> Self {
        let mut timing = Self {
            tails: vec![Duration::ZERO; family.steps.len()],
            ..Self::default()
        };
        let mut after = vec![Duration::ZERO; family.parts.len()];
        for part in order(family).into_iter().rev() {
            let mut tail = after[part.0 as usize];
            for ix in family.steps_of(part).rev() {
                tail += assumed(family, actions, ix);
                timing.tails[ix.0 as usize] = tail;
            }
            for need in &family.part(part).needs {
                let before = &mut after[need.0 as usize];
                *before = (*before).max(tail);
            }
        }
        timing.bounds(family, actions);
        timing
    }

    /// The time from the start of the step at `ix` to the end of everything that waits for it.
    #[must_use]
    pub fn tail(&self, ix: StepIx) -> Duration {
        self.tails[ix.0 as usize]
    }

    fn bounds(&mut self, family: &Family, actions: &[Action]) {
        let limits = &family.settings.limits;
        let is_write =
            |ix: &StepIx| family.step(*ix).content.kind().is_write() && runs(actions, *ix);
        let mut tails: Vec<Duration> = family
            .step_indices()
            .filter(is_write)
            .map(|ix| self.tail(ix))
            .collect();
        tails.sort_unstable_by(|a, b| b.cmp(a));
        let critical = self.tails.iter().max().copied().unwrap_or_default();
        let makespan = |gap: Duration| {
            let ends = (0u32..)
                .zip(&tails)
                .map(|(k, tail)| gap.saturating_mul(k) + *tail);
            ends.max().unwrap_or_default().max(critical)
        };
        self.lower_bound = makespan(full_rate_gap(limits.cad_writes));
        self.expected = makespan(match limits.profile {
            Profile::Steady => steady_gap(limits.cad_writes),
            Profile::Window => full_rate_gap(limits.cad_writes),
        });
    }
}

/// The parts in an order in which every part comes after the parts that it needs.
fn order(family: &Family) -> Vec<PartIx> {
    let mut graph: DiGraph<PartIx, ()> = DiGraph::new();
    for part in family.part_indices() {
        graph.add_node(part);
    }
    let node = |part: PartIx| NodeIndex::new(part.0 as usize);
    for part in family.part_indices() {
        for need in &family.part(part).needs {
            graph.add_edge(node(*need), node(part), ());
        }
    }
    // A family is validated: no circle gets here. Were there one, urgency is all that would suffer.
    toposort(&graph, None).map_or_else(
        |_| family.part_indices().collect(),
        |nodes| nodes.into_iter().map(|n| graph[n]).collect(),
    )
}

fn runs(actions: &[Action], ix: StepIx) -> bool {
    matches!(actions.get(ix.0 as usize), Some(Action::Run(_)))
}

fn assumed(family: &Family, actions: &[Action], ix: StepIx) -> Duration {
    if !runs(actions, ix) {
        return Duration::ZERO;
    }
    match family.step(ix).content.kind() {
        StepKind::Create | StepKind::Iterate => ASSUMED_WRITE,
        StepKind::Review => ASSUMED_REVIEW,
        StepKind::Check | StepKind::Download => ASSUMED_LOCAL,
    }
}

fn full_rate_gap(rate: Rate) -> Duration {
    rate.window / rate.count.get()
}

fn steady_gap(rate: Rate) -> Duration {
    rate.window / (rate.count.get() - 1).max(1)
}
