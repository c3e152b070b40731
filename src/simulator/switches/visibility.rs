//! What of jobs, files and conversations can be seen, and how it is written.

use std::borrow::Cow;

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
    /// The statuses of the codes of billing: the code decides what they mean.
    pub billing_codes: BillingCodes,
    /// How often a signed URL works.
    pub signed_urls: SignedUrls,
    /// What a review has the viewer do.
    pub viewer_actions: ViewerActions,
    /// Where it says that a run failed, beside its status.
    pub failures: Failures,
    /// The codes of errors that the document does not name.
    pub code_names: CodeNames,
}

/// The last revision while a follow-up is at work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DuringFollowUp {
    /// Stays in sight.
    #[default]
    Visible,
    /// Is out of sight everywhere until the follow-up ends, however it ends. Signed URLs that were handed out before work
    /// until they expire.
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

/// The statuses of the codes of billing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BillingCodes {
    /// `billing_required`, `billing_needs_review` and `insufficient_balance` 402, `projected_balance_exceeded` 429.
    #[default]
    Usual,
    /// In this order: 403, 409, 400, 402.
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

/// What a review has the viewer do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewerActions {
    /// Nothing, as in the document's examples: an empty list.
    #[default]
    None,
    /// A list of objects.
    Objects,
    /// Something that is no list.
    Anything,
}

/// Where it says that a run failed, beside its status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failures {
    /// In a line of the message history.
    #[default]
    History,
    /// Also in an `error` of the job.
    ErrorField,
}

/// The codes of errors that the document does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeNames {
    /// `unauthorized`, `insufficient_scope`, `not_found`, `method_not_allowed`, `service_unavailable`.
    #[default]
    Ours,
    /// In this order: `invalid_api_key`, `forbidden`, `resource_missing`, `unsupported_method`, `try_again_later`.
    Others,
}

impl CodeNames {
    /// A code as a client sees it.
    pub(crate) fn shown(self, code: Cow<'static, str>) -> Cow<'static, str> {
        let other = match code.as_ref() {
            "unauthorized" => "invalid_api_key",
            "insufficient_scope" => "forbidden",
            "not_found" => "resource_missing",
            "method_not_allowed" => "unsupported_method",
            "service_unavailable" => "try_again_later",
            _ => return code,
        };
        match self {
            Self::Ours => code,
            Self::Others => other.into(),
        }
    }
}
