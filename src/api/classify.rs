//! The table that says what an answer proves.
//!
//! The document lists statuses and codes apart and promises only the shape of an error, so the rule
//! is: a refusal is believed when it is unmistakably the API's own and cannot hide an execution.
//! Whatever a proxy, a crash or a half-finished write could also have answered is unknown.

use http::StatusCode;

use super::error::UnknownReason;
use super::error_code::ErrorCode;
use crate::teeth::{Bug, bites};

/// What the body of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// A JSON object with the documented `error` object in it.
    Error(&'a ErrorCode),
    /// Any other JSON object.
    Object,
    /// Anything else: nothing, text, HTML, a JSON array.
    Other,
}

/// What an answer proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request was executed, if the object holds the essential fields.
    Success,
    /// The request was not executed.
    Refused(ErrorCode),
    /// Nothing.
    Unknown(UnknownReason),
}

/// Judges an answer by its status and the shape of its body. Statuses below 400 that are no success
/// count as redirects: nothing in the document explains them.
pub(super) fn classify(status: StatusCode, shape: Shape<'_>) -> Verdict {
    use ErrorCode as Code;
    use UnknownReason::{Malformed, Redirected, ServerFailure};

    match (status.as_u16(), shape) {
        // The assistant had its try and failed; the document gives this code no status.
        (400.., Shape::Error(Code::ReviewAgentFailed)) => Verdict::Refused(Code::ReviewAgentFailed),
        // A failed job may carry an error of its own.
        (200..=299, Shape::Object | Shape::Error(_)) => Verdict::Success,
        (200..=299, Shape::Other) => Verdict::Unknown(Malformed),
        (..=399, _) => Verdict::Unknown(Redirected),
        // An outage under a status that blames the request says nothing about the request.
        (
            400..=499,
            Shape::Error(
                Code::InternalError | Code::ServiceUnavailable | Code::ReviewAgentUnavailable,
            ),
        ) => Verdict::Unknown(ServerFailure),
        (400..=499, Shape::Error(code)) => Verdict::Refused(code.clone()),
        (401, _) => Verdict::Refused(Code::Unauthorized),
        (403, _) => Verdict::Refused(Code::InsufficientScope),
        (404, _) => Verdict::Refused(Code::NotFound),
        // Servers and proxies answer these before any handler runs.
        (code @ (413 | 415 | 422), _) => Verdict::Refused(Code::Other(format!("http_{code}"))),
        (400..=499, _) => Verdict::Unknown(Malformed),
        (500.., _) if bites(Bug::ServerErrorIsRefusal) => {
            Verdict::Refused(Code::Other("http_500".to_owned()))
        }
        (500.., _) => Verdict::Unknown(ServerFailure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, shape: Shape<'_>) -> Verdict {
        classify(StatusCode::from_u16(status).unwrap(), shape)
    }

    fn refused(code: &str) -> Verdict {
        Verdict::Refused(code.into())
    }

    const FAILURE: Verdict = Verdict::Unknown(UnknownReason::ServerFailure);
    const MALFORMED: Verdict = Verdict::Unknown(UnknownReason::Malformed);
    const REDIRECTED: Verdict = Verdict::Unknown(UnknownReason::Redirected);

    #[test]
    fn an_error_of_the_api_is_a_refusal_under_every_4xx() {
        let codes = [
            "insufficient_balance",
            "rate_limited",
            "job_already_running",
            "odd_one",
        ];
        for status in [
            400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 425, 429, 499,
        ] {
            for code in codes {
                let shape = Shape::Error(&code.into());
                assert_eq!(judged(status, shape), refused(code), "{status} {code}");
            }
            for code in [
                "internal_error",
                "service_unavailable",
                "review_agent_unavailable",
            ] {
                assert_eq!(
                    judged(status, Shape::Error(&code.into())),
                    FAILURE,
                    "{status} {code}"
                );
            }
        }
    }

    #[test]
    fn a_5xx_is_unknown_whatever_it_says() {
        let code = ErrorCode::ReviewAgentUnavailable;
        let balance = ErrorCode::InsufficientBalance;
        for status in [500, 501, 502, 503, 504, 520, 599, 999] {
            for shape in [
                Shape::Error(&code),
                Shape::Error(&balance),
                Shape::Object,
                Shape::Other,
            ] {
                assert_eq!(judged(status, shape), FAILURE, "{status} {shape:?}");
            }
        }
    }

    #[test]
    fn a_failed_review_is_a_refusal_under_every_status_of_an_error() {
        let shape = Shape::Error(&ErrorCode::ReviewAgentFailed);
        for status in [400, 409, 422, 500, 502, 503] {
            assert_eq!(
                judged(status, shape),
                refused("review_agent_failed"),
                "{status}"
            );
        }
        assert_eq!(judged(200, shape), Verdict::Success);
        assert_eq!(judged(302, shape), REDIRECTED);
    }

    #[test]
    fn a_4xx_without_the_documented_shape_is_believed_only_where_the_status_is_enough() {
        for shape in [Shape::Object, Shape::Other] {
            assert_eq!(judged(401, shape), refused("unauthorized"));
            assert_eq!(judged(403, shape), refused("insufficient_scope"));
            assert_eq!(judged(404, shape), refused("not_found"));
            for status in [413, 415, 422] {
                assert_eq!(judged(status, shape), refused(&format!("http_{status}")));
            }
            for status in [400, 402, 405, 408, 409, 410, 425, 429, 451] {
                assert_eq!(judged(status, shape), MALFORMED, "{status}");
            }
        }
    }

    #[test]
    fn a_2xx_is_a_success_only_with_an_object_and_a_3xx_never_is() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judged(status, Shape::Object), Verdict::Success);
            assert_eq!(judged(status, Shape::Other), MALFORMED);
            let own_error = ErrorCode::Other("out_of_memory".into());
            assert_eq!(judged(status, Shape::Error(&own_error)), Verdict::Success);
        }
        for status in [100, 101, 300, 301, 302, 304, 307, 308, 399] {
            let code = ErrorCode::NotFound;
            for shape in [Shape::Object, Shape::Other, Shape::Error(&code)] {
                assert_eq!(judged(status, shape), REDIRECTED, "{status} {shape:?}");
            }
        }
    }
}
