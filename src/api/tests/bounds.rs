//! What the client reads has bounds: in bytes, in depth, in time; and no wait that it is told is believed beyond reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};

use super::loopback::{Place, Server, Then, response};
use super::scripted::{Played, Scripted, answer, key};
use crate::api::{
    ArtifactId, CallError, Client, Download, Job, JobId, MAX_ARTIFACT_BYTES, MAX_JSON_BYTES,
    MAX_JSON_DEPTH, MAX_POLL_AFTER, MAX_RETRY_AFTER, Prompt, QueuedJob, Reply, UnknownReason,
};

const CHUNK: usize = 1024 * 1024;

async fn create(client: &Client) -> Result<Reply<QueuedJob>, CallError> {
    let prompt = Prompt {
        text: "A plate.",
        images: &[],
    };
    client.create_job(prompt, &key()).await
}

async fn poll(client: &Client) -> Result<Reply<Job>, CallError> {
    client.job(&JobId::new("cadjob_1").unwrap()).await
}

async fn download(client: &Client) -> Result<Reply<Download>, CallError> {
    client.download(&ArtifactId::new("art_1").unwrap()).await
}

fn reason(error: CallError) -> UnknownReason {
    match error {
        CallError::Unknown { reason, .. } => reason,
        other => panic!("expected an unknown outcome, got {other:?}"),
    }
}

/// A body without end, and how many of its chunks were asked for.
fn endless() -> (Played, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let chunks = stream::repeat(Bytes::from(vec![b' '; CHUNK])).map(move |chunk| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(http_body::Frame::data(chunk))
    });
    let body = StreamBody::new(chunks).boxed_unsync();
    (Ok(Response::new(body)), asked)
}

#[tokio::test]
async fn of_a_json_answer_without_end_no_more_is_read_than_may_be() {
    let (body, asked) = endless();
    let error = create(&Scripted::new([body]).client()).await.unwrap_err();
    assert_eq!(reason(error), UnknownReason::TooLong);
    assert_eq!(asked.load(Ordering::Relaxed), MAX_JSON_BYTES / CHUNK + 1);
}

#[tokio::test]
async fn of_a_file_without_end_no_more_is_read_than_may_be() {
    let (body, asked) = endless();
    let link = answer(200, &[], r#"{"url":"https://s.example/f"}"#);
    let error = download(&Scripted::new([link, body]).client())
        .await
        .unwrap_err();
    let UnknownReason::Storage(why) = reason(error) else {
        panic!("expected a storage failure");
    };
    assert_eq!(why, "the file is too long");
    assert_eq!(
        asked.load(Ordering::Relaxed),
        MAX_ARTIFACT_BYTES / CHUNK + 1
    );
}

#[tokio::test]
async fn a_json_answer_may_be_as_long_as_the_bound_and_not_a_byte_longer() {
    let padded = |length: usize| {
        let mut body = r#"{"id":"cadjob_1"}"#.to_owned();
        body.extend(std::iter::repeat_n(' ', length - body.len()));
        Scripted::new([answer(202, &[], body)]).client()
    };
    assert!(create(&padded(MAX_JSON_BYTES)).await.is_ok());
    let error = create(&padded(MAX_JSON_BYTES + 1)).await.unwrap_err();
    assert_eq!(reason(error), UnknownReason::TooLong);
}

#[tokio::test]
async fn a_json_answer_may_be_nested_64_deep_and_no_deeper() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        let body = format!(r#"{{"id":"cadjob_1","x":{open}{close}}}"#);
        Scripted::new([answer(202, &[], body)]).client()
    };
    assert!(create(&nested(MAX_JSON_DEPTH)).await.is_ok());
    for depth in [MAX_JSON_DEPTH + 1, 128, 10_000, 1_000_000] {
        let error = create(&nested(depth)).await.unwrap_err();
        assert_eq!(reason(error), UnknownReason::Malformed, "{depth}");
    }
}

#[tokio::test]
async fn a_content_length_that_lies_is_found_out() {
    let body = r#"{"id":"cadjob_1"}"#;
    for (told, expected) in [
        ("8388609", Err(UnknownReason::TooLong)),
        ("18446744073709551615", Err(UnknownReason::TooLong)),
        (
            "18",
            Err(UnknownReason::Lost("17 of 18 bytes arrived".into())),
        ),
        (
            "16",
            Err(UnknownReason::Lost("17 of 16 bytes arrived".into())),
        ),
        (
            "0",
            Err(UnknownReason::Lost("17 of 0 bytes arrived".into())),
        ),
        ("17", Ok(())),
        // No number that a length could be: the body itself tells.
        ("-1", Ok(())),
        ("much", Ok(())),
    ] {
        let script = Scripted::new([answer(202, &[("content-length", told)], body)]);
        let read = create(&script.client()).await.map(drop).map_err(reason);
        assert_eq!(read, expected, "{told}");
    }
}

#[tokio::test]
async fn on_the_wire_a_chunked_answer_without_end_is_given_up_at_the_bound() {
    let place = Place::new().await;
    let client = place.client();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    let server = place.serve_and(Then::Repeat(chunk), |_| {
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()
    });
    let error = create(&client).await.unwrap_err();
    assert_eq!(reason(error), UnknownReason::TooLong);
    assert_eq!(server.requests().len(), 1);
}

/// Lets `call` begin in real time, and gives it all the time it wants once the server has been asked `requests` times.
async fn when_stalled<T>(
    server: &Server,
    requests: usize,
    call: impl Future<Output = T>,
) -> (T, Duration) {
    let mut call = std::pin::pin!(call);
    while server.requests().len() < requests {
        tokio::select! {
            biased;
            _ = &mut call => panic!("it ended before the server stalled"),
            () = tokio::task::yield_now() => {}
        }
    }
    tokio::time::pause();
    let stalled = tokio::time::Instant::now();
    (call.await, stalled.elapsed())
}

/// The head of an answer and the beginning of its body, and nothing more.
const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"id\":\"cadjob_1\",";

#[tokio::test]
async fn an_answer_that_stalls_is_given_up_after_a_minute_for_reads_and_three_for_writes() {
    for (stalls_at, whole) in [("GET", 60), ("POST", 180)] {
        let place = Place::new().await;
        let client = place.client();
        let server = place.serve_and(Then::Stall, |_| HALF.to_owned());
        let call = async {
            if stalls_at == "GET" {
                poll(&client).await.map(drop)
            } else {
                create(&client).await.map(drop)
            }
        };
        let (result, waited) = when_stalled(&server, 1, call).await;
        tokio::time::resume();
        let lost = reason(result.unwrap_err());
        assert!(matches!(lost, UnknownReason::Lost(_)), "{lost}");
        assert_eq!(
            waited.as_secs_f64().round(),
            f64::from(whole),
            "{stalls_at}"
        );
    }
}

#[tokio::test]
async fn a_file_on_which_nothing_moves_is_given_up_after_a_minute() {
    let place = Place::new().await;
    let client = place.client();
    let server = place.serve_and(Then::Stall, |line| {
        if line.contains("/download") {
            let link = r#"{"url":"/storage/f"}"#;
            response(200, &[], link)
        } else {
            HALF.to_owned()
        }
    });
    let (result, waited) = when_stalled(&server, 2, download(&client)).await;
    let lost = reason(result.unwrap_err());
    assert!(matches!(lost, UnknownReason::Storage(_)), "{lost}");
    assert_eq!(waited.as_secs_f64().round(), 60.0);
}

#[tokio::test]
async fn a_told_wait_before_a_poll_is_clamped() {
    for (told, wait) in [
        ("-1", Some(Duration::ZERO)),
        ("0", Some(Duration::ZERO)),
        ("2.5", Some(Duration::from_millis(2_500))),
        ("1000000000000", Some(MAX_POLL_AFTER)),
        ("1e308", Some(MAX_POLL_AFTER)),
        ("-1e308", Some(Duration::ZERO)),
        ("\"NaN\"", None),
        ("\"Thu, 01 Jan 1970 00:00:00 GMT\"", None),
        ("\"9999-12-31T23:59:59.000Z\"", None),
        ("[30]", None),
    ] {
        let body = format!(r#"{{"id":"cadjob_1","status":"queued","poll_after_seconds":{told}}}"#);
        let script = Scripted::new([answer(202, &[], body.clone()), answer(200, &[], body)]);
        let client = script.client();
        assert_eq!(
            create(&client).await.unwrap().value.poll_after,
            wait,
            "{told}"
        );
        assert_eq!(
            poll(&client).await.unwrap().value.poll_after,
            wait,
            "{told}"
        );
    }
    // Not JSON, so no answer at all.
    let script = Scripted::new([answer(202, &[], r#"{"id":"c","poll_after_seconds":NaN}"#)]);
    let error = create(&script.client()).await.unwrap_err();
    assert_eq!(reason(error), UnknownReason::Malformed);
}

#[tokio::test]
async fn a_told_wait_before_a_retry_is_clamped_in_refusals_and_failures_alike() {
    const NOON: &str = "Tue, 24 Nov 2026 12:00:00 GMT";
    for (told, wait) in [
        ("-1", None),
        ("0", Some(Duration::ZERO)),
        ("2.5", Some(Duration::from_millis(2_500))),
        ("1000000000000", Some(MAX_RETRY_AFTER)),
        ("1e12", None),
        ("NaN", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(Duration::ZERO)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(MAX_RETRY_AFTER)),
        (
            "Tue, 24 Nov 2026 12:00:07 GMT",
            Some(Duration::from_secs(7)),
        ),
    ] {
        let headers = [("retry-after", told), ("date", NOON)];
        let body = r#"{"error":{"code":"rate_limited","message":"later"}}"#;
        for status in [429, 503] {
            let script = Scripted::new([answer(status, &headers, body)]);
            let error = create(&script.client()).await.unwrap_err();
            assert_eq!(error.retry_after(), wait, "{status} {told}");
        }
    }
}
