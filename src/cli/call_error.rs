//! A question to the service that brought no answer: in words, as JSON, and what helps.

use serde_json::{Value, json};

use super::error::Kind;
use super::exit::ExitCode;
use crate::api::{CallError, ErrorCode, RequestId, RequestIds, UnknownReason};

pub(super) const UNREACHABLE: Kind = Kind::new(
    "unreachable",
    ExitCode::Resumable,
    "look at the network and at ORVILLE_BASE_URL, then try again",
);

/// What the API said and, for its support, the id under which it logged the request. Holds words of the service.
pub(super) fn words(error: &CallError) -> String {
    let (what, message) = match error {
        CallError::Refused { message, .. } => {
            ("the API refused the request".to_owned(), message.as_str())
        }
        CallError::Unknown {
            reason, message, ..
        } => (format!("no answer to go by: {reason}"), message.as_str()),
        CallError::NotSent { reason } => (format!("the request was not sent: {reason}"), ""),
    };
    let mut words = what;
    if !message.is_empty() {
        words.push_str(&format!(": {message}"));
    }
    let facts: Vec<String> = [
        error.code().map(ToString::to_string),
        error.status().map(|status| format!("HTTP {status}")),
        request_id(error).map(|id| format!("request {id}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !facts.is_empty() {
        words.push_str(&format!(" ({})", facts.join(", ")));
    }
    words
}

/// Adds to `told` what only errors of the API have.
pub(super) fn add_facts(told: &mut Value, error: &CallError) {
    told["code"] = json!(error.code().map(ErrorCode::as_str));
    told["status"] = json!(error.status());
    told["request_id"] = json!(request_id(error));
}

/// What kind of error it is, for commands that only look.
pub(super) fn kind(error: &CallError) -> Kind {
    match error {
        CallError::Refused { code, .. } => match code {
            ErrorCode::Unauthorized | ErrorCode::InsufficientScope => Kind::new(
                "key_refused",
                ExitCode::Key,
                "look at ORVILLE_API_KEY and at what its key may do",
            ),
            ErrorCode::RateLimited => {
                Kind::new("rate_limited", ExitCode::Resumable, "try again in a minute")
            }
            ErrorCode::NotFound => Kind::new(
                "not_found",
                ExitCode::Usage,
                "`millrun jobs list` shows the jobs of this key's workspace",
            ),
            _ => Kind::bare("refused", ExitCode::Usage),
        },
        CallError::Unknown { reason, .. } => match reason {
            UnknownReason::Lost(_) | UnknownReason::Storage(_) => UNREACHABLE,
            UnknownReason::ServerFailure => Kind::new(
                "service_failed",
                ExitCode::Resumable,
                "the trouble is at the service: try again in a minute",
            ),
            UnknownReason::Redirected
            | UnknownReason::Malformed
            | UnknownReason::TooLong
            | UnknownReason::Incomplete(_) => Kind::new(
                "odd_answer",
                ExitCode::Resumable,
                "look at ORVILLE_BASE_URL: is it the API that answers there?",
            ),
        },
        CallError::NotSent { .. } => UNREACHABLE,
    }
}

fn request_id(error: &CallError) -> Option<&str> {
    let ids: &RequestIds = match error {
        CallError::Refused { request_ids, .. } | CallError::Unknown { request_ids, .. } => {
            request_ids
        }
        CallError::NotSent { .. } => return None,
    };
    ids.preferred().map(RequestId::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_api_is_told_with_its_message_and_its_request_id() {
        let request_ids = Box::new(RequestIds {
            body: Some(RequestId::new("req_7").unwrap()),
            header: None,
        });
        let refused = CallError::Refused {
            status: 404,
            code: ErrorCode::NotFound,
            message: "There is no such job.".to_owned(),
            request_ids: request_ids.clone(),
            retry_after: None,
        };
        assert_eq!(
            words(&refused),
            "the API refused the request: There is no such job. (not_found, HTTP 404, request req_7)"
        );
        let failed = CallError::Unknown {
            reason: UnknownReason::ServerFailure,
            status: Some(503),
            code: None,
            message: String::new(),
            request_ids,
            retry_after: None,
        };
        assert_eq!(
            words(&failed),
            "no answer to go by: the service failed (HTTP 503, request req_7)"
        );
        let mut told = json!({});
        add_facts(&mut told, &failed);
        assert_eq!(
            told,
            json!({ "code": null, "status": 503, "request_id": "req_7" })
        );
    }
}
