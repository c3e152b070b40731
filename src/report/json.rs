//! Reports for machines. Keys are only added within a format version.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::moment::utc;
use super::orphans::Orphan;
use super::summary::{ArtifactSummary, PartSummary, StepSummary, Summary};
use crate::plan::money::Cents;
use crate::run::outcome::{ExitReason, Outcome, RunEnd};
use crate::untrusted::terminal;

/// The version of everything that is printed with `--json`.
pub const FORMAT_VERSION: u32 = 1;

/// `value` as an indented document with a line end. No character of it does more to a terminal than show itself.
#[must_use]
pub fn document(value: &impl Serialize) -> String {
    let text =
        serde_json::to_string_pretty(value).expect("everything that is printed has text keys");
    terminal::json(&text) + "\n"
}

/// `value` on one line.
#[must_use]
pub fn line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("everything that is printed has text keys");
    terminal::json(&text) + "\n"
}

/// The report of one run: what `run`, `resume`, `status` and `report` print.
#[must_use]
pub fn report(summary: &Summary) -> String {
    document(&Report::of(summary, None))
}

/// The report of a run that broke off: what is known of it, and `error`.
#[must_use]
pub fn broken_off(summary: &Summary, error: &Value) -> String {
    document(&Report::of(summary, Some(error)))
}

/// What `runs` prints of one run: its report without the parts.
pub(super) fn heading(summary: &Summary) -> impl Serialize + use<'_> {
    Heading::of(summary)
}

#[derive(Serialize)]
struct Report<'a> {
    format_version: u32,
    #[serde(flatten)]
    heading: Heading<'a>,
    parts: Vec<Part<'a>>,
    /// What broke the run off; absent for one that came to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Value>,
}

#[derive(Serialize)]
struct Heading<'a> {
    run_id: String,
    family: &'a str,
    manifest: &'a str,
    started_at: String,
    /// When it ended; null while it has not.
    ended_at: Option<String>,
    outcome: &'a str,
    /// Null while it has not ended.
    exit_code: Option<u8>,
    exit_reasons: &'a [ExitReason],
    counts: BTreeMap<&'a str, usize>,
    cost: Cost<'a>,
    requests: BTreeMap<&'a str, u32>,
    duration_s: f64,
    wall_s: f64,
    /// Who paused it, while it is at work.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_by: Option<&'a str>,
    /// Jobs that no part wants any more.
    #[serde(skip_serializing_if = "<[Orphan]>::is_empty")]
    orphans: &'a [Orphan],
    /// What waits for a person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting_for: Vec<Gate<'a>>,
    /// What ended badly for parts that are no longer wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_over: Vec<LeftOver<'a>>,
}

#[derive(Serialize)]
struct Gate<'a> {
    step: String,
    message: &'a str,
}

#[derive(Serialize)]
struct LeftOver<'a> {
    step: String,
    error: &'a str,
}

#[derive(Serialize)]
struct Cost<'a> {
    charged_cents: Cents,
    held_cents: Cents,
    /// Charged beyond what was held.
    excess_cents: Cents,
    pending_jobs: usize,
    currency: Option<&'a str>,
}

#[derive(Serialize)]
struct Part<'a> {
    id: &'a str,
    outcome: Outcome,
    job_id: Option<&'a str>,
    charged_cents: Option<Cents>,
    steps: Vec<Step<'a>>,
}

#[derive(Serialize)]
struct Step<'a> {
    id: &'a str,
    kind: &'a str,
    outcome: Outcome,
    reused: bool,
    key: Option<String>,
    attempts: u32,
    error: Option<&'a str>,
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<Review<'a>>,
    artifacts: Vec<Artifact<'a>>,
}

#[derive(Serialize)]
struct Review<'a> {
    message: &'a str,
    proposal: Option<&'a str>,
}

#[derive(Serialize)]
struct Artifact<'a> {
    path: &'a str,
    sha256: String,
    bytes: u64,
}

impl<'a> Report<'a> {
    fn of(summary: &'a Summary, error: Option<&'a Value>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            heading: Heading::of(summary),
            parts: summary.parts.iter().map(Part::of).collect(),
            error,
        }
    }
}

impl<'a> Heading<'a> {
    fn of(summary: &'a Summary) -> Self {
        let counts = summary.counts.iter();
        let requests = summary.requests.iter();
        let mut requests: BTreeMap<&str, u32> = requests
            .map(|(endpoint, count)| (endpoint.as_str(), *count))
            .collect();
        requests.insert("rate_limited", summary.rate_limited);
        let end = summary.end.as_ref();
        Self {
            run_id: summary.run.to_string(),
            family: &summary.family,
            manifest: &summary.manifest,
            started_at: utc(summary.started),
            ended_at: end.map(|_| utc(summary.last_at)),
            outcome: summary.outcome(),
            exit_code: end.map(RunEnd::exit_code),
            exit_reasons: end.map_or(&[], |end| &end.reasons),
            counts: counts
                .map(|(outcome, count)| (outcome.as_str(), *count))
                .collect(),
            cost: Cost {
                charged_cents: summary.cost.charged,
                held_cents: summary.cost.held,
                excess_cents: summary.cost.excess,
                pending_jobs: summary.cost.pending_jobs,
                currency: summary.cost.currency.as_deref(),
            },
            requests,
            duration_s: summary.duration.as_secs_f64(),
            wall_s: summary.wall.as_secs_f64(),
            paused_by: summary.paused.as_deref(),
            orphans: &summary.orphans,
            waiting_for: (summary.gates.iter())
                .map(|gate| Gate {
                    step: gate.step.to_string(),
                    message: &gate.message,
                })
                .collect(),
            left_over: (summary.strays.iter())
                .map(|(step, error)| LeftOver {
                    step: step.to_string(),
                    error,
                })
                .collect(),
        }
    }
}

impl<'a> Part<'a> {
    fn of(part: &'a PartSummary) -> Self {
        Self {
            id: part.id.as_str(),
            outcome: part.outcome,
            job_id: part.job.as_ref().map(|job| job.0.as_str()),
            charged_cents: part.charged,
            steps: part.steps.iter().map(Step::of).collect(),
        }
    }
}

impl<'a> Step<'a> {
    fn of(step: &'a StepSummary) -> Self {
        let review = step.review.as_deref().map(|message| Review {
            message,
            proposal: step.proposal.as_deref(),
        });
        Self {
            id: step.id.as_str(),
            kind: step.kind.as_str(),
            outcome: step.outcome,
            reused: step.outcome == Outcome::Reused,
            key: step.key.map(|key| key.to_string()),
            attempts: step.attempts,
            error: step.error.as_deref(),
            warnings: &step.warnings,
            review,
            artifacts: step.artifacts.iter().map(Artifact::of).collect(),
        }
    }
}

impl<'a> Artifact<'a> {
    fn of(artifact: &'a ArtifactSummary) -> Self {
        Self {
            path: &artifact.path,
            sha256: artifact.stored.sha256.to_string(),
            bytes: artifact.stored.bytes,
        }
    }
}
