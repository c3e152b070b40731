//! Requests as they are recorded: which endpoint, and what came back.

use serde::{Deserialize, Serialize};

use crate::plan::remote::{RequestId, Timestamp};

/// The endpoints of the API, as `requests` in the report counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the API document's")]
pub enum Endpoint {
    Create,
    FollowUp,
    Review,
    Job,
    Balance,
    Download,
    List,
    Messages,
}

impl Endpoint {
    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::FollowUp => "follow_up",
            Self::Review => "review",
            Self::Job => "job",
            Self::Balance => "balance",
            Self::Download => "download",
            Self::List => "list",
            Self::Messages => "messages",
        }
    }
}

/// The facts of one request that went out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// The status of the answer, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the service calls the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Whether it was answered 429 for its rate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rate_limited: bool,
}

/// Requests in a row that had no answer of the service: none at all, or one that says that it is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// When the first of them ended.
    pub since: Timestamp,
    /// How many.
    pub requests: u32,
}

impl Silence {
    /// What is true after `call` ended at `at`: any other answer breaks a silence.
    #[must_use]
    pub fn after(before: Option<Self>, call: &Call, at: Timestamp) -> Option<Self> {
        let since = before.map_or(at, |silence| silence.since);
        let requests = before.map_or(0, |silence| silence.requests) + 1;
        let is_silent = call.status.is_none_or(|status| status >= 500);
        is_silent.then_some(Self { since, requests })
    }
}
