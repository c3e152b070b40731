//! What a call that brought no result says about what happened at the service.

use std::borrow::Cow;
use std::time::Duration;

use super::answer::RequestIds;
use super::error_code::ErrorCode;
use crate::untrusted::{Untrusted, terminal};

/// The longest message or unknown code kept from an error, in characters.
pub const MAX_MESSAGE_CHARS: usize = 500;

/// How the service's API keys begin.
const KEY_PREFIX: &str = "gcad_";

/// A call without a result. The three cases differ in what may have been executed, which is what
/// the sender of a paid write has to know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// A clear, well-formed answer of the API which states that the request was not executed.
    #[error("{code} (HTTP {status}){}", told(message, request_ids))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the API says is wrong.
        code: ErrorCode,
        /// The API's explanation, at most [`MAX_MESSAGE_CHARS`]; may be empty.
        message: Untrusted,
        /// The ids under which the service logged the request.
        request_ids: Box<RequestIds>,
        /// How long the API says to wait.
        retry_after: Option<Duration>,
    },
    /// The request may or may not have been executed: nobody can tell from here.
    #[error("{}", unknown(reason, *status, code.as_ref(), &told(message, request_ids)))]
    Unknown {
        /// What was wrong with the answer, or that there was none.
        reason: UnknownReason,
        /// The HTTP status of the API's answer, if one arrived.
        status: Option<u16>,
        /// The error code, if the answer had one.
        code: Option<ErrorCode>,
        /// The API's explanation, at most [`MAX_MESSAGE_CHARS`]; may be empty.
        message: Untrusted,
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
    /// quote the answer.
    #[error("the answer lacks what it should say: {}", .0.for_terminal_line())]
    Incomplete(Untrusted),
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
            message: Untrusted::default(),
            request_ids: Box::default(),
            retry_after: None,
        }
    }
}

/// Cuts untrusted text to [`MAX_MESSAGE_CHARS`].
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(MAX_MESSAGE_CHARS).collect()
}

/// What the service says, fit to be kept and shown: cut, and without what it may repeat of ours. Of an address only the
/// host stays (it may be signed), of an API key only how it begins.
pub(super) fn without_secrets(text: &str) -> Untrusted {
    let text = shortened(text);
    let words = text.split_inclusive(char::is_whitespace);
    let words: String = words.map(without_secret).collect();
    shortened(&words).into()
}

fn without_secret(word: &str) -> Cow<'_, str> {
    let key = word.find(KEY_PREFIX).map(|at| at + KEY_PREFIX.len());
    let host = word.find("://").map(|at| at + "://".len());
    let path = host.and_then(|host| Some(host + word[host..].find(['/', '?', '#'])?));
    match [key, path].into_iter().flatten().min() {
        None => Cow::Borrowed(word),
        Some(end) => {
            let blank = &word[word.trim_end().len()..];
            Cow::Owned(format!("{}\u{2026}{blank}", &word[..end]))
        }
    }
}

/// What was said of a call without a clear answer, in one line.
fn unknown(
    reason: &UnknownReason,
    status: Option<u16>,
    code: Option<&ErrorCode>,
    told: &str,
) -> String {
    let status = status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    let code = code.map_or_else(String::new, |code| format!(": {code}"));
    let reason = terminal::line(&reason.to_string());
    format!("the outcome of the request is unknown: {reason}{status}{code}{told}")
}

/// The API's words, and what to tell its support.
fn told(message: &Untrusted, request_ids: &RequestIds) -> String {
    let message = message.for_terminal_line();
    let request = request_ids.preferred().map(ToString::to_string);
    let message = if message.is_empty() {
        message
    } else {
        format!(": {message}")
    };
    match request {
        Some(request) => format!("{message} [request {request}]"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::RequestId;
    use super::*;

    fn request_ids() -> Box<RequestIds> {
        Box::new(RequestIds {
            body: RequestId::new("req_1").ok(),
            header: None,
        })
    }

    #[test]
    fn an_error_is_one_line_with_the_words_of_the_api_and_the_request() {
        let refused = |message: &str, request_ids| CallError::Refused {
            status: 402,
            code: ErrorCode::InsufficientBalance,
            message: message.into(),
            request_ids,
            retry_after: None,
        };
        assert_eq!(
            refused("The workspace\nbalance is empty", request_ids()).to_string(),
            "insufficient_balance (HTTP 402): The workspace balance is empty [request req_1]"
        );
        assert_eq!(
            refused("", Box::default()).to_string(),
            "insufficient_balance (HTTP 402)"
        );
        let unknown = CallError::Unknown {
            reason: UnknownReason::ServerFailure,
            status: Some(503),
            code: Some(ErrorCode::ServiceUnavailable),
            message: "try later".into(),
            request_ids: request_ids(),
            retry_after: None,
        };
        assert_eq!(
            unknown.to_string(),
            "the outcome of the request is unknown: the service failed (HTTP 503): \
             service_unavailable: try later [request req_1]"
        );
        assert_eq!(
            CallError::lost("timed out").to_string(),
            "the outcome of the request is unknown: the exchange broke off: timed out"
        );
    }

    #[test]
    fn keys_and_the_paths_of_addresses_are_left_out() {
        for (text, shown) in [
            ("no such key", "no such key"),
            (
                "the key 'gcad_live_secret' is revoked",
                "the key 'gcad_\u{2026} is revoked",
            ),
            (
                "see https://a.example/f?sig=secret\nor https://b.example?sig=secret",
                "see https://a.example\u{2026}\nor https://b.example\u{2026}",
            ),
            ("at https://a.example only", "at https://a.example only"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
