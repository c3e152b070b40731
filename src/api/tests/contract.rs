//! The client held to the API document's own examples: what it reads is written out again, field by field, and must be
//! the example. The types are taken apart without `..`, so that no field of them can be forgotten here.

use std::time::Duration;

use serde_json::{Value, json};

use super::documented::{self, parsed};
use super::scripted::{Scripted, answer, key};
use crate::api::{
    Artifact, ArtifactId, AssemblyNode, Balance, CallError, Cents, Client, Cost, Download,
    FollowUp, History, Job, JobId, JobPage, JobQuery, JobSummary, LatestArtifacts, Message,
    MessageImage, Prompt, QueuedJob, Reply, RequestIds, Review, ReviewNote, ReviewRequest, Role,
    Untrusted,
};

const JOB: &str = "cadjob_385f3130-1ebc-40b7-85d9-6ded5ecc8a0f";
const PROMPT: Prompt<'static> = Prompt {
    text: "A plate.",
    images: &[],
};
const STEP: &str = "ISO-10303-21;\nEND-ISO-10303-21;\n";

/// Asks once, gets `example`, and holds what was read against it.
async fn hold<T>(
    example: &str,
    ask: impl AsyncFnOnce(&Client) -> Result<Reply<T>, CallError>,
    written: impl FnOnce(T) -> Value,
) {
    let script = Scripted::new([answer(200, &[], example.to_owned())]);
    let reply = ask(&script.client()).await.unwrap();
    let RequestIds { body, header } = reply.request_ids;
    assert_eq!(header, None);
    let mut written = written(reply.value);
    written["request_id"] = json!(body);
    assert_eq!(written, parsed(example));
    assert_eq!(script.requests().len(), 1);
}

fn job_id() -> JobId {
    JobId::new(JOB).unwrap()
}

fn raw(text: Untrusted) -> String {
    text.into_raw_untrusted()
}

fn seconds(wait: Option<Duration>) -> Value {
    json!(wait.map(|wait| wait.as_secs()))
}

fn artifacts(artifacts: Vec<Artifact>) -> Value {
    let artifact = |artifact| {
        let Artifact {
            id,
            label,
            filename,
            kind,
            download_url,
        } = artifact;
        json!({
            "id": id,
            "label": label.map(raw),
            "filename": filename.map(raw),
            "kind": kind.map(raw),
            "download_url": download_url.map(raw),
        })
    };
    artifacts.into_iter().map(artifact).collect()
}

fn assembly(node: AssemblyNode) -> Value {
    let AssemblyNode {
        label,
        kind,
        filename,
        artifact_id,
        children,
    } = node;
    json!({
        "label": label.map(raw),
        "kind": kind.map(raw),
        "filename": filename.map(raw),
        "artifact_id": artifact_id,
        "children": children.into_iter().map(assembly).collect::<Vec<_>>(),
    })
}

fn review_note(note: ReviewNote) -> Value {
    let ReviewNote {
        mode,
        message,
        model,
        iteration_proposal,
        viewer_actions,
    } = note;
    json!({
        "mode": mode.map(raw),
        "message": raw(message),
        "model": model.map(raw),
        "iteration_proposal": iteration_proposal.as_raw_untrusted(),
        "viewer_actions": viewer_actions.as_raw_untrusted(),
    })
}

#[tokio::test]
async fn list_recent_jobs() {
    let summary = |job| {
        let JobSummary {
            id,
            status,
            source,
            title,
            prompt_preview,
            last_message,
            latest_revision_id,
            created_at,
            updated_at,
        } = job;
        json!({
            "id": id,
            "status": raw(status.to_untrusted()),
            "source": source.map(raw),
            "title": title.map(raw),
            "prompt_preview": prompt_preview.map(raw),
            "last_message": last_message.map(raw),
            "latest_revision_id": latest_revision_id,
            "created_at": created_at.map(raw),
            "updated_at": updated_at.map(raw),
        })
    };
    hold(
        documented::LIST,
        async |client| client.list_jobs(JobQuery::default()).await,
        |page| {
            let JobPage { jobs, next_cursor } = page;
            let jobs: Vec<Value> = jobs.into_iter().map(summary).collect();
            json!({ "jobs": jobs, "next_cursor": next_cursor.map(raw) })
        },
    )
    .await;
}

#[tokio::test]
async fn create_a_cad_job() {
    hold(
        documented::CREATE,
        async |client| client.create_job(PROMPT, &key()).await,
        |queued| {
            let QueuedJob {
                id,
                status,
                poll_after,
            } = queued;
            json!({
                "id": id,
                "status": raw(status.to_untrusted()),
                "poll_after_seconds": seconds(poll_after),
            })
        },
    )
    .await;
}

#[tokio::test]
async fn poll_job_status() {
    hold(
        documented::POLL,
        async |client| client.job(&job_id()).await,
        |job| {
            let Job {
                id,
                status,
                created_at,
                updated_at,
                poll_after,
                explanation,
                cost,
                latest_revision_id,
                assembly_tree,
                artifacts: files,
            } = job;
            let Cost { currency, charged } = cost.unwrap();
            json!({
                "id": id,
                "status": raw(status.to_untrusted()),
                "created_at": created_at.map(raw),
                "updated_at": updated_at.map(raw),
                "poll_after_seconds": seconds(poll_after),
                "explanation": explanation.map(raw),
                "cost": { "currency": currency.map(raw), "charged_cents": charged.map(Cents::get) },
                "latest_revision_id": latest_revision_id,
                "assembly_tree": assembly_tree.map(assembly),
                "artifacts": artifacts(files),
            })
        },
    )
    .await;
}

#[tokio::test]
async fn send_a_follow_up_iteration() {
    hold(
        documented::FOLLOW_UP,
        async |client| client.follow_up(&job_id(), PROMPT, &key()).await,
        |queued| {
            let FollowUp {
                id,
                status,
                message_id,
                poll_after,
            } = queued;
            json!({
                "id": id,
                "status": raw(status.to_untrusted()),
                "message_id": message_id,
                "poll_after_seconds": seconds(poll_after),
            })
        },
    )
    .await;
}

#[tokio::test]
async fn ask_the_review_assistant() {
    let request = ReviewRequest {
        prompt: "Risks?",
        revision_id: None,
        viewer_state: None,
    };
    hold(
        documented::REVIEW,
        async |client| client.review(&job_id(), request, &key()).await,
        |answered| {
            let Review {
                job_id,
                revision_id,
                message_id,
                assistant_message_id,
                review,
            } = answered;
            json!({
                "job_id": job_id,
                "revision_id": revision_id,
                "message_id": message_id,
                "assistant_message_id": assistant_message_id,
                "review": review_note(review),
            })
        },
    )
    .await;
}

#[tokio::test]
async fn read_message_history() {
    let image = |image| {
        let MessageImage {
            id,
            filename,
            content_type,
            size_bytes,
        } = image;
        json!({
            "id": id.map(raw),
            "filename": filename.map(raw),
            "content_type": content_type.map(raw),
            "size_bytes": size_bytes,
        })
    };
    let message = |message| {
        let Message {
            id,
            role,
            content,
            created_at,
            images,
            revision_id,
            revision,
            artifacts: files,
            review,
        } = message;
        let role = match role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Other(other) => panic!("an unknown role: {other:?}"),
        };
        json!({
            "id": id,
            "role": role,
            "content": raw(content),
            "created_at": created_at.map(raw),
            "images": images.into_iter().map(image).collect::<Vec<_>>(),
            "revision_id": revision_id,
            "revision": revision.map(raw),
            "artifacts": artifacts(files),
            "review": review.map(review_note),
        })
    };
    hold(
        documented::MESSAGES,
        async |client| client.messages(&job_id()).await,
        |history| {
            let History { job_id, messages } = history;
            let messages: Vec<Value> = messages.into_iter().map(message).collect();
            json!({ "job_id": job_id, "messages": messages })
        },
    )
    .await;
}

#[tokio::test]
async fn list_latest_artifacts() {
    hold(
        documented::ARTIFACTS,
        async |client| client.artifacts(&job_id()).await,
        |latest| {
            let LatestArtifacts {
                job_id,
                revision_id,
                assembly_tree,
                artifacts: files,
            } = latest;
            json!({
                "job_id": job_id,
                "revision_id": revision_id,
                "assembly_tree": assembly_tree.map(assembly),
                "artifacts": artifacts(files),
            })
        },
    )
    .await;
}

#[tokio::test]
async fn download_a_step_file() {
    let example = parsed(documented::DOWNLOAD);
    let script = Scripted::new([
        answer(200, &[], documented::DOWNLOAD),
        answer(200, &[], STEP),
    ]);
    let artifact = ArtifactId::new(example["artifact_id"].as_str().unwrap()).unwrap();
    let reply = script.client().download(&artifact).await.unwrap();
    let Download {
        filename,
        link_life,
        content,
    } = reply.value;
    assert_eq!(content, STEP);
    let [_, fetched] = script.requests().try_into().unwrap();
    let written = json!({
        "artifact_id": artifact,
        "filename": filename.map(raw),
        "url": fetched.uri().to_string(),
        "expires_in_seconds": seconds(link_life),
        "request_id": reply.request_ids.body,
    });
    assert_eq!(written, example);
}

#[tokio::test]
async fn read_billing_status() {
    hold(
        documented::BALANCE,
        async |client| client.balance().await,
        |balance| {
            let Balance {
                currency,
                available,
                job_hold,
            } = balance;
            json!({
                "currency": currency.map(raw),
                "available_balance_cents": available.get(),
                "cad_job_hold_cents": job_hold.get(),
            })
        },
    )
    .await;
}

#[tokio::test]
async fn error_shape() {
    let script = Scripted::new([answer(409, &[], documented::ERROR)]);
    let error = script.client().balance().await.unwrap_err();
    let CallError::Refused {
        status: 409,
        code,
        message,
        request_ids,
        retry_after: None,
    } = error
    else {
        panic!("expected a refusal, got {error:?}");
    };
    let written = json!({
        "error": { "code": code.as_str(), "message": raw(message) },
        "request_id": request_ids.body,
    });
    assert_eq!(written, parsed(documented::ERROR));
}
