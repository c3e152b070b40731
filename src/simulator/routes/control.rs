//! `/_sim/`: what a test may see and do that a client of the API may not. It asks for no key.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::jobs::job_id;
use super::order::Order;
use crate::simulator::app::{App, Turn, key_digest};
use crate::simulator::billing::BillingState;
use crate::simulator::books::Books;
use crate::simulator::cents::Cents;
use crate::simulator::config::KeyState;
use crate::simulator::effect::Effect;
use crate::simulator::errors::ApiError;

#[derive(Serialize)]
struct ClockFace {
    now_ms: i64,
    speed: f64,
}

/// An amount of money.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amount {
    cents: Cents,
}

/// What the billing is to make of the workspace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BillingBody {
    state: BillingState,
}

/// What is to become of an API key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyBody {
    key: String,
    state: KeyState,
}

/// Whether a job is to be left out of lists.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HiddenBody {
    hidden: bool,
}

/// How the workspace stands with the billing.
#[derive(Serialize)]
struct Purse {
    balance_cents: Cents,
    available_cents: Cents,
    billing: BillingState,
}

impl Purse {
    fn of(turn: &Turn<'_>) -> Self {
        Self {
            balance_cents: turn.world.account.balance(),
            available_cents: turn.world.account.available(),
            billing: turn.world.billing,
        }
    }
}

#[derive(Serialize)]
struct KeyStands {
    state: KeyState,
}

#[derive(Serialize)]
struct Charged {
    charged_cents: Option<Cents>,
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
pub(crate) async fn top_up(State(app): State<Arc<App>>, order: Order<Amount>) -> Response {
    const FORM: &str = "A top-up is {\"cents\": number}";
    control(&app, order, FORM, |turn, Amount { cents }| {
        turn.record(Effect::ToppedUp { cents });
        Ok(Purse::of(turn))
    })
    .await
}

/// Pays in, or takes out, what it takes to own this much, open holds included.
pub(crate) async fn balance(State(app): State<Arc<App>>, order: Order<Amount>) -> Response {
    const FORM: &str = "A balance is {\"cents\": number}";
    control(&app, order, FORM, |turn, Amount { cents }| {
        let cents = cents - turn.world.account.balance();
        turn.record(Effect::ToppedUp { cents });
        Ok(Purse::of(turn))
    })
    .await
}

/// Has the billing change its mind about the workspace.
pub(crate) async fn billing(State(app): State<Arc<App>>, order: Order<BillingBody>) -> Response {
    const FORM: &str = "The billing's state is open, required, needs-review or unavailable";
    control(&app, order, FORM, |turn, BillingBody { state }| {
        turn.record(Effect::BillingBecame { state });
        Ok(Purse::of(turn))
    })
    .await
}

/// Ends an API key, or makes it valid again.
pub(crate) async fn key(State(app): State<Arc<App>>, order: Order<KeyBody>) -> Response {
    const FORM: &str = "A key's state is valid, revoked or expired";
    let keys = &app.config().keys;
    control(&app, order, FORM, |turn, KeyBody { key, state }| {
        if !keys.iter().any(|known| known.secret == key) {
            return Err(ApiError::NotFound("API key not found"));
        }
        let key = key_digest(&key);
        turn.record(Effect::KeyBecame { key, state });
        Ok(KeyStands { state })
    })
    .await
}

/// Makes the charges of a job's ended runs known.
pub(crate) async fn charge(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let outcome = app.turn(|turn| {
        let job = job_id(path)?;
        let index = turn.job(&job)?;
        turn.record(Effect::ChargeKnown { job });
        let of = turn.world.config.switches.billing.charged;
        Ok(Charged {
            charged_cents: turn.world.jobs[index].charged(of, turn.now),
        })
    });
    let outcome = outcome.await;
    app.answer(outcome.map(|charged| (StatusCode::OK, charged)))
}

/// Hides a job from lists, as the web app can, or shows it again.
pub(crate) async fn hidden(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    order: Order<HiddenBody>,
) -> Response {
    const FORM: &str = "Hiding is {\"hidden\": true} or {\"hidden\": false}";
    control(&app, order, FORM, |turn, body: HiddenBody| {
        let job = job_id(path)?;
        turn.job(&job)?;
        let hidden = body.hidden;
        turn.record(Effect::HiddenBecame { job, hidden });
        Ok(body)
    })
    .await
}

/// Does what is ordered; `form` is what is said of a body that cannot be read.
async fn control<B, T: Serialize>(
    app: &App,
    order: Order<B>,
    form: &'static str,
    act: impl FnOnce(&mut Turn<'_>, B) -> Result<T, ApiError>,
) -> Response {
    let outcome = match order {
        Order(Some(body)) => app.turn(|turn| act(turn, body)).await,
        Order(None) => Err(ApiError::InvalidRequest(form)),
    };
    app.answer(outcome.map(|done| (StatusCode::OK, done)))
}
