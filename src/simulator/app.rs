//! What every request goes through: its key, its turn with the world, and the form of its answer.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::clock::Clock;
use super::config::{Config, LIVE_KEY_PREFIX, Scope};
use super::digest::{Digest, Digester};
use super::effect::{Effect, Entry, KeyUse, Write, Written};
use super::errors::ApiError;
use super::faults::Faults;
use super::ids::JobId;
use super::limits::{Bucket, Class, KeyIndex};
use super::log::Log;
use super::wire::{Envelope, ErrorBody, ErrorDetail, Receipt};
use super::world::World;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest idempotency key, in characters.
const IDEMPOTENCY_KEY_LENGTH: usize = 160;

/// The running service behind the routes.
#[derive(Debug)]
pub(crate) struct App {
    config: Arc<Config>,
    clock: Clock,
    log: Log,
    world: Mutex<World>,
    faults: Faults,
    /// Where the storage listens, if anywhere.
    storage: Mutex<Option<SocketAddr>>,
    /// What request ids are drawn from, beside their count: other for each opening of a world.
    epoch: u64,
    requests: AtomicU64,
}

/// One request's turn with the world, at one moment.
pub(crate) struct Turn<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) now: i64,
    log: &'a Log,
}

impl App {
    pub(crate) fn new(world: World, clock: Clock, log: Log, epoch: u64) -> Self {
        Self {
            config: Arc::clone(&world.config),
            faults: Faults::new(world.config.seed),
            storage: Mutex::default(),
            clock,
            log,
            world: Mutex::new(world),
            epoch,
            requests: AtomicU64::new(0),
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Says where the storage listens, if it does.
    pub(crate) fn store_at(&self, address: Option<SocketAddr>) {
        *self.storage.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// Where the storage listens, if it does.
    pub(crate) fn stored_at(&self) -> Option<SocketAddr> {
        *self.storage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the request its turn, and returns when all it has seen or done is durable.
    pub(crate) async fn turn<T>(
        &self,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let (outcome, appended) = {
            let mut world = self.world();
            let mut turn = Turn::new(&mut world, &self.log, self.clock);
            (act(&mut turn), self.log.appended())
        };
        match self.log.durable(appended).await {
            Ok(()) => outcome,
            Err(_) => Err(ApiError::ServiceUnavailable),
        }
    }

    /// Looks at the world without leaving a trace.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Turn<'_>) -> T) -> T {
        look(&mut Turn::new(&mut self.world(), &self.log, self.clock))
    }

    /// Finds the API key and checks its scopes (section "Authentication").
    pub(crate) fn authorize(
        &self,
        headers: &HeaderMap,
        scopes: &[Scope],
    ) -> Result<KeyIndex, ApiError> {
        let secret = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim())
            .filter(|secret| !secret.starts_with(LIVE_KEY_PREFIX))
            .ok_or(ApiError::Unauthorized)?;
        let keys = &self.config.keys;
        let index = keys.iter().position(|key| key.secret == secret);
        let index = index.ok_or(ApiError::Unauthorized)?;
        match scopes
            .iter()
            .find(|scope| !keys[index].scopes.contains(scope))
        {
            Some(scope) => Err(ApiError::InsufficientScope(*scope)),
            None => Ok(index),
        }
    }

    /// The answer to a request, with its id in body and header.
    pub(crate) fn answer<T: Serialize>(
        &self,
        outcome: Result<(StatusCode, T), ApiError>,
    ) -> Response {
        match outcome {
            Ok((status, body)) => self.json(status, &body),
            Err(error) => self.error(&error),
        }
    }

    /// An error in the documented shape with any code, for those who are not the API.
    pub(crate) fn refuse(&self, status: StatusCode, code: &str, message: String) -> Response {
        let code = Cow::Owned(code.to_owned());
        let error = ErrorDetail { code, message };
        self.json(status, &ErrorBody { error })
    }

    /// The answer to a download: a redirect to where the file is.
    pub(crate) fn redirect(&self, url: &str) -> Response {
        let mut response = StatusCode::FOUND.into_response();
        if let Ok(url) = HeaderValue::from_str(url) {
            response
                .headers_mut()
                .insert(axum::http::header::LOCATION, url);
        }
        stamp(response, &self.request_id())
    }

    fn error(&self, error: &ApiError) -> Response {
        let (code, message) = error.words();
        let code = Cow::Borrowed(code);
        let body = ErrorBody {
            error: ErrorDetail { code, message },
        };
        let mut response = self.json(error.status(), &body);
        if let Some(wait_ms) = error.wait_ms() {
            let whole_seconds = self.config.tells_whole_seconds();
            response
                .headers_mut()
                .insert(RETRY_AFTER, retry_after(wait_ms, whole_seconds));
        }
        response
    }

    fn json<T: Serialize>(&self, status: StatusCode, body: &T) -> Response {
        let request_id = self.request_id();
        let envelope = Envelope {
            body,
            request_id: &request_id,
        };
        let response = match serde_json::to_vec(&envelope) {
            Ok(bytes) => (status, [(CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        stamp(response, &request_id)
    }

    fn request_id(&self) -> String {
        let digest = Digester::new("request")
            .number(self.epoch)
            .number(self.requests.fetch_add(1, Ordering::Relaxed))
            .finish();
        format!("req_{}", digest.short_hex())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Turn<'a> {
    fn new(world: &'a mut World, log: &'a Log, clock: Clock) -> Self {
        // A clock set back must not undo what has happened.
        let now = world
            .last_ms
            .map_or(clock.now_ms(), |last| clock.now_ms().max(last));
        world.account.advance(now);
        Self { world, now, log }
    }

    /// Makes something happen: the log hears of it in the same order as the world.
    pub(crate) fn record(&mut self, effect: Effect) {
        let entry = Entry {
            at_ms: self.now,
            effect,
        };
        self.log.append(&entry);
        self.world.apply(entry);
    }

    /// Passes the rate limits.
    pub(crate) fn admit(&mut self, buckets: &[Bucket]) -> Result<(), ApiError> {
        let world = &mut *self.world;
        world
            .gate
            .admit(&world.config, buckets, self.now)
            .map_err(|refused| {
                self.record(Effect::RateLimited {
                    class: refused.class,
                });
                ApiError::RateLimited {
                    class: refused.class,
                    wait_ms: refused.wait_ms,
                }
            })
    }

    pub(crate) fn job(&self, id: &JobId) -> Result<usize, ApiError> {
        self.world
            .job_index(id)
            .ok_or(ApiError::NotFound("CAD job not found"))
    }

    /// Answers a write: as the first time if its key is known, otherwise by what `decide` makes of it.
    pub(crate) fn write(
        &mut self,
        class: Class,
        key: String,
        fingerprint: Digest,
        decide: impl FnOnce(&World, i64) -> Result<(Write, Receipt), ApiError>,
    ) -> Result<(StatusCode, Receipt), ApiError> {
        if let Some(known) = self.world.key(&key) {
            let answer = (known.fingerprint == fingerprint).then(|| known.answer.clone());
            return match answer {
                Some(answer) => {
                    self.record(Effect::Replayed { class });
                    Ok(answer.with_status())
                }
                None => {
                    self.record(Effect::KeyConflict { class });
                    Err(ApiError::IdempotencyKeyConflict)
                }
            };
        }
        let (write, receipt) = decide(self.world, self.now)?;
        let key = KeyUse {
            key,
            fingerprint,
            answer: receipt.clone(),
        };
        self.record(Effect::Wrote(Box::new(Written { write, key })));
        Ok(receipt.with_status())
    }
}

impl Receipt {
    fn with_status(self) -> (StatusCode, Self) {
        match self {
            Self::Accepted(_) => (StatusCode::ACCEPTED, self),
            Self::Reviewed(_) => (StatusCode::OK, self),
        }
    }
}

/// Reads the `Idempotency-Key` header.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let key = headers
        .get(IDEMPOTENCY_KEY)
        .map(|key| {
            key.to_str()
                .map_err(|_| ApiError::InvalidRequest("Idempotency-Key must be visible ASCII"))
        })
        .transpose()?
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .ok_or(ApiError::IdempotencyKeyRequired)?;
    if key.len() > IDEMPOTENCY_KEY_LENGTH {
        return Err(ApiError::InvalidRequest(
            "Idempotency-Key is longer than 160 characters",
        ));
    }
    Ok(key.to_owned())
}

fn stamp(mut response: Response, request_id: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, request_id);
    }
    response
}

/// Rounded up, so that who waits so long is not refused again.
fn retry_after(wait_ms: i64, whole_seconds: bool) -> HeaderValue {
    if whole_seconds {
        HeaderValue::from(wait_ms.max(1).saturating_add(999) / 1_000)
    } else {
        let wait_ms = wait_ms.max(1);
        HeaderValue::from_str(&format!("{}.{:03}", wait_ms / 1_000, wait_ms % 1_000))
            .unwrap_or(HeaderValue::from_static("1"))
    }
}
