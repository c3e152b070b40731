//! `/_sim/webapp/`: what a user of the web app does.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::jobs::job_id;
use crate::simulator::app::App;
use crate::simulator::effect::Effect;
use crate::simulator::errors::ApiError;
use crate::simulator::multipart::checked_prompt;
use crate::simulator::webapp::{self, Seen};

/// What the user types.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Typed {
    prompt: String,
}

/// Whether a job is to be hidden.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hide {
    hidden: bool,
}

/// Starts a job.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    body: Result<Json<Typed>, JsonRejection>,
) -> Response {
    let outcome = app.turn(|turn| {
        let (effect, job) = webapp::create(turn.world, typed(body)?, turn.now)?;
        turn.record(effect);
        let job = turn.job(&job)?;
        Ok((StatusCode::OK, Seen::of(turn.world, job, turn.now)))
    });
    app.answer(outcome.await)
}

/// Continues a job.
pub(crate) async fn iterate(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    body: Result<Json<Typed>, JsonRejection>,
) -> Response {
    let outcome = app.turn(|turn| {
        let prompt = typed(body)?;
        let job = turn.job(&job_id(path)?)?;
        let (effect, _) = webapp::iterate(turn.world, job, prompt, turn.now)?;
        turn.record(effect);
        Ok((StatusCode::OK, Seen::of(turn.world, job, turn.now)))
    });
    app.answer(outcome.await)
}

/// Hides a job from the list, or shows it again.
pub(crate) async fn hide(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    body: Result<Json<Hide>, JsonRejection>,
) -> Response {
    const FORM: ApiError = ApiError::InvalidRequest("Hiding is {\"hidden\": true} or false");
    let outcome = app.turn(|turn| {
        let Json(Hide { hidden }) = body.map_err(|_| FORM)?;
        let id = job_id(path)?;
        let job = turn.job(&id)?;
        turn.record(Effect::Hidden { job: id, hidden });
        Ok((StatusCode::OK, Seen::of(turn.world, job, turn.now)))
    });
    app.answer(outcome.await)
}

fn typed(body: Result<Json<Typed>, JsonRejection>) -> Result<String, ApiError> {
    let Json(Typed { prompt }) = body
        .map_err(|_| ApiError::InvalidRequest("A user of the web app types {\"prompt\": text}"))?;
    checked_prompt(prompt)
}
