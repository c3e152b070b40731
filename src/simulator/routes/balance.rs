//! `GET /api/v1/billing/balance`

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::simulator::app::App;
use crate::simulator::billing::BillingState;
use crate::simulator::config::Scope;
use crate::simulator::errors::ApiError;
use crate::simulator::limits::{Bucket, Class};
use crate::simulator::switches::ShownBalance;
use crate::simulator::wire::Balance;

/// The balance, net of open holds or not.
pub(crate) async fn balance(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.answer(read(&app, &headers).await)
}

async fn read(app: &App, headers: &HeaderMap) -> Result<(StatusCode, Balance), ApiError> {
    let key = app.authorize(headers, &[Scope::BillingRead], Class::Balance)?;
    app.turn(|turn| {
        turn.admit(&[Bucket::Balance { key }])?;
        let world = &*turn.world;
        if world.billing == BillingState::Unavailable {
            return Err(ApiError::Billing(world.billing));
        }
        let balance = Balance {
            currency: "usd",
            available_balance_cents: match world.config.switches.billing.balance {
                ShownBalance::Net => world.account.available(),
                ShownBalance::Gross => world.account.balance(),
            },
            cad_job_hold_cents: world.config.hold_cents,
        };
        Ok((StatusCode::OK, balance))
    })
    .await
}
