//! Rate limits, keys and scopes, idempotency, early polls.

use std::collections::BTreeMap;

use super::*;
use crate::simulator::{ApiKey, Class, Limits, Scope};

#[tokio::test(start_paused = true)]
async fn a_refused_write_is_let_in_after_exactly_what_it_was_told() {
    let client = Client::new(Config::default());
    for index in 0..10 {
        client.job(&format!("k{index}"), PLATE).await;
    }
    tokio::time::advance(Duration::from_millis(1_500)).await;
    let refused = client.create("k10", PLATE).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (429, "rate_limited")
    );
    assert_eq!(refused.header("retry-after"), "59");
    pass(59).await;
    assert_eq!(client.create("k10", PLATE).await.status, 202);
    assert_eq!(
        client.simulator.books().rate_limited,
        BTreeMap::from([(Class::CadWrites, 1)])
    );
}

#[tokio::test(start_paused = true)]
async fn a_time_divisor_divides_waits_and_windows_and_tells_decimals() {
    let client = Client::new(Config {
        time_divisor: 120.0,
        ..Config::default()
    });
    for index in 0..10 {
        client.job(&format!("k{index}"), PLATE).await;
    }
    let refused = client.create("k10", PLATE).await;
    assert_eq!(refused.header("retry-after"), "0.500");
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(
        client.create("k10", PLATE).await.json()["poll_after_seconds"],
        0.25
    );
}

#[tokio::test(start_paused = true)]
async fn invalid_requests_and_replays_cost_a_token_but_strangers_do_not() {
    let client = Client::new(Config::default());
    let stranger = Client {
        api_key: "gcad_sim_other".to_owned(),
        ..Client::of(client.simulator.clone())
    };
    for _ in 0..20 {
        assert_eq!(stranger.create("k", PLATE).await.status, 401);
    }
    for _ in 0..5 {
        assert_eq!(client.create("k1", " ").await.code(), "missing_prompt");
        assert_eq!(client.create("k2", PLATE).await.status, 202);
    }
    assert_eq!(client.create("k2", PLATE).await.status, 429);
    assert_eq!(client.simulator.books().idempotency.replays, 4);
}

#[tokio::test(start_paused = true)]
async fn keys_are_checked_for_life_and_scope() {
    let reader = ApiKey::new("gcad_sim_reader", [Scope::CadRead]);
    let live = ApiKey::new("gcad_live_1", Scope::ALL);
    let mut client = Client::new(Config {
        keys: vec![reader, live],
        ..Config::default()
    });
    client.api_key = "gcad_sim_reader".to_owned();
    assert_eq!(client.get("/api/v1/cad/jobs").await.status, 200);
    assert_eq!(
        client.create("k1", PLATE).await.code(),
        "insufficient_scope"
    );
    let review = client
        .post("/api/v1/cad/jobs/x/review", "k", json!({ "prompt": "?" }))
        .await;
    assert_eq!(review.status, 403);
    assert_eq!(client.get("/api/v1/billing/balance").await.status, 403);
    client.api_key = "gcad_live_1".to_owned();
    assert_eq!(client.get("/api/v1/cad/jobs").await.code(), "unauthorized");
}

#[tokio::test(start_paused = true)]
async fn a_key_replays_its_first_answer_and_refuses_another_body() {
    let client = Client::new(Config {
        limits: Limits::off(),
        ..Config::default()
    });
    let first = client.create("k1", PLATE).await;
    pass(500).await;
    let replay = client.create("k1", PLATE).await;
    assert_eq!(
        (replay.status, replay.text("id")),
        (first.status, first.text("id"))
    );
    assert_eq!(replay.text("status"), "queued");
    assert_ne!(replay.text("request_id"), first.text("request_id"));
    assert_eq!(
        client.create("k1", "Another plate").await.code(),
        "idempotency_key_conflict"
    );
    let follow_up = format!("/api/v1/cad/jobs/{}/messages", first.text("id"));
    let elsewhere = client
        .post(&follow_up, "k1", json!({ "prompt": PLATE }))
        .await;
    assert_eq!(elsewhere.code(), "idempotency_key_conflict");
    assert_eq!(
        client.create("", PLATE).await.code(),
        "idempotency_key_required"
    );
    assert_eq!(client.create(&"k".repeat(160), PLATE).await.status, 202);
    assert_eq!(client.create(&"k".repeat(161), PLATE).await.status, 400);
    let books = client.simulator.books();
    assert_eq!(
        (
            books.idempotency.seen,
            books.idempotency.replays,
            books.idempotency.conflicts
        ),
        (2, 1, 2)
    );
    assert_eq!(books.totals.jobs, 2);
}

#[tokio::test(start_paused = true)]
async fn a_poll_sooner_than_told_is_in_the_books() {
    let client = Client::new(Config::default());
    let job = client.job("k1", PLATE).await;
    pass(30).await;
    client.get(&job).await;
    tokio::time::advance(Duration::from_millis(29_999)).await;
    client.get(&job).await;
    let early = client.simulator.books().early_polls;
    assert_eq!(early.count, 1);
    assert_eq!(early.details[0].at_ms, START_MS + 59_999);
    assert_eq!(early.details[0].told_ms, START_MS + 60_000);
    pass(60).await;
    client.get(&job).await;
    client.get(&job).await;
    assert_eq!(
        client.simulator.books().early_polls.count,
        1,
        "a finished job may be read at any time"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_said_in_the_apis_own_form() {
    let client = Client::new(Config::default());
    for path in [
        "/",
        "/api/v1/cad",
        "/api/v1/cad/jobs/cadjob_x",
        "/api/v1/cad/jobs/%FF",
        "/api/v1/artifacts/x/download",
    ] {
        let answer = client.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (404, "not_found"),
            "{path}"
        );
        assert_eq!(answer.header("x-request-id"), answer.text("request_id"));
    }
    let wrong = client.post("/api/v1/billing/balance", "k", json!({})).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.code().as_str()),
        (405, "method_not_allowed")
    );
}
