//! Jobs: what a write queued, what polling sees, and the list of recent ones.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::artifact::{Artifact, AssemblyNode};
use super::billing::Cost;
use super::id::{JobId, MessageId, RevisionId};
use super::lenient;
use crate::untrusted::Untrusted;

/// The longest `poll_after_seconds` that is believed.
pub const MAX_POLL_AFTER: Duration = Duration::from_secs(60 * 60);

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum JobStatus {
    /// Accepted, not begun.
    Queued,
    /// Being worked on.
    Running,
    /// Done; its revision and artifacts can be read.
    Completed,
    /// Ended without a new revision.
    Failed,
    /// A status this client does not know, or none: empty. Treat it as not ended.
    Other(Untrusted),
}

/// A job as "Create a CAD job" answers with it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QueuedJob {
    /// The new job. Essential.
    pub id: JobId,
    /// Where it stands.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub status: JobStatus,
    /// The least wait before it is polled, at most [`MAX_POLL_AFTER`].
    #[serde(
        default,
        rename = "poll_after_seconds",
        deserialize_with = "poll_after"
    )]
    pub poll_after: Option<Duration>,
}

/// A job as "Send a follow-up iteration" answers with it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FollowUp {
    /// The job. Essential.
    pub id: JobId,
    /// Where it stands.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub status: JobStatus,
    /// The follow-up in the job's conversation.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub message_id: Option<MessageId>,
    /// The least wait before it is polled, at most [`MAX_POLL_AFTER`].
    #[serde(
        default,
        rename = "poll_after_seconds",
        deserialize_with = "poll_after"
    )]
    pub poll_after: Option<Duration>,
}

/// A job as "Poll job status" shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// The job. Essential.
    pub id: JobId,
    /// Where it stands. Essential.
    pub status: JobStatus,
    /// ISO 8601, as the service wrote it.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub created_at: Option<Untrusted>,
    /// ISO 8601, as the service wrote it.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub updated_at: Option<Untrusted>,
    /// The least wait before it is polled again, at most [`MAX_POLL_AFTER`].
    #[serde(
        default,
        rename = "poll_after_seconds",
        deserialize_with = "poll_after"
    )]
    pub poll_after: Option<Duration>,
    /// What the service says it made.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub explanation: Option<Untrusted>,
    /// What it cost, once the billing record is there.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub cost: Option<Cost>,
    /// The revision that the artifacts belong to.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub latest_revision_id: Option<RevisionId>,
    /// How the files make up the model.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub assembly_tree: Option<AssemblyNode>,
    /// The files; empty before completion.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub artifacts: Vec<Artifact>,
}

/// One page of "List recent jobs".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobPage {
    /// The jobs, in the service's order. Essential.
    pub jobs: Vec<JobSummary>,
    /// What to ask the next page with; `None` on the last.
    #[serde(default, deserialize_with = "cursor")]
    pub next_cursor: Option<Untrusted>,
}

/// A job in the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobSummary {
    /// The job. Essential.
    pub id: JobId,
    /// Where it stands.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub status: JobStatus,
    /// Where it was made, such as `webapp`.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub source: Option<Untrusted>,
    /// Its title.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub title: Option<Untrusted>,
    /// The beginning of its first prompt.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub prompt_preview: Option<Untrusted>,
    /// Its last message.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub last_message: Option<Untrusted>,
    /// Its latest revision.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub latest_revision_id: Option<RevisionId>,
    /// ISO 8601, as the service wrote it.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub created_at: Option<Untrusted>,
    /// ISO 8601, as the service wrote it.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub updated_at: Option<Untrusted>,
}

impl JobStatus {
    /// The status as the API writes it.
    #[must_use]
    pub fn to_untrusted(&self) -> Untrusted {
        match self {
            Self::Queued => "queued".into(),
            Self::Running => "running".into(),
            Self::Completed => "completed".into(),
            Self::Failed => "failed".into(),
            Self::Other(text) => text.clone(),
        }
    }
}

impl Default for JobStatus {
    fn default() -> Self {
        Self::Other(Untrusted::default())
    }
}

impl From<String> for JobStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            _ => Self::Other(text.into()),
        }
    }
}

fn poll_after<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    lenient::seconds(deserializer, MAX_POLL_AFTER)
}

/// An empty cursor would ask for the first page again and again.
fn cursor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Untrusted>, D::Error> {
    let cursor: Option<Untrusted> = Option::deserialize(deserializer)?;
    Ok(cursor.filter(|cursor| !cursor.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_before_a_poll_is_clamped_and_an_odd_one_counts_as_none() {
        for (text, wait) in [
            ("30", Some(Duration::from_secs(30))),
            ("2.5", Some(Duration::from_millis(2_500))),
            ("-1", Some(Duration::ZERO)),
            ("1e300", Some(MAX_POLL_AFTER)),
            ("null", None),
            ("\"soon\"", None),
        ] {
            let json = format!(r#"{{"id":"cadjob_1","poll_after_seconds":{text}}}"#);
            let job: QueuedJob = serde_json::from_str(&json).unwrap();
            assert_eq!(job.poll_after, wait, "{text}");
            assert_eq!(job.status, JobStatus::default());
        }
    }

    #[test]
    fn a_job_needs_an_id_and_a_status_and_bears_odd_values_elsewhere() {
        let odd = r#"{"id":"cadjob_1","status":"paused","cost":null,"artifacts":null,"explanation":7,
            "assembly_tree":{"label":null,"children":null,"artifact_id":""},"error":{"code":"x"}}"#;
        let job: Job = serde_json::from_str(odd).unwrap();
        assert_eq!(job.status, JobStatus::Other("paused".into()));
        assert_eq!(job.assembly_tree, Some(AssemblyNode::default()));
        assert_eq!((job.cost, job.explanation), (None, None));
        for bad in [
            r#"{"id":"","status":"queued"}"#,
            r#"{"id":"cadjob_1"}"#,
            r#"{"id":"cadjob_1","status":null}"#,
            r#"{"id":"cadjob_1","status":"completed","artifacts":[{"label":"no id"}]}"#,
        ] {
            assert!(serde_json::from_str::<Job>(bad).is_err(), "{bad}");
        }
    }
}
