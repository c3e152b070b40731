//! `/_sim/`: what a test may see and do that a client of the API may not. It asks for no key.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::simulator::app::App;
use crate::simulator::books::Books;
use crate::simulator::cents::Cents;
use crate::simulator::effect::Effect;
use crate::simulator::errors::ApiError;

#[derive(Serialize)]
struct ClockFace {
    now_ms: i64,
    speed: f64,
}

/// The body of a top-up.
#[derive(Debug, Deserialize)]
pub(crate) struct TopUp {
    cents: Cents,
}

#[derive(Serialize)]
struct Purse {
    balance_cents: Cents,
    available_cents: Cents,
}

/// The books.
pub(crate) async fn books(State(app): State<Arc<App>>) -> Response {
    let books = app.turn(|turn| Ok(Books::of(turn.world, turn.now))).await;
    app.answer(books.map(|books| (StatusCode::OK, books)))
}

/// The time.
pub(crate) async fn clock(State(app): State<Arc<App>>) -> Response {
    let face = ClockFace {
        now_ms: app.look(|turn| turn.now),
        speed: app.clock().speed(),
    };
    app.answer(Ok((StatusCode::OK, face)))
}

/// Pays money in; a negative amount takes it out.
pub(crate) async fn top_up(
    State(app): State<Arc<App>>,
    body: Result<Json<TopUp>, JsonRejection>,
) -> Response {
    app.answer(try_top_up(&app, body).await)
}

async fn try_top_up(
    app: &App,
    body: Result<Json<TopUp>, JsonRejection>,
) -> Result<(StatusCode, Purse), ApiError> {
    let Json(TopUp { cents }) =
        body.map_err(|_| ApiError::InvalidRequest("A top-up is {\"cents\": number}"))?;
    app.turn(|turn| {
        turn.record(Effect::ToppedUp { cents });
        let purse = Purse {
            balance_cents: turn.world.account.balance(),
            available_cents: turn.world.account.available(),
        };
        Ok((StatusCode::OK, purse))
    })
    .await
}
