//! What every request goes through: its key, its turn with the world, and the form of its answer.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::clock::Clock;
use super::config::{Config, KeyState, LIVE_KEY_PREFIX, Scope};
use super::digest::{Digest, Digester};
use super::effect::{Effect, Entry};
use super::errors::ApiError;
use super::faults::Faults;
use super::flights::Flights;
use super::ids::JobId;
use super::limits::{Bucket, Class, KeyIndex};
use super::log::Log;
use super::retry_after;
use super::switches::{Counted, ReadClass};
use super::wire::{Envelope, ErrorBody, ErrorDetail};
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
    links: AtomicU64,
    pub(crate) flights: Flights,
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
            links: AtomicU64::new(0),
            flights: Flights::default(),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
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

    /// Finds the API key and checks its scopes (section "Authentication"). `class` is what the request counts in if
    /// those without a fitting key count at all.
    pub(crate) fn authorize(
        &self,
        headers: &HeaderMap,
        scopes: &[Scope],
        class: Class,
    ) -> Result<KeyIndex, ApiError> {
        let verdict = self.recognise(headers, scopes);
        if verdict.is_err() && self.config.switches.limiting.counted == Counted::All {
            self.look(|turn| turn.count_stranger(class));
        }
        verdict
    }

    fn recognise(&self, headers: &HeaderMap, scopes: &[Scope]) -> Result<KeyIndex, ApiError> {
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
        let became = self.look(|turn| turn.world.key_states.get(&key_digest(secret)).copied());
        match became.unwrap_or(keys[index].state) {
            KeyState::Valid => {}
            ended => return Err(ApiError::KeyEnded(ended)),
        }
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

    /// The answer that is the same for everyone, as it is.
    pub(crate) fn document(&self, json: &'static str) -> Response {
        let response = ([(CONTENT_TYPE, "application/json")], json).into_response();
        stamp(response, &self.request_id())
    }

    fn error(&self, error: &ApiError) -> Response {
        let shown = &self.config.switches.visibility;
        let (code, message) = (shown.code_names.shown(error.code()), error.message());
        let body = ErrorBody {
            error: ErrorDetail { code, message },
        };
        let mut response = self.json(error.status(shown), &body);
        let now = self.clock.now_ms();
        retry_after::tell(response.headers_mut(), &self.config, error, now);
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

    /// A number that no other signed URL of this process has.
    pub(crate) fn next_link(&self) -> u64 {
        self.links.fetch_add(1, Ordering::Relaxed)
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
        let per_key =
            |bucket: &Bucket| matches!(bucket, Bucket::Artifacts { .. } | Bucket::Balance { .. });
        let mut buckets = buckets.to_vec();
        if world.config.switches.limiting.reads == ReadClass::AllGets && buckets.iter().any(per_key)
        {
            buckets.push(Bucket::Reads);
        }
        world
            .gate
            .admit(&world.config, &buckets, self.now)
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

    /// Counts a request without a fitting key. It has none of the limits that are kept by key.
    fn count_stranger(&mut self, class: Class) {
        let world = &mut *self.world;
        let bucket = match class {
            Class::CadWrites => Bucket::CadWrites,
            Class::Reviews => Bucket::Reviews,
            Class::Reads | Class::JobPolls => Bucket::Reads,
            Class::Artifacts | Class::Balance => match world.config.switches.limiting.reads {
                ReadClass::CadReads => return,
                ReadClass::AllGets => Bucket::Reads,
            },
        };
        world.gate.count(&world.config, bucket, self.now);
    }

    pub(crate) fn job(&self, id: &JobId) -> Result<usize, ApiError> {
        self.world.job_index(id).ok_or(ApiError::NO_JOB)
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

/// What the log has of an API key.
pub(crate) fn key_digest(secret: &str) -> Digest {
    Digester::new("api key").text(secret).finish()
}

fn stamp(mut response: Response, request_id: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, request_id);
    }
    response
}
