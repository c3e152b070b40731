//! What a control call orders: JSON, whatever its content type says. Who types `curl -d` sends a form's.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::simulator::json;

/// The body of a control call, if it could be read.
#[derive(Debug)]
pub(crate) struct Order<B>(pub(crate) Option<B>);

impl<B: DeserializeOwned, S: Send + Sync> FromRequest<S> for Order<B> {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let body = Bytes::from_request(request, state).await;
        let object: Option<Map<String, Value>> = body.ok().and_then(|body| json::read(&body));
        let order = object.and_then(|object| serde_json::from_value(Value::Object(object)).ok());
        Ok(Self(order))
    }
}
