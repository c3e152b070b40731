//! What a plan costs and how much it sends: figures that the service gave, or none.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::StepIx;
use crate::plan::key::IdempotencyKey;
use crate::plan::ledger::Account;
use crate::plan::memory::{Memory, SendState};
use crate::plan::money::Cents;

/// The cost of a plan's writes, by the last recorded price. Unknown before the first price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanCost {
    /// Every write is charged as little as the cheapest so far; nothing when none was charged yet.
    pub min_cents: Option<Cents>,
    /// Every write is charged what they were so far in the mean, or its hold when none was charged yet.
    pub expected_cents: Option<Cents>,
    /// Every write is charged its whole hold, as the larger of the service's hold and the dearest charge so far. Runs
    /// that the service fails and that are sent again are not in it.
    pub max_cents: Option<Cents>,
    /// The currency. Text of the service.
    pub currency: Option<String>,
}

/// How many sends of each kind a plan makes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PlannedSends {
    /// New jobs.
    pub create: u32,
    /// Follow-ups.
    pub iterate: u32,
    /// Reviews.
    pub review: u32,
}

impl PlanCost {
    /// The cost of what `plan` runs and is not charged yet.
    #[must_use]
    pub fn new(plan: &Plan, memory: &Memory) -> Self {
        let steps = plan.family.step_indices();
        let due = steps.filter(|ix| is_due(plan, memory, *ix)).count();
        let due = i64::try_from(due).unwrap_or(i64::MAX);
        let each = |price: Cents| Cents(price.0.saturating_mul(due));
        let hold = memory.hold();
        let cheapest = cheapest(memory).unwrap_or_default();
        Self {
            min_cents: hold.map(|_| each(cheapest)),
            expected_cents: hold.map(|hold| each(memory.ledger.mean().unwrap_or(hold))),
            max_cents: hold.map(each),
            currency: memory.price.as_ref().map(|price| price.currency.clone()),
        }
    }
}

impl PlannedSends {
    /// What `plan` sends.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let mut sends = Self::default();
        for ix in plan.family.step_indices() {
            if !plan.action(ix).runs() {
                continue;
            }
            match plan.family.step(ix).kind {
                StepKind::Create => sends.create += 1,
                StepKind::Iterate => sends.iterate += 1,
                StepKind::Review => sends.review += 1,
                StepKind::Check | StepKind::Approve | StepKind::Download => {}
            }
        }
        sends
    }
}

/// Whether the step at `ix` is a write that runs and is not charged yet: one whose files are on their way home may be.
fn is_due(plan: &Plan, memory: &Memory, ix: StepIx) -> bool {
    let send = plan.send_id(ix).and_then(|id| memory.find(&id));
    let is_charged = send.is_some_and(|send| {
        matches!(send.state, SendState::Collecting(_)) && send.hold == Cents::ZERO
    });
    plan.action(ix).runs() && plan.family.step(ix).kind.is_write() && !is_charged
}

fn cheapest(memory: &Memory) -> Option<Cents> {
    let mut charges: BTreeMap<&IdempotencyKey, Cents> = BTreeMap::new();
    for entry in memory.ledger.entries() {
        if entry.to == Account::Charged {
            *charges.entry(&entry.key).or_default() += entry.amount;
        }
    }
    charges.into_values().min()
}
