//! Which path and method is served by whom.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};

use super::app::App;
use super::errors::ApiError;
use super::faults::seam;
use super::multipart::BODY_SIZE;
use super::routes::{
    artifacts, balance, control, control_faults, control_webapp, jobs, openapi, storage, writes,
};

/// The whole service: the API, the storage behind its downloads, and the control interface.
pub(crate) fn router(app: Arc<App>) -> Router {
    finished(service().merge(storage_service()), app)
}

/// The API and the control interface, where the storage has a port of its own.
pub(crate) fn api_router(app: Arc<App>) -> Router {
    finished(service(), app)
}

/// The storage alone.
pub(crate) fn storage_router(app: Arc<App>) -> Router {
    finished(storage_service(), app)
}

fn storage_service() -> Router<Arc<App>> {
    // A HEAD is no download: it would be in the books as one, and use up a link.
    Router::new().route(
        "/_storage/{artifact_id}",
        get(storage::file).head(method_not_allowed),
    )
}

fn service() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/cad/jobs", get(jobs::list).post(writes::create))
        .route("/api/v1/cad/jobs/{job_id}", get(jobs::status))
        .route(
            "/api/v1/cad/jobs/{job_id}/messages",
            get(jobs::messages).post(writes::follow_up),
        )
        .route("/api/v1/cad/jobs/{job_id}/review", post(writes::review))
        .route("/api/v1/cad/jobs/{job_id}/artifacts", get(artifacts::list))
        .route(
            "/api/v1/artifacts/{artifact_id}/download",
            get(artifacts::download),
        )
        .route("/api/v1/billing/balance", get(balance::balance))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/_sim/books", get(control::books))
        .route("/_sim/clock", get(control::clock))
        .route("/_sim/top-up", post(control::top_up))
        .route("/_sim/balance", post(control::balance))
        .route("/_sim/billing", post(control::billing))
        .route("/_sim/keys", post(control::key))
        .route("/_sim/jobs/{job_id}/charge", post(control::charge))
        .route("/_sim/jobs/{job_id}/hidden", post(control::hidden))
        .route("/_sim/webapp/jobs", post(control_webapp::create))
        .route(
            "/_sim/webapp/jobs/{job_id}/messages",
            post(control_webapp::iterate),
        )
        .route(
            "/_sim/faults",
            get(control_faults::list)
                .post(control_faults::add)
                .delete(control_faults::clear),
        )
}

fn finished(routes: Router<Arc<App>>, app: Arc<App>) -> Router {
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&app), seam))
        .layer(DefaultBodyLimit::max(BODY_SIZE))
        .with_state(app)
}

async fn not_found(State(app): State<Arc<App>>) -> Response {
    app.answer::<()>(Err(ApiError::NotFound("There is no such endpoint")))
}

async fn method_not_allowed(State(app): State<Arc<App>>) -> Response {
    app.answer::<()>(Err::<(StatusCode, ()), _>(ApiError::MethodNotAllowed))
}
