//! `GET /api/v1/openapi.json`: the API described for machines. It asks for no key.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::simulator::app::App;

/// The description, an OpenAPI 3.1 document.
pub(crate) const DOCUMENT: &str = include_str!("../openapi.json");

/// Gives the description.
pub(crate) async fn document(State(app): State<Arc<App>>) -> Response {
    app.document(DOCUMENT)
}
