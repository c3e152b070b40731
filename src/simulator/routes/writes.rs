//! `POST /api/v1/cad/jobs`, `POST …/{job_id}/messages` and `POST …/{job_id}/review`
//!
//! In this order: API key and scope, rate limit, idempotency key, what is wrong with the body, the job, what the
//! idempotency key was used for, and last the state of the job and the money. The body is read before any of it is
//! answered: a client that is busy sending would miss the answer.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::jobs::job_id;
use crate::simulator::app::{App, idempotency_key};
use crate::simulator::config::Scope;
use crate::simulator::errors::ApiError;
use crate::simulator::limits::{Bucket, Class};
use crate::simulator::multipart;
use crate::simulator::review::{self, Question};
use crate::simulator::submit;
use crate::simulator::wire::Receipt;

/// Creates a job.
pub(crate) async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    app.answer(try_create(&app, request).await)
}

/// Continues a job.
pub(crate) async fn follow_up(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    app.answer(try_follow_up(&app, path, request).await)
}

/// Asks the review assistant.
pub(crate) async fn review(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    app.answer(try_review(&app, path, request).await)
}

type Answer = Result<(StatusCode, Receipt), ApiError>;

async fn try_create(app: &App, request: Request) -> Answer {
    let caller = app.authorize(request.headers(), &[Scope::CadWrite], Class::CadWrites);
    let key = idempotency_key(request.headers());
    let submission = multipart::submission(request).await;
    caller?;
    app.turn(|turn| {
        turn.admit(&[Bucket::CadWrites])?;
        let (key, submission) = (key?, submission?);
        let fingerprint = submission.fingerprint(None);
        turn.write(Class::CadWrites, key, fingerprint, |world, now| {
            submit::create(world, submission, now)
        })
    })
    .await
}

async fn try_follow_up(
    app: &App,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Answer {
    let caller = app.authorize(request.headers(), &[Scope::CadWrite], Class::CadWrites);
    let key = idempotency_key(request.headers());
    let submission = multipart::submission(request).await;
    caller?;
    app.turn(|turn| {
        turn.admit(&[Bucket::CadWrites])?;
        let (key, submission, id) = (key?, submission?, job_id(path)?);
        let job = turn.job(&id)?;
        let fingerprint = submission.fingerprint(Some(&id));
        turn.write(Class::CadWrites, key, fingerprint, |world, now| {
            submit::follow_up(world, job, submission, now)
        })
    })
    .await
}

async fn try_review(
    app: &App,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Answer {
    let caller = app.authorize(
        request.headers(),
        &[Scope::CadRead, Scope::CadWrite],
        Class::Reviews,
    );
    let key = idempotency_key(request.headers());
    let question = question(request).await;
    caller?;
    app.turn(|turn| {
        turn.admit(&[Bucket::Reviews])?;
        let (key, question, id) = (key?, question?, job_id(path)?);
        let job = turn.job(&id)?;
        let fingerprint = question.fingerprint(&id);
        turn.write(Class::Reviews, key, fingerprint, |world, now| {
            review::review(world, job, question, now)
        })
    })
    .await
}

async fn question(request: Request) -> Result<Question, ApiError> {
    let mut object = multipart::object(request).await?;
    multipart::json_prompt(&object)?;
    // What else a client sends is not for this endpoint.
    object.retain(|name, _| matches!(name.as_str(), "prompt" | "revision_id" | "viewer_state"));
    Question::deserialize(Value::Object(object))
        .map_err(|_| ApiError::InvalidRequest("revision_id must be a string"))
}
