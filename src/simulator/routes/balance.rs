//! `GET /api/v1/billing/balance`

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::simulator::app::App;
use crate::simulator::config::Scope;
use crate::simulator::errors::ApiError;
use crate::simulator::limits::{Bucket, Class};
use crate::simulator::wire::Balance;

/// The balance, net of open holds.
pub(crate) async fn balance(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.answer(read(&app, &headers).await)
}

async fn read(app: &App, headers: &HeaderMap) -> Result<(StatusCode, Balance), ApiError> {
    let key = app.authorize(headers, &[Scope::BillingRead], Class::Balance)?;
    app.turn(|turn| {
        turn.admit(&[Bucket::Balance { key }])?;
        let balance = Balance {
            currency: "usd",
            available_balance_cents: turn.world.account.available(),
            cad_job_hold_cents: turn.world.config.hold_cents,
        };
        Ok((StatusCode::OK, balance))
    })
    .await
}
