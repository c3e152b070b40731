//! The simulator from outside: its router driven in process, in virtual time.

mod billing;
mod codes;
mod config_file;
mod contract;
mod fault_control;
mod faults;
mod forms;
mod hiding;
mod idempotency;
mod lifecycle;
mod limiting;
mod limits;
mod measures;
mod money;
mod openapi;
mod persistence;
mod schema;
mod solids;
mod telling;
mod uploads;
mod visibility;
mod webapp;
mod wire;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Clock, Config, SIM_API_KEY, Simulator};

const START_MS: i64 = 1_779_285_600_000;
const PLATE: &str = "A mounting plate, 80 x 60 x 6 mm, with two 6 mm through holes. [sim:duration=100][sim:cost=150]";

/// A client of one simulator.
struct Client {
    simulator: Simulator,
    router: Router,
    api_key: String,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Bytes,
}

impl Client {
    fn new(config: Config) -> Self {
        let clock = Clock::new(START_MS, 1.0);
        Self::of(Simulator::open(config, clock, None).unwrap())
    }

    fn of(simulator: Simulator) -> Self {
        Self {
            router: simulator.router(),
            simulator,
            api_key: SIM_API_KEY.to_owned(),
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes: body.collect().await.unwrap().to_bytes(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path)
            .header("authorization", format!("Bearer {}", self.api_key))
            .header("host", "127.0.0.1:8080");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, key: &str, body: Value) -> Answer {
        self.post_as(path, key, "application/json", body.to_string())
            .await
    }

    async fn post_as(&self, path: &str, key: &str, kind: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.api_key))
            .header("idempotency-key", key)
            .header("content-type", kind);
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn create(&self, key: &str, prompt: &str) -> Answer {
        self.post("/api/v1/cad/jobs", key, json!({ "prompt": prompt }))
            .await
    }

    /// Creates a job and returns its path.
    async fn job(&self, key: &str, prompt: &str) -> String {
        let created = self.create(key, prompt).await;
        assert_eq!(created.status, 202, "{created:?}");
        format!("/api/v1/cad/jobs/{}", created.text("id"))
    }

    async fn available(&self) -> i64 {
        let balance = self.get("/api/v1/billing/balance").await.json();
        balance["available_balance_cents"].as_i64().unwrap()
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_default().to_owned()
    }

    fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}
