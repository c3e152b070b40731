//! A transport that records requests and plays responses.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody};

use crate::api::{ApiKey, Body, Client, IdempotencyKey, SendFuture, Transport, TransportError};

pub(super) type Played = Result<Response<Body>, TransportError>;

/// The secret that must appear nowhere.
pub(super) const CANARY: &str = "gcad_live_canary";

#[derive(Clone, Default)]
pub(super) struct Scripted(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    responses: VecDeque<Played>,
    requests: Vec<Request<Bytes>>,
}

impl Scripted {
    pub(super) fn new(responses: impl IntoIterator<Item = Played>) -> Self {
        let script = Self::default();
        script.0.lock().unwrap().responses.extend(responses);
        script
    }

    /// A client of the documented API that speaks through this script.
    pub(super) fn client(&self) -> Client {
        self.client_at("https://www.ballistalabs.ai")
    }

    pub(super) fn client_at(&self, base: &str) -> Client {
        let key = ApiKey::new(CANARY).unwrap();
        Client::new(self.clone(), base.parse().unwrap(), key)
    }

    /// The requests so far, and how many responses were not asked for.
    pub(super) fn so_far(&self) -> (Vec<Request<Bytes>>, usize) {
        let mut script = self.0.lock().unwrap();
        (std::mem::take(&mut script.requests), script.responses.len())
    }

    /// The requests so far; every played response must have been asked for.
    pub(super) fn requests(&self) -> Vec<Request<Bytes>> {
        let mut script = self.0.lock().unwrap();
        assert!(script.responses.is_empty(), "a response was not asked for");
        std::mem::take(&mut script.requests)
    }
}

impl Transport for Scripted {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        let mut script = self.0.lock().unwrap();
        script.requests.push(request);
        let response = script.responses.pop_front().expect("an unscripted request");
        Box::pin(std::future::ready(response))
    }
}

/// A response with headers, `name: value` each.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Played {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let body = Full::new(body.into()).map_err(|never| match never {});
    Ok(response.body(body.boxed_unsync()).unwrap())
}

/// A response whose body breaks off after `body`.
pub(super) fn cut_off(status: u16, body: &'static str) -> Played {
    let frames = [
        Ok(http_body::Frame::data(Bytes::from(body))),
        Err(TransportError::Lost("connection reset".into())),
    ];
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    Ok(Response::builder().status(status).body(body).unwrap())
}

pub(super) fn key() -> IdempotencyKey {
    IdempotencyKey::new("mr1-key").unwrap()
}
