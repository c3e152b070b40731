//! The seam: between the wire, real or not, and the routes.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::endpoint::Endpoint;
use super::fault::{Copied, Fault, Reached, Shape};
use super::{body, spoil};
use crate::simulator::app::{App, IDEMPOTENCY_KEY};
use crate::simulator::clock::whole_ms;
use crate::simulator::digest::Digester;
use crate::simulator::ids::ArtifactId;
use crate::simulator::multipart::BODY_SIZE;
use crate::simulator::{routes, storage};

/// Marks, among a response's extensions, one that never leaves: its connection closes without an answer. Who drives the
/// router in process does the same with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Severed;

const NOT_JSON: &str = "{\"id\": \"cadjob_385f, upstream timed out\n";

/// Lets a request through, or has its fault happen to it.
pub(crate) async fn seam(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let endpoint = Endpoint::of(request.method(), request.uri().path());
    let fault = endpoint.and_then(|endpoint| Some((app.faults().strike(endpoint)?, endpoint)));
    match fault {
        None => next.run(request).await,
        Some((fault, endpoint)) => strike(app, fault, endpoint, request, next).await,
    }
}

async fn strike(
    app: Arc<App>,
    fault: Fault,
    endpoint: Endpoint,
    request: Request,
    next: Next,
) -> Response {
    match fault {
        Fault::Reset { effect } => {
            reach(effect, request, next).await;
            severed()
        }
        Fault::Hang { effect } => {
            reach(effect, request, next).await;
            app.faults().stopped().await;
            severed()
        }
        Fault::RateLimited { retry_after } => {
            reach(Reached::None, request, next).await;
            let answer = documented(&app, 429, "rate_limited", "Rate limit exceeded");
            with_retry_after(answer, Some(&retry_after))
        }
        Fault::Answer {
            status,
            shape,
            code,
            message,
            retry_after,
            effect,
        } => {
            reach(effect, request, next).await;
            let code = code.unwrap_or_else(|| usual_code(status).to_owned());
            let message = message.unwrap_or_else(|| "So it is".to_owned());
            let answer = match shape {
                Shape::Documented => documented(&app, status, &code, &message),
                Shape::Html => {
                    let page = page(code_of(status));
                    raw(status, "text/html; charset=utf-8", page)
                }
                Shape::Text => raw(status, "application/json", NOT_JSON),
                Shape::Empty => raw(status, "application/json", ""),
            };
            with_retry_after(answer, retry_after.as_deref())
        }
        Fault::Duplicated { copy } => duplicated(copy, request, next).await,
        Fault::Late { seconds } => {
            late(app, seconds, request, next).await;
            severed()
        }
        Fault::ExpiredUrl {} if endpoint == Endpoint::Storage => {
            routes::storage::refusal(StatusCode::FORBIDDEN)
        }
        spoiling => spoiled(app, spoiling, request, next).await,
    }
}

/// Whether the service sees the request or not, all of it is read: a client that is busy sending would miss the answer.
async fn reach(effect: Reached, request: Request, next: Next) {
    match effect {
        Reached::None => {
            let _ = to_bytes(request.into_body(), BODY_SIZE).await;
        }
        Reached::Applied => {
            next.run(request).await;
        }
    }
}

/// The service's own answer, but not as it was given.
async fn spoiled(app: Arc<App>, fault: Fault, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    if response.extensions().get::<Severed>().is_some() {
        return response;
    }
    let (mut head, bytes) = response.into_parts();
    let bytes = to_bytes(bytes, usize::MAX).await.unwrap_or_default();
    let (bytes, kind) = match fault {
        Fault::Slow { seconds } => {
            let ms = app.scaled_ms(seconds);
            return body::slow(app, head, bytes, ms);
        }
        Fault::Truncated {} => return body::truncated(head, &bytes),
        Fault::Endless {} => return body::endless(app, head, &bytes),
        Fault::NotJson {} => (Bytes::from(NOT_JSON), None),
        Fault::Html {} => (page(head.status).into(), Some("text/html; charset=utf-8")),
        Fault::Empty {} => (Bytes::new(), None),
        Fault::Hostile { words } => (spoil::hostile(&mut head, &bytes, words), None),
        Fault::ForeignUrl { to } => (spoil::foreign(&mut head, &bytes, to.url()), None),
        Fault::ExpiredUrl {} => {
            let signed = expired(&app, &path);
            (spoil::resigned(&mut head, &bytes, &signed), None)
        }
        _ => (bytes, None),
    };
    head.headers.remove(CONTENT_LENGTH);
    if let Some(kind) = kind {
        head.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Response::from_parts(head, Body::from(bytes))
}

/// The signed part of a link to the artifact that `path` asks for; it expires now.
fn expired(app: &App, path: &str) -> String {
    let artifact = path.split('/').nth(4).unwrap_or_default();
    let (seed, now) = app.look(|turn| (turn.world.config.seed, turn.now));
    // Nobody can use it up: it never works.
    let serial = None;
    storage::signed_path(seed, &ArtifactId::from(artifact), now, serial)
}

async fn duplicated(copy: Copied, request: Request, next: Next) -> Response {
    let (head, bytes) = read(request).await;
    let mut second = head.clone();
    if copy == Copied::Executed
        && let Some(key) = head.headers.get(IDEMPOTENCY_KEY)
    {
        let other = Digester::new("copy")
            .text(&String::from_utf8_lossy(key.as_bytes()))
            .finish()
            .hex();
        if let Ok(other) = HeaderValue::from_str(&other) {
            second.headers.insert(IDEMPOTENCY_KEY, other);
        }
    }
    let first = Request::from_parts(head, Body::from(bytes.clone()));
    let answer = next.clone().run(first).await;
    next.run(Request::from_parts(second, Body::from(bytes)))
        .await;
    answer
}

async fn late(app: Arc<App>, seconds: f64, request: Request, next: Next) {
    let (head, bytes) = read(request).await;
    let request = Request::from_parts(head, Body::from(bytes));
    let ms = app.scaled_ms(seconds);
    tokio::spawn(async move {
        app.clock().pass(ms).await;
        next.run(request).await;
    });
}

async fn read(request: Request) -> (Parts, Bytes) {
    let (head, body) = request.into_parts();
    // What is too long or breaks off is so for the routes too.
    (head, to_bytes(body, BODY_SIZE).await.unwrap_or_default())
}

fn severed() -> Response {
    let mut response = Response::new(body::lost());
    response.extensions_mut().insert(Severed);
    response
}

fn documented(app: &App, status: u16, code: &str, message: &str) -> Response {
    app.refuse(code_of(status), code, message.to_owned())
}

/// The page of a gateway that has nothing else to say than a status.
fn page(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or("Unknown");
    let title = format!("{} {reason}", status.as_u16());
    format!(
        "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n\
         <body><h1>{title}</h1><script>document.title = 'gateway'</script></body></html>\n"
    )
}

fn raw(status: u16, kind: &'static str, body: impl Into<Body>) -> Response {
    (code_of(status), [(CONTENT_TYPE, kind)], body.into()).into_response()
}

/// Rules name no status that is none.
fn code_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn usual_code(status: u16) -> &'static str {
    match status {
        401 => "unauthorized",
        402 => "insufficient_balance",
        403 => "insufficient_scope",
        404 => "not_found",
        409 => "job_already_running",
        429 => "rate_limited",
        503 => "service_unavailable",
        _ => "internal_error",
    }
}

fn with_retry_after(mut answer: Response, wait: Option<&str>) -> Response {
    if let Some(Ok(wait)) = wait.map(HeaderValue::from_str) {
        answer.headers_mut().insert(RETRY_AFTER, wait);
    }
    answer
}

impl App {
    /// A span of the document's seconds as this workspace lives it, in milliseconds.
    fn scaled_ms(&self, seconds: f64) -> i64 {
        let ms = whole_ms(seconds * 1_000.0);
        self.look(|turn| turn.world.config.scaled_ms(ms))
    }
}
