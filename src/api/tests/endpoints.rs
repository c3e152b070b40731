//! Every endpoint, with the API document's own examples.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::json;

use super::documented;
use super::scripted::{Scripted, answer, key};
use crate::api::{
    ArtifactId, Cents, Client, Image, ImageType, JobId, JobQuery, JobStatus, Prompt, Reply,
    ReviewRequest, RevisionId, Role, Untrusted,
};

const JOB: &str = "cadjob_385f3130-1ebc-40b7-85d9-6ded5ecc8a0f";
const API: &str = "https://www.ballistalabs.ai/api/v1";
const REQUEST_ID: &str = "req_8f3c2d0e98ab4e53981f481d661d44ab";

fn answered(status: u16, body: &'static str) -> (Scripted, Client) {
    let script = Scripted::new([answer(status, &[("x-request-id", "req_header")], body)]);
    let client = script.client();
    (script, client)
}

fn text(text: &Option<Untrusted>) -> Option<&str> {
    text.as_ref().map(Untrusted::as_raw_untrusted)
}

fn job_id() -> JobId {
    JobId::new(JOB).unwrap()
}

/// The single request, which has what every request to the API has.
fn only_request<T>(script: &Scripted, reply: &Reply<T>) -> Request<Bytes> {
    assert_eq!(reply.request_ids.preferred().unwrap().as_str(), REQUEST_ID);
    assert_eq!(
        reply.request_ids.header.as_ref().unwrap().as_str(),
        "req_header"
    );
    let [request] = script.requests().try_into().unwrap();
    assert_eq!(
        request.headers()["authorization"],
        "Bearer gcad_live_canary"
    );
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.headers()["accept"], "application/json");
    request
}

fn assert_read<T>(script: &Scripted, reply: &Reply<T>, path: &str) {
    let request = only_request(script, reply);
    assert_eq!(request.method(), Method::GET);
    assert_eq!(request.uri().to_string(), format!("{API}{path}"));
    assert!(!request.headers().contains_key("idempotency-key"));
    assert!(request.body().is_empty());
}

fn assert_write<T>(script: &Scripted, reply: &Reply<T>, path: &str) -> Request<Bytes> {
    let request = only_request(script, reply);
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri().to_string(), format!("{API}{path}"));
    assert_eq!(request.headers()["idempotency-key"], "mr1-key");
    request
}

#[tokio::test]
async fn jobs_are_listed() {
    let (script, client) = answered(200, documented::LIST);
    let query = JobQuery {
        limit: Some(20),
        cursor: None,
        q: Some("mounting plate"),
    };
    let reply = client.list_jobs(query).await.unwrap();
    assert_read(&script, &reply, "/cad/jobs?limit=20&q=mounting%20plate");
    let [job] = reply.value.jobs.try_into().unwrap();
    assert_eq!(job.id, job_id());
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(text(&job.source), Some("webapp"));
    assert_eq!(text(&job.title), Some("Mounting plate"));
    assert_eq!(
        text(&job.last_message),
        Some("Increase the thickness to 8 mm.")
    );
    assert_eq!(reply.value.next_cursor, None);
}

#[tokio::test]
async fn a_job_is_created_from_text() {
    let (script, client) = answered(202, documented::CREATE);
    let prompt = Prompt {
        text: "Create a simple flat rectangular bracket with two through holes.",
        images: &[],
    };
    let reply = client.create_job(prompt, &key()).await.unwrap();
    let request = assert_write(&script, &reply, "/cad/jobs");
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(
        request.body(),
        r#"{"prompt":"Create a simple flat rectangular bracket with two through holes."}"#
    );
    assert_eq!(reply.status, 202);
    assert_eq!(reply.value.id, job_id());
    assert_eq!(reply.value.status, JobStatus::Queued);
    assert_eq!(reply.value.poll_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn an_exact_retry_with_an_image_repeats_every_byte() {
    let body = documented::CREATE;
    let script = Scripted::new([answer(202, &[], body), answer(202, &[], body)]);
    let images = [Image {
        bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\n"),
        media_type: ImageType::Png,
    }];
    let prompt = Prompt {
        text: "Create a mounting plate.",
        images: &images,
    };
    for _ in 0..2 {
        script.client().create_job(prompt, &key()).await.unwrap();
    }
    let [first, second] = script.requests().try_into().unwrap();
    assert_eq!(first.headers(), second.headers());
    assert_eq!(first.uri(), second.uri());
    assert_eq!(first.body(), second.body());
    let content_type = first.headers()["content-type"].to_str().unwrap();
    assert!(content_type.starts_with("multipart/form-data; boundary=millrun-"));
}

#[tokio::test]
async fn a_job_is_polled() {
    let (script, client) = answered(200, documented::POLL);
    let reply = client.job(&job_id()).await.unwrap();
    assert_read(&script, &reply, &format!("/cad/jobs/{JOB}"));
    let job = reply.value;
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(job.poll_after, None);
    let cost = job.cost.unwrap();
    assert_eq!(cost.charged, Some(Cents::new(200)));
    assert_eq!(text(&cost.currency), Some("usd"));
    assert_eq!(
        job.latest_revision_id.unwrap().as_str(),
        "rev_4FIoIk2zfzNGakNvYMXDAA"
    );
    let [artifact] = job.artifacts.try_into().unwrap();
    assert_eq!(job.assembly_tree.unwrap().artifact_id, Some(artifact.id));
    assert_eq!(text(&artifact.filename), Some("449_mounting_plate.step"));
}

#[tokio::test]
async fn a_follow_up_is_sent() {
    let (script, client) = answered(202, documented::FOLLOW_UP);
    let prompt = Prompt {
        text: "Make the plate 8 mm thick.",
        images: &[],
    };
    let reply = client.follow_up(&job_id(), prompt, &key()).await.unwrap();
    let request = assert_write(&script, &reply, &format!("/cad/jobs/{JOB}/messages"));
    assert_eq!(request.body(), r#"{"prompt":"Make the plate 8 mm thick."}"#);
    assert_eq!(
        reply.value.message_id.unwrap().as_str(),
        "3b6b1e3a-5a40-475b-bef0-6d52e2fdd16c"
    );
}

#[tokio::test]
async fn a_review_is_asked_for() {
    let (script, client) = answered(200, documented::REVIEW);
    let revision = RevisionId::new("rev_4FIoIk2zfzNGakNvYMXDAA").unwrap();
    let review = ReviewRequest {
        prompt: "Review this.",
        revision_id: Some(&revision),
        viewer_state: None,
    };
    let reply = client.review(&job_id(), review, &key()).await.unwrap();
    let request = assert_write(&script, &reply, &format!("/cad/jobs/{JOB}/review"));
    assert_eq!(
        request.body(),
        r#"{"prompt":"Review this.","revision_id":"rev_4FIoIk2zfzNGakNvYMXDAA"}"#
    );
    assert_eq!(reply.value.revision_id, Some(revision));
    assert_eq!(text(&reply.value.review.mode), Some("review"));
    assert!(reply.value.review.iteration_proposal.is_null());
    assert_eq!(reply.value.review.viewer_actions, json!([]).into());
}

#[tokio::test]
async fn a_proposal_is_kept_whatever_it_is() {
    let proposals = [
        json!(null),
        json!("Thicken the flange."),
        json!({"summary": "Thicken", "prompt": "Make it 8 mm."}),
        json!([1, {"x": []}]),
    ];
    for proposal in proposals {
        let body = json!({"job_id": JOB, "review": {"iteration_proposal": proposal}});
        let script = Scripted::new([answer(200, &[], body.to_string())]);
        let review = ReviewRequest {
            prompt: "Review.",
            revision_id: None,
            viewer_state: None,
        };
        let reply = script.client().review(&job_id(), review, &key()).await;
        assert_eq!(
            reply.unwrap().value.review.iteration_proposal,
            proposal.into()
        );
    }
}

#[tokio::test]
async fn a_conversation_is_read() {
    let (script, client) = answered(200, documented::MESSAGES);
    let reply = client.messages(&job_id()).await.unwrap();
    assert_read(&script, &reply, &format!("/cad/jobs/{JOB}/messages"));
    let [user, assistant, review] = reply.value.messages.try_into().unwrap();
    assert_eq!((user.role, assistant.role), (Role::User, Role::Assistant));
    assert_eq!(user.content, "Create a mounting plate from this sketch.");
    assert_eq!(user.images[0].size_bytes, Some(184_221));
    assert_eq!(text(&user.images[0].content_type), Some("image/png"));
    assert_eq!(text(&assistant.revision), Some("A"));
    assert_eq!(assistant.artifacts.len(), 1);
    assert!(assistant.review.is_none());
    let note = review.review.unwrap();
    assert!(note.message.as_raw_untrusted().starts_with("The bracket"));
}

#[tokio::test]
async fn latest_artifacts_are_listed() {
    let (script, client) = answered(200, documented::ARTIFACTS);
    let reply = client.artifacts(&job_id()).await.unwrap();
    assert_read(&script, &reply, &format!("/cad/jobs/{JOB}/artifacts"));
    let expected = ArtifactId::new("art_pW89wqwr67T7O00Ri_8ThA").unwrap();
    assert_eq!(reply.value.artifacts[0].id, expected);
    assert_eq!(reply.value.job_id, job_id());
}

#[tokio::test]
async fn the_balance_is_read() {
    let (script, client) = answered(200, documented::BALANCE);
    let reply = client.balance().await.unwrap();
    assert_read(&script, &reply, "/billing/balance");
    assert_eq!(reply.value.available, Cents::new(2_500));
    assert_eq!(reply.value.job_hold, Cents::new(200));
}

#[tokio::test]
async fn an_id_cannot_leave_its_path_segment() {
    let (script, client) = answered(200, documented::POLL);
    let odd = JobId::new("../../billing/balance?x=1#").unwrap();
    let reply = client.job(&odd).await.unwrap();
    assert_read(
        &script,
        &reply,
        "/cad/jobs/..%2F..%2Fbilling%2Fbalance%3Fx%3D1%23",
    );
}
