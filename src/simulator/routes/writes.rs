//! `POST /api/v1/cad/jobs`, `POST …/{job_id}/messages` and `POST …/{job_id}/review`
//!
//! In this order: API key and scope, rate limit, idempotency key, what is wrong with the body, the job, what the
//! idempotency key was used for, and last the state of the job and the money, unless a switch has them checked sooner.
//! The body is read before any of it is answered: a client that is busy sending would miss the answer.

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
use crate::simulator::effect::Effect;
use crate::simulator::errors::ApiError;
use crate::simulator::flights::Flight;
use crate::simulator::ids::JobId;
use crate::simulator::keys::Endpoint;
use crate::simulator::multipart;
use crate::simulator::review::Question;
use crate::simulator::switches::{Compared, Switches, Uploads};
use crate::simulator::wire::Receipt;
use crate::simulator::write::{Identity, WriteRequest};

/// Creates a job.
pub(crate) async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    // A create is about no job yet.
    let job = Err(ApiError::NO_JOB);
    app.answer(respond(&app, Endpoint::Create, job, request).await)
}

/// Continues a job.
pub(crate) async fn follow_up(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    app.answer(respond(&app, Endpoint::FollowUp, job_id(path), request).await)
}

/// Asks the review assistant.
pub(crate) async fn review(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    app.answer(respond(&app, Endpoint::Review, job_id(path), request).await)
}

type Answer = Result<(StatusCode, Receipt), ApiError>;

async fn respond(
    app: &App,
    endpoint: Endpoint,
    job: Result<JobId, ApiError>,
    request: Request,
) -> Answer {
    let scopes: &[Scope] = match endpoint {
        Endpoint::Create | Endpoint::FollowUp => &[Scope::CadWrite],
        Endpoint::Review => &[Scope::CadRead, Scope::CadWrite],
    };
    let switches = &app.config().switches;
    let caller = app.authorize(request.headers(), scopes, endpoint.class());
    let key = idempotency_key(request.headers());
    let flight = match (&caller, &key) {
        (Ok(_), Ok(key)) => app.flights.begin(switches.idempotency, endpoint, key),
        _ => Flight::Unwatched,
    };
    let read = read(switches, endpoint, job, request).await;
    caller?;
    // The flight lands when the answer is durable, not before.
    app.turn(|turn| {
        turn.admit(&[endpoint.bucket()])?;
        let key = key?;
        if matches!(flight, Flight::Doubled) {
            let class = endpoint.class();
            turn.record(Effect::KeyConflict { class });
            return Err(ApiError::IdempotencyKeyInFlight);
        }
        let (identity, request) = read?;
        turn.write(key, identity, request)
    })
    .await
}

/// Reads a body to its end.
async fn read(
    switches: &Switches,
    endpoint: Endpoint,
    job: Result<JobId, ApiError>,
    request: Request,
) -> Result<(Identity, WriteRequest), ApiError> {
    let (identity, request) = match switches.idempotency.compared {
        Compared::Meaning => (Identity::Meaning, request),
        Compared::Bytes => {
            let (digest, request) = multipart::digested(request).await?;
            (Identity::Bytes(digest), request)
        }
    };
    let request = match endpoint {
        Endpoint::Create => {
            WriteRequest::Create(multipart::submission(request, switches.uploads).await?)
        }
        Endpoint::FollowUp => {
            let submission = multipart::submission(request, switches.uploads).await?;
            WriteRequest::FollowUp(job?, submission)
        }
        Endpoint::Review => {
            let question = question(request, switches.uploads).await?;
            WriteRequest::Review(job?, question)
        }
    };
    Ok((identity, request))
}

async fn question(request: Request, switches: Uploads) -> Result<Question, ApiError> {
    let mut object = multipart::object(request).await?;
    multipart::json_prompt(&object, switches)?;
    // What else a client sends is not for this endpoint.
    object.retain(|name, _| matches!(name.as_str(), "prompt" | "revision_id" | "viewer_state"));
    Question::deserialize(Value::Object(object))
        .map_err(|_| ApiError::InvalidRequest("revision_id must be a string"))
}
