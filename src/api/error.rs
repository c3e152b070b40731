//! What a call that brought no result says about what happened at the service.

use std::time::Duration;

use super::answer::RequestIds;
use super::error_code::ErrorCode;

/// The longest message or unknown code kept from an error, in characters.
pub const MAX_MESSAGE_CHARS: usize = 500;

/// A call without a result. The three cases differ in what may have been executed, which is what
/// the sender of a paid write has to know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// A clear, well-formed answer of the API which states that the request was not executed.
    #[error("the API refused the request: {code} (HTTP {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the API says is wrong.
        code: ErrorCode,
        /// The API's explanation, untrusted text of at most [`MAX_MESSAGE_CHARS`]; may be empty.
        message: String,
        /// The ids under which the service logged the request.
        request_ids: Box<RequestIds>,
        /// How long the API says to wait.
        retry_after: Option<Duration>,
    },
    /// The request may or may not have been executed: nobody can tell from here.
    #[error("the outcome of the request is unknown: {reason}")]
    Unknown {
        /// What was wrong with the answer, or that there was none.
        reason: UnknownReason,
        /// The HTTP status of the API's answer, if one arrived.
        status: Option<u16>,
        /// The error code, if the answer had one.
        code: Option<ErrorCode>,
        /// The API's explanation, untrusted text of at most [`MAX_MESSAGE_CHARS`]; may be empty.
        message: String,
        /// The ids under which the service logged the request.
        request_ids: Box<RequestIds>,
        /// How long the API says to wait.
        retry_after: Option<Duration>,
    },
    /// Nothing of the request left this machine.
    #[error("the request was not sent: {reason}")]
    NotSent {
        /// What kept it from being sent.
        reason: String,
    },
}

/// Why nobody can tell what became of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownReason {
    /// The exchange broke off or timed out before the answer was whole.
    #[error("the exchange broke off: {0}")]
    Lost(String),
    /// The service, or a proxy before it, failed (5xx).
    #[error("the service failed")]
    ServerFailure,
    /// The API redirected a request that it documents as answered in place.
    #[error("the API redirected the request, which is never followed")]
    Redirected,
    /// The answer is not a JSON object, or an error without the documented shape.
    #[error("the answer has not the documented shape")]
    Malformed,
    /// The answer was longer than [`MAX_JSON_BYTES`](super::MAX_JSON_BYTES).
    #[error("the answer is too long")]
    TooLong,
    /// The status says success, but an essential field is missing or wrong. The parser's words may
    /// quote the answer: untrusted text.
    #[error("the answer lacks what it should say: {0}")]
    Incomplete(String),
    /// The API gave a download link, but storage did not give the file.
    #[error("storage did not give the file: {0}")]
    Storage(String),
}

impl CallError {
    /// The HTTP status of the API's answer, if one arrived.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unknown { status, .. } => *status,
            Self::NotSent { .. } => None,
        }
    }

    /// The API's error code, if the answer had or implied one.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Unknown { code, .. } => code.as_ref(),
            Self::NotSent { .. } => None,
        }
    }

    /// How long the API says to wait before the next try, at most
    /// [`MAX_RETRY_AFTER`](super::MAX_RETRY_AFTER).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } | Self::Unknown { retry_after, .. } => *retry_after,
            Self::NotSent { .. } => None,
        }
    }

    /// An exchange that ended without an answer.
    pub(super) fn lost(reason: impl Into<String>) -> Self {
        Self::Unknown {
            reason: UnknownReason::Lost(reason.into()),
            status: None,
            code: None,
            message: String::new(),
            request_ids: Box::default(),
            retry_after: None,
        }
    }
}

/// Cuts untrusted text to [`MAX_MESSAGE_CHARS`].
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(MAX_MESSAGE_CHARS).collect()
}
