//! What a plan costs and how much it sends: figures that the service gave, or none.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::StepIx;
use crate::plan::key::IdempotencyKey;
use crate::plan::ledger::Account;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::send::SendState;

/// The cost of a plan's writes, by the last recorded price. Unknown before the first price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanCost {
    /// Every write is charged as little as the cheapest so far; nothing when none was charged yet.
    pub min_cents: Option<Cents>,
    /// Every write is charged what those of its kind were so far in the mean; before one was, what all were, or its hold.
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
        let due = steps.filter(|ix| is_due(plan, memory, *ix));
        let (mut creates, mut iterates) = (0, 0);
        for ix in due {
            match plan.family.step(ix).kind {
                StepKind::Create => creates += 1,
                _ => iterates += 1,
            }
        }
        let each = |price: Cents| Cents(price.0.saturating_mul(creates + iterates));
        let hold = memory.hold();
        let charged = Charged::new(memory);
        let expected = |hold: Cents| {
            let any = memory.ledger.mean().unwrap_or(hold);
            let create = charged.mean(StepKind::Create).unwrap_or(any);
            let iterate = charged.mean(StepKind::Iterate).unwrap_or(any);
            Cents(create.0.saturating_mul(creates)) + Cents(iterate.0.saturating_mul(iterates))
        };
        Self {
            min_cents: hold.map(|_| each(charged.cheapest().unwrap_or_default())),
            expected_cents: hold.map(expected),
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
pub(super) fn is_due(plan: &Plan, memory: &Memory, ix: StepIx) -> bool {
    let send = plan.send_id(ix).and_then(|id| memory.find(&id));
    let is_charged = send.is_some_and(|send| {
        matches!(send.state, SendState::Collecting(_)) && send.hold == Cents::ZERO
    });
    plan.action(ix).runs() && plan.family.step(ix).kind.is_write() && !is_charged
}

/// What each write was charged in all, by its kind.
struct Charged(Vec<(StepKind, Cents)>);

impl Charged {
    fn new(memory: &Memory) -> Self {
        let mut charges: BTreeMap<&IdempotencyKey, Cents> = BTreeMap::new();
        for entry in memory.ledger.entries() {
            if entry.to == Account::Charged {
                *charges.entry(&entry.key).or_default() += entry.amount;
            }
        }
        let sends = memory.sends.iter();
        let kinds = sends.map(|send| (&send.key, send.content.kind()));
        let kinds: BTreeMap<&IdempotencyKey, StepKind> = kinds.collect();
        let charges = charges.into_iter();
        // A charge of a job that the service failed, and that was sent anew with another key, is of a create as well as not.
        let kind = |key| kinds.get(key).copied().unwrap_or(StepKind::Create);
        Self(charges.map(|(key, cents)| (kind(key), cents)).collect())
    }

    fn cheapest(&self) -> Option<Cents> {
        self.0.iter().map(|(_, cents)| *cents).min()
    }

    fn mean(&self, kind: StepKind) -> Option<Cents> {
        let of_kind = self.0.iter().filter(|(of, _)| *of == kind);
        let charges: Vec<Cents> = of_kind.map(|(_, cents)| *cents).collect();
        let count = i64::try_from(charges.len())
            .ok()
            .filter(|count| *count > 0)?;
        Some(Cents(charges.into_iter().sum::<Cents>().0 / count))
    }
}
