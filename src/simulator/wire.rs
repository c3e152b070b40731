//! The JSON the API answers with, field by field as the document shows it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::cents::Cents;
use super::clock::whole_ms;
use super::config::Config;
use super::history::REGRET;
use super::ids::{ArtifactId, JobId, MessageId, RevisionId};
use super::jobs::{Artifact, Job, Proposal, Review, Revision, Source, Status};
use super::switches::{Billing, Failures, ProposalForm, UnknownCost, ViewerActions, Visibility};

/// How much of a prompt a job list shows, in characters.
const PREVIEW_LENGTH: usize = 280;

/// An answer with its request id.
#[derive(Serialize)]
pub(crate) struct Envelope<'a, T> {
    #[serde(flatten)]
    pub(crate) body: &'a T,
    pub(crate) request_id: &'a str,
}

/// The body of an error.
#[derive(Serialize)]
pub(crate) struct ErrorBody {
    pub(crate) error: ErrorDetail,
}

#[derive(Serialize)]
pub(crate) struct ErrorDetail {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

/// A wait in seconds; a whole number has no decimals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Seconds {
    Whole(i64),
    Decimal(f64),
}

impl Seconds {
    pub(crate) fn from_ms(ms: i64) -> Self {
        if ms % 1_000 == 0 {
            Self::Whole(ms / 1_000)
        } else {
            Self::Decimal(ms as f64 / 1_000.0)
        }
    }

    /// The wait in milliseconds, for those who keep to it.
    pub(crate) fn ms(self) -> i64 {
        match self {
            Self::Whole(seconds) => seconds.saturating_mul(1_000),
            Self::Decimal(seconds) => whole_ms((seconds * 1_000.0).round()),
        }
    }
}

/// The first answer to a successful write: what a replay repeats.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Receipt {
    Accepted(Accepted),
    Reviewed(Reviewed),
}

/// An accepted create or follow-up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) id: JobId,
    pub(crate) status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<MessageId>,
    pub(crate) poll_after_seconds: Option<Seconds>,
}

/// An answered review.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reviewed {
    pub(crate) job_id: JobId,
    pub(crate) revision_id: RevisionId,
    pub(crate) message_id: MessageId,
    pub(crate) assistant_message_id: MessageId,
    pub(crate) review: ReviewBody,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReviewBody {
    mode: String,
    message: String,
    model: String,
    iteration_proposal: Option<ProposalBody>,
    viewer_actions: serde_json::Value,
}

/// An iteration proposal in one of its forms.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum ProposalBody {
    Object(Proposal),
    Text(String),
    OtherKeys {
        title: String,
        instructions: Vec<String>,
    },
}

impl ProposalBody {
    fn of(proposal: &Proposal, form: ProposalForm) -> Option<Self> {
        match form {
            ProposalForm::Object => Some(Self::Object(proposal.clone())),
            ProposalForm::Null => None,
            ProposalForm::Text => Some(Self::Text(proposal.prompt.clone())),
            ProposalForm::OtherKeys => Some(Self::OtherKeys {
                title: proposal.summary.clone(),
                instructions: vec![proposal.prompt.clone()],
            }),
        }
    }
}

impl ReviewBody {
    pub(crate) fn of(review: &Review, switches: &Visibility) -> Self {
        let form = switches.proposals;
        let proposal = review.proposal.as_ref();
        Self {
            mode: "review".to_owned(),
            message: review.answer.clone(),
            model: "review-agent".to_owned(),
            iteration_proposal: proposal.and_then(|proposal| ProposalBody::of(proposal, form)),
            viewer_actions: match switches.viewer_actions {
                ViewerActions::None => json!([]),
                ViewerActions::Objects => json!([
                    { "type": "set_section", "axis": "z", "offset": 0.5 },
                    { "type": "highlight", "revision_id": review.revision },
                ]),
                ViewerActions::Anything => json!({ "highlight": review.revision }),
            },
        }
    }
}

#[derive(Serialize)]
pub(crate) struct JobList {
    pub(crate) jobs: Vec<JobSummary>,
    pub(crate) next_cursor: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct JobSummary {
    id: JobId,
    status: Status,
    source: Source,
    title: String,
    prompt_preview: String,
    last_message: String,
    latest_revision_id: Option<RevisionId>,
    created_at: String,
    updated_at: String,
}

impl JobSummary {
    pub(crate) fn of(config: &Config, job: &Job, now: i64) -> Self {
        let shown = job.shown_revision(config.switches.visibility.during_follow_up, now);
        let preview = |text: &str| text.chars().take(PREVIEW_LENGTH).collect();
        Self {
            id: job.id.clone(),
            status: job.status(now),
            source: job.first_run().source,
            title: job.title.clone(),
            prompt_preview: preview(&job.first_run().prompt),
            last_message: preview(job.last_message()),
            latest_revision_id: shown.map(|revision| revision.id.clone()),
            created_at: timestamp(job.created_ms),
            updated_at: timestamp(job.updated_ms(now)),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct JobStatus {
    id: JobId,
    status: Status,
    created_at: String,
    updated_at: String,
    poll_after_seconds: Option<Seconds>,
    explanation: Option<String>,
    cost: Option<Cost>,
    /// Absent unless a switch has it told here why a run failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorDetail>,
    #[serde(flatten)]
    result: Files,
}

#[derive(Serialize)]
struct Cost {
    currency: &'static str,
    charged_cents: Option<Cents>,
}

fn failure(config: &Config, job: &Job, now: i64) -> Option<ErrorDetail> {
    let told = config.switches.visibility.failures == Failures::ErrorField;
    (told && job.status(now) == Status::Failed).then(|| ErrorDetail {
        code: "generation_failed".into(),
        message: REGRET.to_owned(),
    })
}

impl Cost {
    fn of(switches: Billing, job: &Job, now: i64) -> Option<Self> {
        let charged_cents = job.charged(switches.charged, now);
        let is_shown = charged_cents.is_some() || switches.unknown == UnknownCost::NullCents;
        is_shown.then_some(Self {
            currency: "usd",
            charged_cents,
        })
    }
}

impl JobStatus {
    pub(crate) fn of(config: &Config, job: &Job, poll_after: Option<Seconds>, now: i64) -> Self {
        let revision = job.shown_revision(config.switches.visibility.during_follow_up, now);
        Self {
            id: job.id.clone(),
            status: job.status(now),
            created_at: timestamp(job.created_ms),
            updated_at: timestamp(job.updated_ms(now)),
            poll_after_seconds: poll_after,
            explanation: revision.map(|revision| revision.design.explanation()),
            cost: Cost::of(config.switches.billing, job, now),
            error: failure(config, job, now),
            result: Files::of(revision),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct ArtifactList {
    job_id: JobId,
    revision_id: Option<RevisionId>,
    assembly_tree: Option<AssemblyNode>,
    artifacts: Vec<ArtifactBody>,
}

impl ArtifactList {
    pub(crate) fn of(config: &Config, job: &Job, now: i64) -> Self {
        let during = config.switches.visibility.during_follow_up;
        let files = Files::of(job.shown_revision(during, now));
        Self {
            job_id: job.id.clone(),
            revision_id: files.latest_revision_id,
            assembly_tree: files.assembly_tree,
            artifacts: files.artifacts,
        }
    }
}

/// The revision a job shows, as the status has it.
#[derive(Serialize)]
struct Files {
    latest_revision_id: Option<RevisionId>,
    assembly_tree: Option<AssemblyNode>,
    artifacts: Vec<ArtifactBody>,
}

impl Files {
    fn of(revision: Option<&Revision>) -> Self {
        Self {
            latest_revision_id: revision.map(|revision| revision.id.clone()),
            assembly_tree: revision.and_then(AssemblyNode::of),
            artifacts: revision.map_or_else(Vec::new, artifact_bodies),
        }
    }
}

#[derive(Serialize)]
struct AssemblyNode {
    label: String,
    kind: &'static str,
    filename: String,
    artifact_id: ArtifactId,
    children: Vec<AssemblyNode>,
}

impl AssemblyNode {
    fn of(revision: &Revision) -> Option<Self> {
        let (whole, parts) = revision.artifacts.split_first()?;
        let node = |artifact: &Artifact, children| Self {
            label: artifact.label.clone(),
            kind: "step",
            filename: artifact.filename.clone(),
            artifact_id: artifact.id.clone(),
            children,
        };
        Some(node(
            whole,
            parts.iter().map(|part| node(part, Vec::new())).collect(),
        ))
    }
}

#[derive(Serialize)]
pub(crate) struct ArtifactBody {
    id: ArtifactId,
    label: String,
    filename: String,
    kind: &'static str,
    download_url: String,
}

pub(crate) fn artifact_bodies(revision: &Revision) -> Vec<ArtifactBody> {
    revision
        .artifacts
        .iter()
        .map(|artifact| ArtifactBody {
            id: artifact.id.clone(),
            label: artifact.label.clone(),
            filename: artifact.filename.clone(),
            kind: "step",
            download_url: format!("/api/v1/artifacts/{}/download", artifact.id),
        })
        .collect()
}

#[derive(Serialize)]
pub(crate) struct Download {
    pub(crate) artifact_id: ArtifactId,
    pub(crate) filename: String,
    pub(crate) url: String,
    pub(crate) expires_in_seconds: Seconds,
}

#[derive(Serialize)]
pub(crate) struct Balance {
    pub(crate) currency: &'static str,
    pub(crate) available_balance_cents: Cents,
    pub(crate) cad_job_hold_cents: Cents,
}

/// ISO 8601 in UTC with milliseconds.
pub(crate) fn timestamp(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_waits_look_as_documented() {
        assert_eq!(timestamp(1_779_285_600_000), "2026-05-20T14:00:00.000Z");
        assert_eq!(
            serde_json::to_string(&Seconds::from_ms(30_000)).unwrap(),
            "30"
        );
        assert_eq!(
            serde_json::to_string(&Seconds::from_ms(250)).unwrap(),
            "0.25"
        );
    }
}
