//! Downloads: who is asked for what, and with which headers.

use std::time::Duration;

use bytes::Bytes;
use http::Request;

use super::documented;
use super::scripted::{Scripted, answer, cut_off};
use crate::api::{
    ArtifactId, CallError, Client, Download, ErrorCode, Reply, TimeLimit, TransportError,
    UnknownReason,
};

const STEP: &str = "ISO-10303-21;\nEND-ISO-10303-21;\n";

async fn download(client: &Client) -> Result<Reply<Download>, CallError> {
    let artifact = ArtifactId::new("art_1").unwrap();
    client.download(&artifact).await
}

fn link(url: &str) -> String {
    format!(r#"{{"url":"{url}"}}"#)
}

fn redirect(status: u16, to: &str) -> Result<http::Response<crate::api::Body>, TransportError> {
    answer(status, &[("location", to)], "")
}

/// The first request is the API's, with the key; the others are nobody's.
fn assert_credentials(requests: &[Request<Bytes>], urls: &[&str]) {
    let seen: Vec<String> = requests.iter().map(|r| r.uri().to_string()).collect();
    assert!(seen[0].ends_with("/api/v1/artifacts/art_1/download?redirect=false"));
    assert_eq!(seen[1..], *urls);
    assert!(requests[0].headers().contains_key("authorization"));
    for request in &requests[1..] {
        assert!(request.headers().is_empty(), "{:?}", request.headers());
        assert_eq!(request.method(), "GET");
        let limit = TimeLimit::Idle {
            whole: Duration::from_secs(30 * 60),
        };
        assert_eq!(request.extensions().get(), Some(&limit));
    }
}

#[tokio::test]
async fn a_file_is_fetched_from_its_signed_url_without_credentials() {
    let script = Scripted::new([
        answer(200, &[], link("https://s.example/f?sig=1")),
        answer(200, &[], STEP),
    ]);
    let reply = download(&script.client()).await.unwrap();
    assert_eq!(reply.value.content, STEP);
    assert_credentials(&script.requests(), &["https://s.example/f?sig=1"]);
}

#[tokio::test]
async fn a_link_to_another_artifact_is_not_followed() {
    let script = Scripted::new([answer(200, &[], documented::DOWNLOAD)]);
    let error = download(&script.client()).await.unwrap_err();
    assert!(error.to_string().contains("another artifact"), "{error}");
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_in_place_of_json_is_taken_as_the_link() {
    let headers = [
        ("location", "https://s.example/f?sig=1"),
        ("x-request-id", "req_1"),
    ];
    let script = Scripted::new([answer(302, &headers, ""), answer(200, &[], STEP)]);
    let reply = download(&script.client()).await.unwrap();
    assert_eq!(reply.request_ids.preferred().unwrap().as_str(), "req_1");
    assert_credentials(&script.requests(), &["https://s.example/f?sig=1"]);
}

#[tokio::test]
async fn no_hop_of_a_chain_gets_credentials_not_even_the_api_itself() {
    for status in [301, 302, 303, 307, 308] {
        let script = Scripted::new([
            answer(200, &[], link("https://a.example/1")),
            redirect(status, "https://www.ballistalabs.ai/api/v1/x"),
            redirect(status, "//b.example/2#part"),
            redirect(status, "3?sig=1"),
            redirect(status, "https://sub.www.ballistalabs.ai/4"),
            redirect(status, "https://www.ballistalabs.ai:8443/5"),
            answer(200, &[], STEP),
        ]);
        download(&script.client()).await.unwrap();
        let urls = [
            "https://a.example/1",
            "https://www.ballistalabs.ai/api/v1/x",
            "https://b.example/2",
            "https://b.example/3?sig=1",
            "https://sub.www.ballistalabs.ai/4",
            "https://www.ballistalabs.ai:8443/5",
        ];
        assert_credentials(&script.requests(), &urls);
    }
}

#[tokio::test]
async fn a_sixth_redirect_is_not_followed() {
    let hops = (0..6).map(|_| redirect(302, "https://a.example/again"));
    let first = answer(200, &[], link("https://a.example/1"));
    let script = Scripted::new(std::iter::once(first).chain(hops));
    let error = download(&script.client()).await.unwrap_err();
    assert!(error.to_string().contains("too many redirects"), "{error}");
    assert_eq!(script.requests().len(), 7);
}

#[tokio::test]
async fn a_link_to_a_forbidden_place_is_not_requested_at_any_hop() {
    for place in [
        "http://a.example/f",
        "https://169.254.169.254/",
        "file:///etc/passwd",
    ] {
        let direct = Scripted::new([answer(200, &[], link(place))]);
        download(&direct.client()).await.unwrap_err();
        assert_eq!(direct.requests().len(), 1, "{place}");

        let first = answer(200, &[], link("https://a.example/1"));
        let later = Scripted::new([first, redirect(302, place)]);
        download(&later.client()).await.unwrap_err();
        assert_eq!(later.requests().len(), 2, "{place}");
    }
}

#[tokio::test]
async fn a_simulated_origin_serves_its_files_over_loopback() {
    let script = Scripted::new([
        answer(200, &[], link("/storage/f?sig=1")),
        answer(200, &[], STEP),
    ]);
    let client = script.client_at("http://127.0.0.1:8080");
    download(&client).await.unwrap();
    assert_credentials(
        &script.requests(),
        &["http://127.0.0.1:8080/storage/f?sig=1"],
    );
}

#[tokio::test]
async fn storage_that_gives_no_whole_file_makes_a_storage_error_and_never_a_refusal() {
    let failures = [
        answer(403, &[], r#"{"error":{"code":"unauthorized"}}"#),
        answer(404, &[], "expired"),
        answer(500, &[], ""),
        answer(206, &[], STEP),
        answer(302, &[], "no location"),
        answer(200, &[("content-length", "99999")], STEP),
        answer(200, &[("content-length", "99999999999")], STEP),
        cut_off(200, "ISO-10303-21;"),
        Err(TransportError::NotSent("connection refused".into())),
    ];
    for failure in failures {
        let signed = link("https://s.example/path-canary?sig=query-canary");
        let script = Scripted::new([answer(200, &[], signed), failure]);
        let error = download(&script.client()).await.unwrap_err();
        assert!(
            matches!(
                &error,
                CallError::Unknown {
                    reason: UnknownReason::Storage(_),
                    ..
                }
            ),
            "{error:?}"
        );
        let shown = format!("{error:?} {error}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_api_stays_one_and_a_link_without_a_url_is_unknown() {
    let gone = Scripted::new([answer(404, &[], "")]);
    let error = download(&gone.client()).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::NotFound));
    for (status, body) in [(200, "{}"), (200, STEP), (302, "{}")] {
        let script = Scripted::new([answer(status, &[], body)]);
        let error = download(&script.client()).await.unwrap_err();
        assert!(matches!(error, CallError::Unknown { .. }), "{error:?}");
        assert_eq!(script.requests().len(), 1);
    }
}
