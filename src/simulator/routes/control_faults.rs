//! `/_sim/faults`: which faults happen.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::simulator::app::App;
use crate::simulator::faults::{Armed, FaultRule};

#[derive(Serialize)]
struct InForce {
    rules: Vec<Armed>,
}

/// The rules in force, with what they have met.
pub(crate) async fn list(State(app): State<Arc<App>>) -> Response {
    in_force(&app)
}

/// Puts rules behind those in force.
pub(crate) async fn add(State(app): State<Arc<App>>, body: String) -> Response {
    match FaultRule::parse_all(&body) {
        Ok(rules) => {
            app.faults().add(rules);
            in_force(&app)
        }
        Err(error) => app.refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            error.to_string(),
        ),
    }
}

/// Ends all faults.
pub(crate) async fn clear(State(app): State<Arc<App>>) -> Response {
    app.faults().clear();
    in_force(&app)
}

fn in_force(app: &App) -> Response {
    let rules = app.faults().list();
    app.answer(Ok((StatusCode::OK, InForce { rules })))
}
