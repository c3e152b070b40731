//! A plan for machines, written part by part: a large family is never held as text.

use std::io::{self, Write};

use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use super::json::FORMAT_VERSION;
use super::orphans::Orphan;
use super::plan_cost::{PlanCost, PlannedSends};
use super::plan_reason::reused;
use super::prompts::Before;
use super::stream::SafeJson;
use crate::plan::action::Action;
use crate::plan::actions::Plan;
use crate::plan::content::Prompt;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::forecast::{Bottleneck, Forecast, Requests};
use crate::plan::ids::PartId;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;

/// What a document says beside the plan itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct With<'a> {
    /// The prompts as they will be sent, and as they were sent before.
    pub prompts: bool,
    /// What a saved plan rests on.
    pub saved: Option<&'a Value>,
}

/// `plan` as a document: `parts` with their `steps`, `sends`, `requests`, `cost` and `duration`.
#[must_use]
pub fn plan(plan: &Plan, memory: &Memory) -> String {
    let forecast = Forecast::new(plan, &memory.durations, None);
    let mut text = Vec::new();
    // Nothing that writes to memory fails.
    let _ = write(plan, memory, &forecast, With::default(), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Writes the document of `plan` to `out`.
///
/// # Errors
/// When `out` can't be written.
pub fn write(
    plan: &Plan,
    memory: &Memory,
    forecast: &Forecast,
    with: With<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let desk = Desk {
        plan,
        memory,
        before: with.prompts.then(|| Before::new(memory)),
    };
    let document = Document {
        format_version: FORMAT_VERSION,
        family: &plan.family.salt.name,
        plan: plan.family.digest().to_string(),
        parts: Parts(&desk),
        orphans: Orphan::of(memory, &plan.orphans),
        sends: PlannedSends::new(plan),
        requests: forecast.requests.into(),
        cost: PlanCost::new(plan, memory),
        duration: Duration {
            expected_s: forecast.expected.as_secs_f64(),
            lower_bound_s: forecast.lower_bound.as_secs_f64(),
            bottleneck: forecast.bottleneck.as_ref().map(HeldUp::from),
            approvals: forecast.gates,
        },
        saved: with.saved,
    };
    serde_json::to_writer_pretty(SafeJson(&mut *out), &document)?;
    out.write_all(b"\n")
}

struct Desk<'a> {
    plan: &'a Plan,
    memory: &'a Memory,
    before: Option<Before<'a>>,
}

#[derive(serde::Serialize)]
struct Document<'a> {
    format_version: u32,
    family: &'a str,
    plan: String,
    parts: Parts<'a>,
    /// Jobs that no part wants any more.
    orphans: Vec<Orphan>,
    sends: PlannedSends,
    requests: Counts,
    cost: PlanCost,
    duration: Duration<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<&'a Value>,
}

#[derive(serde::Serialize)]
struct Duration<'a> {
    expected_s: f64,
    lower_bound_s: f64,
    bottleneck: Option<HeldUp<'a>>,
    /// Gates that wait for a person; that wait is in none of the times.
    approvals: usize,
}

#[derive(serde::Serialize)]
struct HeldUp<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<&'a str>,
}

impl<'a> From<&'a Bottleneck> for HeldUp<'a> {
    fn from(bottleneck: &'a Bottleneck) -> Self {
        let (kind, parts) = match bottleneck {
            Bottleneck::CadWrites(_) => ("cad_writes", Vec::new()),
            Bottleneck::Reviews(_) => ("reviews", Vec::new()),
            Bottleneck::ActiveJobs(_) => ("active_jobs", Vec::new()),
            Bottleneck::Chain(parts) => ("chain", parts.iter().map(PartId::as_str).collect()),
        };
        Self { kind, parts }
    }
}

/// Requests by limit class.
#[derive(serde::Serialize)]
struct Counts {
    cad_writes: u64,
    reviews: u64,
    job_polls: u64,
    reads: u64,
    artifacts: u64,
    balance: u64,
}

impl From<Requests> for Counts {
    fn from(requests: Requests) -> Self {
        let Requests {
            cad_writes,
            reviews,
            job_polls,
            reads,
            artifacts,
            balance,
        } = requests;
        Self {
            cad_writes,
            reviews,
            job_polls,
            reads,
            artifacts,
            balance,
        }
    }
}

/// The parts, each made when it is written.
struct Parts<'a>(&'a Desk<'a>);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = self.0.plan.family.part_indices();
        serializer.collect_seq(parts.map(|ix| Part::of(self.0, ix)))
    }
}

#[derive(serde::Serialize)]
struct Part<'a> {
    id: &'a str,
    job_id: Option<&'a str>,
    steps: Vec<Step<'a>>,
    /// Ids of steps that don't exist, because their `when` is false.
    skipped: Vec<&'a str>,
}

#[derive(serde::Serialize)]
struct Step<'a> {
    id: &'a str,
    kind: &'a str,
    key: Option<String>,
    action: &'a str,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_before: Option<&'a str>,
    /// The job that is left behind, of a step that makes its part anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    recreates: Option<Recreates<'a>>,
}

#[derive(serde::Serialize)]
struct Recreates<'a> {
    job_id: Option<&'a str>,
    charged_cents: Cents,
}

impl<'a> Part<'a> {
    fn of(desk: &'a Desk<'a>, ix: PartIx) -> Self {
        let plan = desk.plan;
        let part = plan.family.part(ix);
        let lineage = plan.lineage(ix);
        let known = lineage.and_then(|lineage| desk.memory.lineages.get(&lineage));
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
                .map(|step| Step::of(desk, step))
                .collect(),
            skipped: (part.skipped.iter().map(|(id, _)| id.as_str()))
                .chain(skipped.map(|step| plan.family.step(step).id.as_str()))
                .collect(),
        }
    }
}

impl<'a> Step<'a> {
    fn of(desk: &'a Desk<'a>, ix: StepIx) -> Self {
        let (plan, memory) = (desk.plan, desk.memory);
        let step = plan.family.step(ix);
        let (action, reason) = match plan.action(ix) {
            Action::Reuse => ("reuse", reused(plan, memory, ix)),
            Action::Run(reason) => ("run", reason.to_string()),
            Action::Skip => ("skip", "its condition is false".to_owned()),
            Action::Recreate(anew) => ("recreate", anew.to_string()),
            Action::Blocked(blocker) => ("blocked", blocker.to_string()),
        };
        let is_told = action != "reuse" && desk.before.is_some();
        let prompt = step.content().and_then(|content| content.prompt());
        let before = desk.before.as_ref().and_then(|before| before.of(plan, ix));
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
            prompt: prompt.filter(|_| is_told).map(Prompt::as_str),
            prompt_before: before.filter(|_| is_told),
            recreates,
        }
    }
}
