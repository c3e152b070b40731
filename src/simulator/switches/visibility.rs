//! What of jobs, files and conversations can be seen, and how it is written.

use serde::Deserialize;

/// The switches of what is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Visibility {
    /// The last revision while a follow-up is at work.
    pub during_follow_up: DuringFollowUp,
    /// Follow-ups to a job whose last run failed.
    pub after_failure: AfterFailure,
    /// Files of revisions before the latest.
    pub older_artifacts: OlderArtifacts,
    /// The order of job lists.
    pub order: ListOrder,
    /// The user's words in the message history.
    pub history: HistoryContent,
    /// The form of an iteration proposal.
    pub proposals: ProposalForm,
    /// `poll_after_seconds` of an active job.
    pub poll_after: PollAfter,
    /// The status of an accepted create or follow-up.
    pub accepted: AcceptedStatus,
    /// The status of an answered review.
    pub reviewed: ReviewedStatus,
    /// The statuses of the codes of reviews, to which the document gives none.
    pub review_codes: ReviewCodes,
    /// How often a signed URL works.
    pub signed_urls: SignedUrls,
}

/// The last revision while a follow-up is at work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DuringFollowUp {
    /// Stays in sight.
    #[default]
    Visible,
    /// Is out of sight until the follow-up ends, however it ends.
    Hidden,
}

/// Follow-ups to a job whose last run failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterFailure {
    /// Are accepted.
    #[default]
    Accepted,
    /// Are refused with `job_not_completed`.
    Refused,
}

/// Files of revisions before the latest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OlderArtifacts {
    /// Can be downloaded.
    #[default]
    Downloadable,
    /// Are not found.
    Gone,
}

/// The order of job lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListOrder {
    /// The newest job first.
    #[default]
    NewestFirst,
    /// One that tells nothing, the same for each page.
    Any,
}

/// The user's words in the message history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryContent {
    /// As they were sent.
    #[default]
    AsSent,
    /// Without white space around them.
    Trimmed,
    /// In Unicode's composed form (NFC), each run of white space one blank.
    Normalized,
    /// The first 1,000 characters.
    Shortened,
}

/// The form of an iteration proposal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProposalForm {
    /// `{"summary": …, "prompt": …}`
    #[default]
    Object,
    /// None is ever made.
    Null,
    /// The prompt alone.
    Text,
    /// `{"title": …, "instructions": […]}`
    OtherKeys,
}

/// `poll_after_seconds` of an active job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PollAfter {
    /// What the configuration says.
    #[default]
    Told,
    /// Null: a client keeps to the document's 1 to 2 minutes.
    Null,
    /// A quarter of a second more, so that it has decimals.
    Decimals,
}

/// The status of an accepted create or follow-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum AcceptedStatus {
    /// 202
    #[default]
    #[serde(rename = "202")]
    Accepted,
    /// 200
    #[serde(rename = "200")]
    Ok,
    /// 201
    #[serde(rename = "201")]
    Created,
}

/// The status of an answered review.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum ReviewedStatus {
    /// 200
    #[default]
    #[serde(rename = "200")]
    Ok,
    /// 201
    #[serde(rename = "201")]
    Created,
}

/// The statuses of the codes of reviews.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewCodes {
    /// `job_not_completed` and `cad_revision_required` 409, `review_agent_failed` 502, `review_agent_unavailable` 503.
    #[default]
    Usual,
    /// In this order: 400, 404, 500, 502.
    Unusual,
}

/// How often a signed URL works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignedUrls {
    /// Until it expires.
    #[default]
    UntilTheyExpire,
    /// Once.
    Once,
}
