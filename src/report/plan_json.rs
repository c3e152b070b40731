//! A plan for machines.

use serde::Serialize;

use super::json::{FORMAT_VERSION, document};
use super::orphans::Orphan;
use super::plan_cost::{PlanCost, PlannedSends};
use super::plan_reason::reused;
use crate::plan::action::Action;
use crate::plan::actions::Plan;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::memory::Memory;
use crate::plan::money::Cents;

/// `plan` as a document: `parts` with their `steps`, `sends`, `cost` and `duration`.
#[must_use]
pub fn plan(plan: &Plan, memory: &Memory) -> String {
    let timing = &plan.timing;
    document(&Document {
        format_version: FORMAT_VERSION,
        family: &plan.family.salt.name,
        plan: plan.family.digest().to_string(),
        parts: plan
            .family
            .part_indices()
            .map(|ix| Part::of(plan, memory, ix))
            .collect(),
        orphans: Orphan::of(memory, &plan.orphans),
        sends: PlannedSends::new(plan),
        cost: PlanCost::new(plan, memory),
        duration: Duration {
            expected_s: timing.expected.as_secs_f64(),
            lower_bound_s: timing.lower_bound.as_secs_f64(),
        },
    })
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    family: &'a str,
    plan: String,
    parts: Vec<Part<'a>>,
    /// Jobs that no part wants any more.
    orphans: Vec<Orphan>,
    sends: PlannedSends,
    cost: PlanCost,
    duration: Duration,
}

#[derive(Serialize)]
struct Duration {
    expected_s: f64,
    lower_bound_s: f64,
}

#[derive(Serialize)]
struct Part<'a> {
    id: &'a str,
    job_id: Option<&'a str>,
    steps: Vec<Step<'a>>,
    /// Ids of steps that don't exist, because their `when` is false.
    skipped: Vec<&'a str>,
}

#[derive(Serialize)]
struct Step<'a> {
    id: &'a str,
    kind: &'a str,
    key: Option<String>,
    action: &'a str,
    reason: String,
    /// The job that is left behind, of a step that makes its part anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    recreates: Option<Recreates<'a>>,
}

#[derive(Serialize)]
struct Recreates<'a> {
    job_id: Option<&'a str>,
    charged_cents: Cents,
}

impl<'a> Part<'a> {
    fn of(plan: &'a Plan, memory: &'a Memory, ix: PartIx) -> Self {
        let part = plan.family.part(ix);
        let known = plan.lineage(ix).and_then(|id| memory.lineages.get(&id));
        let job = known.and_then(|lineage| lineage.job.as_ref());
        let is_skipped = |step: &StepIx| *plan.action(*step) == Action::Skip;
        let skipped = plan.family.steps_of(ix).filter(is_skipped);
        Self {
            id: part.id.as_str(),
            job_id: job.map(|job| job.0.as_str()),
            steps: plan
                .family
                .steps_of(ix)
                .filter(|step| !is_skipped(step))
                .map(|step| Step::of(plan, memory, step))
                .collect(),
            skipped: (part.skipped.iter().map(|(id, _)| id.as_str()))
                .chain(skipped.map(|step| plan.family.step(step).id.as_str()))
                .collect(),
        }
    }
}

impl<'a> Step<'a> {
    fn of(plan: &'a Plan, memory: &Memory, ix: StepIx) -> Self {
        let step = plan.family.step(ix);
        let (action, reason) = match plan.action(ix) {
            Action::Reuse => ("reuse", reused(plan, memory, ix)),
            Action::Run(reason) => ("run", reason.to_string()),
            Action::Skip => ("skip", "its condition is false".to_owned()),
            Action::Recreate(anew) => ("recreate", anew.to_string()),
            Action::Blocked(blocker) => ("blocked", blocker.to_string()),
        };
        let recreates = match plan.action(ix) {
            Action::Recreate(anew) => Some(Recreates {
                job_id: anew.job.as_ref().map(|job| job.0.as_str()),
                charged_cents: anew.charged,
            }),
            Action::Reuse | Action::Run(_) | Action::Skip | Action::Blocked(_) => None,
        };
        Self {
            id: step.id.as_str(),
            kind: step.kind.as_str(),
            key: step.key().map(|key| key.to_string()),
            action,
            reason,
            recreates,
        }
    }
}
