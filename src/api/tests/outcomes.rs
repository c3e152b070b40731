//! What a call says when there is no result.

use std::time::Duration;

use super::documented;
use super::scripted::{CANARY, Scripted, answer, cut_off, key};
use crate::api::{
    CallError, ErrorCode, JobId, JobQuery, MAX_JSON_BYTES, Prompt, QueuedJob, Reply,
    TransportError, UnknownReason,
};

async fn created(script: &Scripted) -> Result<Reply<QueuedJob>, CallError> {
    let prompt = Prompt {
        text: "A plate.",
        images: &[],
    };
    let result = script.client().create_job(prompt, &key()).await;
    assert_eq!(script.requests().len(), 1, "a call is one request");
    result
}

async fn unknown_reason(script: &Scripted) -> UnknownReason {
    match created(script).await {
        Err(CallError::Unknown { reason, .. }) => reason,
        other => panic!("expected an unknown outcome, got {other:?}"),
    }
}

#[tokio::test]
async fn the_documented_error_is_a_refusal_with_everything_it_says() {
    let headers = [("retry-after", "7"), ("x-request-id", "req_other")];
    let body = documented::ERROR;
    let error = created(&Scripted::new([answer(409, &headers, body)])).await;
    let Err(CallError::Refused {
        status,
        code,
        message,
        request_ids,
        retry_after,
    }) = error
    else {
        panic!("expected a refusal, got {error:?}");
    };
    assert_eq!((status, code), (409, ErrorCode::JobAlreadyRunning));
    assert_eq!(message, "CAD job already has an active run");
    assert_eq!(
        request_ids.body.unwrap().as_str(),
        "req_8f3c2d0e98ab4e53981f481d661d44ab"
    );
    assert_eq!(request_ids.header.unwrap().as_str(), "req_other");
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_503_is_unknown_and_keeps_its_code() {
    let body = r#"{"error":{"code":"service_unavailable","message":"try later"}}"#;
    let error = created(&Scripted::new([answer(
        503,
        &[("retry-after", "2.5")],
        body,
    )]))
    .await;
    assert_eq!(
        error,
        Err(CallError::Unknown {
            reason: UnknownReason::ServerFailure,
            status: Some(503),
            code: Some(ErrorCode::ServiceUnavailable),
            message: "try later".into(),
            request_ids: Box::default(),
            retry_after: Some(Duration::from_millis(2_500)),
        })
    );
}

#[tokio::test]
async fn a_success_that_does_not_say_what_it_must_is_unknown() {
    for body in [
        "{}",
        r#"{"id":null,"status":"queued"}"#,
        r#"{"id":"","status":"queued"}"#,
        r#"{"id":7}"#,
        r#"{"error":{"code":"internal_error"}}"#,
    ] {
        let script = Scripted::new([answer(202, &[], body)]);
        let reason = unknown_reason(&script).await;
        assert!(
            matches!(reason, UnknownReason::Incomplete(_)),
            "{body}: {reason}"
        );
    }
    for body in [
        "",
        "null",
        "[]",
        "<html>Bad gateway</html>",
        r#"{"id":"cadjob_1""#,
    ] {
        let script = Scripted::new([answer(200, &[], body)]);
        assert_eq!(
            unknown_reason(&script).await,
            UnknownReason::Malformed,
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_unknown_even_if_its_status_is_a_refusal() {
    for status in [202, 404, 409, 500] {
        let script = Scripted::new([cut_off(status, r#"{"error":{"code":"not_found"}"#)]);
        let error = created(&script).await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert!(
            matches!(
                &error,
                CallError::Unknown {
                    reason: UnknownReason::Lost(_),
                    ..
                }
            ),
            "{error:?}"
        );
    }
    let short = answer(202, &[("content-length", "900")], r#"{"id":"cadjob_1"}"#);
    let reason = unknown_reason(&Scripted::new([short])).await;
    assert!(matches!(reason, UnknownReason::Lost(_)), "{reason}");
}

#[tokio::test]
async fn an_answer_that_is_too_long_or_too_deep_is_unknown() {
    let long = " ".repeat(MAX_JSON_BYTES + 1);
    let reason = unknown_reason(&Scripted::new([answer(202, &[], long)])).await;
    assert_eq!(reason, UnknownReason::TooLong);
    let lying = answer(202, &[("content-length", "10000000000")], "{}");
    assert_eq!(
        unknown_reason(&Scripted::new([lying])).await,
        UnknownReason::TooLong
    );
    let deep = format!(r#"{{"id":"cadjob_1","x":{}"#, "[".repeat(100_000));
    let reason = unknown_reason(&Scripted::new([answer(202, &[], deep)])).await;
    assert_eq!(reason, UnknownReason::Malformed);
}

#[tokio::test]
async fn the_api_is_never_followed_elsewhere() {
    for status in [301, 302, 303, 307, 308] {
        let headers = [("location", "https://evil.example/")];
        let script = Scripted::new([answer(status, &headers, "{}")]);
        assert_eq!(unknown_reason(&script).await, UnknownReason::Redirected);
    }
}

#[tokio::test]
async fn only_a_transport_that_knows_so_says_that_nothing_was_sent() {
    let refused = TransportError::NotSent("connection refused".into());
    let error = created(&Scripted::new([Err(refused)])).await.unwrap_err();
    let reason = "connection refused".to_owned();
    assert_eq!(error, CallError::NotSent { reason });
    let lost = Scripted::new([Err(TransportError::Lost("timed out".into()))]);
    assert_eq!(
        unknown_reason(&lost).await,
        UnknownReason::Lost("timed out".into())
    );
}

#[tokio::test]
async fn an_address_that_cannot_be_requested_is_not_sent() {
    let script = Scripted::new([]);
    let cursor = "c".repeat(100_000);
    let query = JobQuery {
        cursor: Some(&cursor),
        ..JobQuery::default()
    };
    let error = script.client().list_jobs(query).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { .. }), "{error:?}");
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn a_message_is_cut_and_an_unauthorized_page_has_none() {
    let long = "\u{e9}".repeat(2_000);
    let body = format!(r#"{{"error":{{"code":"odd_one","message":"{long}"}}}}"#);
    let error = created(&Scripted::new([answer(400, &[], body)])).await;
    let Err(CallError::Refused { code, message, .. }) = error else {
        panic!("expected a refusal, got {error:?}");
    };
    assert_eq!(code, ErrorCode::Other("odd_one".into()));
    assert_eq!(message.as_raw_untrusted().chars().count(), 500);

    let page = answer(401, &[], "<html>Sign in</html>");
    let error = created(&Scripted::new([page])).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::Unauthorized));
}

#[tokio::test]
async fn half_a_character_in_a_text_does_not_lose_the_answer() {
    let body =
        r#"{"id":"cadjob_1","status":"completed","explanation":"A plate \ud83d","error":null}"#;
    let script = Scripted::new([answer(200, &[], body)]);
    let job = JobId::new("cadjob_1").unwrap();
    let reply = script.client().job(&job).await.unwrap();
    assert_eq!(reply.value.explanation, Some("A plate \u{fffd}".into()));
}

#[tokio::test]
async fn what_the_service_repeats_of_a_key_or_a_signed_address_is_not_shown() {
    let body = format!(
        r#"{{"error":{{"code":"unauthorized","message":"{CANARY} for https://s.example/canary?sig=canary"}}}}"#
    );
    for status in [401, 503] {
        let script = Scripted::new([answer(status, &[], body.clone())]);
        let error = created(&script).await.unwrap_err();
        let shown = format!("{error:?} {error}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn the_key_is_shown_by_neither_client_nor_request_nor_error() {
    let script = Scripted::new([answer(401, &[], "{}")]);
    let client = script.client();
    let job = JobId::new("cadjob_1").unwrap();
    let error = client.job(&job).await.unwrap_err();
    let requests = script.requests();
    let shown = format!("{client:?} {error:?} {error} {requests:?}");
    assert!(!shown.contains(CANARY), "{shown}");
}
