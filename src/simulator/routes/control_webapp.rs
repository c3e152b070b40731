//! `/_sim/webapp/`: what a user of the web app does.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::jobs::job_id;
use super::order::Order;
use crate::simulator::app::App;
use crate::simulator::errors::ApiError;
use crate::simulator::multipart::checked_prompt;
use crate::simulator::switches::Uploads;
use crate::simulator::webapp::{self, Seen};

/// What the user types.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Typed {
    prompt: String,
}

/// Starts a job.
pub(crate) async fn create(State(app): State<Arc<App>>, order: Order<Typed>) -> Response {
    let outcome = app.turn(|turn| {
        let prompt = typed(order, turn.world.config.switches.uploads)?;
        let (effect, job) = webapp::create(turn.world, prompt, turn.now)?;
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
    order: Order<Typed>,
) -> Response {
    let outcome = app.turn(|turn| {
        let prompt = typed(order, turn.world.config.switches.uploads)?;
        let job = turn.job(&job_id(path)?)?;
        let (effect, _) = webapp::iterate(turn.world, job, prompt, turn.now)?;
        turn.record(effect);
        Ok((StatusCode::OK, Seen::of(turn.world, job, turn.now)))
    });
    app.answer(outcome.await)
}

fn typed(Order(typed): Order<Typed>, switches: Uploads) -> Result<String, ApiError> {
    const FORM: ApiError =
        ApiError::InvalidRequest("A user of the web app types {\"prompt\": text}");
    checked_prompt(typed.ok_or(FORM)?.prompt, switches)
}
