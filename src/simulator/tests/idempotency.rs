//! Both positions of each switch of idempotency keys, seen at the edge.

use axum::body::Bytes;
use futures_util::stream;

use super::*;
use crate::simulator::{
    Cents, Checked, Compared, Idempotency, InFlight, KeyLife, KeyScope, Limits, Remembered,
    Switches,
};

fn keyed(idempotency: Idempotency) -> Client {
    with_balance(50_000, idempotency)
}

fn with_balance(cents: i64, idempotency: Idempotency) -> Client {
    Client::new(Config {
        balance_cents: Cents(cents),
        limits: Limits::off(),
        switches: Switches {
            idempotency,
            ..Switches::default()
        },
        ..Config::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_key_is_the_workspaces_or_the_endpoints() {
    for (scope, follow_up, review) in [
        (
            KeyScope::Workspace,
            "idempotency_key_conflict",
            "idempotency_key_conflict",
        ),
        (KeyScope::Endpoint, "", ""),
    ] {
        let client = keyed(Idempotency {
            scope,
            ..Idempotency::default()
        });
        let job = client.job("k", PLATE).await;
        pass(100).await;
        let asked = json!({ "prompt": "Any risks?" });
        let reviewed = client.post(&format!("{job}/review"), "k", asked).await;
        assert_eq!(reviewed.code(), review);
        let thicker = json!({ "prompt": "8 mm thick" });
        let followed = client.post(&format!("{job}/messages"), "k", thicker).await;
        assert_eq!(followed.code(), follow_up);
        assert_eq!(
            client.job("k", PLATE).await,
            job,
            "a replay in either scope"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_lives_for_ever_or_so_long() {
    for (life, seconds) in [
        (KeyLife::ForEver, None),
        (KeyLife::Day, Some(86_400)),
        (KeyLife::HalfHour, Some(1_800)),
        (KeyLife::None, Some(0)),
    ] {
        let client = keyed(Idempotency {
            life,
            ..Idempotency::default()
        });
        let first = client.job("k", PLATE).await;
        if let Some(seconds) = seconds {
            if seconds > 0 {
                pass(seconds - 1).await;
                assert_eq!(client.job("k", PLATE).await, first, "{life:?}");
                pass(1).await;
            }
            assert_ne!(client.job("k", PLATE).await, first, "{life:?}");
        } else {
            pass(365 * 86_400).await;
            assert_eq!(client.job("k", PLATE).await, first, "{life:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_different_body_means_another_thing_or_has_another_byte() {
    for (compared, code) in [
        (Compared::Meaning, ""),
        (Compared::Bytes, "idempotency_key_conflict"),
    ] {
        let client = keyed(Idempotency {
            compared,
            ..Idempotency::default()
        });
        let send = async |body: &'static str| {
            client
                .post_as("/api/v1/cad/jobs", "k", "application/json", body)
                .await
        };
        let first = send(r#"{"prompt":"A plate"}"#).await;
        assert_eq!(send(r#"{"prompt": "A plate"}"#).await.code(), code);
        let again = send(r#"{"prompt":"A plate"}"#).await;
        assert_eq!(again.text("id"), first.text("id"));
        let other = send(r#"{"prompt":"A spacer"}"#).await;
        assert_eq!(other.code(), "idempotency_key_conflict");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_forgotten_or_told_again() {
    for (remembered, later) in [
        (Remembered::Successes, ""),
        (Remembered::Refusals, "insufficient_balance"),
    ] {
        let client = with_balance(
            100,
            Idempotency {
                remembered,
                ..Idempotency::default()
            },
        );
        let refused = client.create("k", PLATE).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (402, "insufficient_balance")
        );
        client
            .post("/_sim/top-up", "", json!({ "cents": 1_000 }))
            .await;
        let again = client.create("k", PLATE).await;
        assert_eq!(again.code(), later);
        assert_eq!(again.status == 402, remembered == Remembered::Refusals);
        let replays = client.simulator.books().idempotency.replays;
        assert_eq!(replays, u64::from(remembered == Remembered::Refusals));
    }
}

#[tokio::test(start_paused = true)]
async fn a_double_in_flight_is_replayed_or_refused() {
    for (in_flight, code) in [
        (InFlight::Replayed, ""),
        (InFlight::Refused, "idempotency_key_conflict"),
    ] {
        let client = keyed(Idempotency {
            in_flight,
            ..Idempotency::default()
        });
        let (send, sent) = tokio::sync::oneshot::channel::<()>();
        let slow = stream::once(async move {
            sent.await.unwrap();
            Ok::<_, std::io::Error>(Bytes::from_static(br#"{"prompt": "A plate"}"#))
        });
        let body = Body::from_stream(slow);
        let first = client.post_as("/api/v1/cad/jobs", "k", "application/json", body);
        let second = async {
            // The first has come as far as its body.
            tokio::task::yield_now().await;
            let second = client.create("k", "A plate").await;
            send.send(()).unwrap();
            second
        };
        let (first, second) = tokio::join!(first, second);
        assert_eq!((first.status.as_u16(), second.code().as_str()), (202, code));
        let third = client.create("k", "A plate").await;
        assert_eq!(third.text("id"), first.text("id"), "it has landed");
        assert_eq!(client.simulator.books().totals.jobs, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn money_is_asked_for_after_the_key_or_before() {
    for (billing, code) in [
        (Checked::AfterKey, ""),
        (Checked::BeforeKey, "projected_balance_exceeded"),
    ] {
        let client = with_balance(
            200,
            Idempotency {
                billing,
                ..Idempotency::default()
            },
        );
        client.job("k", PLATE).await;
        // Its own hold is all the money there was.
        assert_eq!(client.create("k", PLATE).await.code(), code);
    }
}

#[tokio::test(start_paused = true)]
async fn an_active_run_is_looked_for_after_the_key_or_before() {
    for (active_run, code) in [
        (Checked::AfterKey, ""),
        (Checked::BeforeKey, "job_already_running"),
    ] {
        let client = keyed(Idempotency {
            active_run,
            ..Idempotency::default()
        });
        let job = client.job("k1", PLATE).await;
        pass(100).await;
        let thicker = json!({ "prompt": "8 mm thick" });
        let messages = format!("{job}/messages");
        let accepted = client.post(&messages, "k2", thicker.clone()).await;
        assert_eq!(accepted.status, 202);
        assert_eq!(client.post(&messages, "k2", thicker).await.code(), code);
    }
}

#[tokio::test]
async fn refusals_and_scopes_outlive_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let config = Config {
            balance_cents: Cents(200),
            switches: Switches {
                idempotency: Idempotency {
                    scope: KeyScope::Endpoint,
                    remembered: Remembered::Refusals,
                    ..Idempotency::default()
                },
                ..Switches::default()
            },
            ..Config::default()
        };
        Client::of(Simulator::open(config, Clock::new(START_MS, 1.0), Some(dir.path())).unwrap())
    };
    let client = open();
    let job = client
        .job("k", "A plate [sim:duration=0][sim:cost=200]")
        .await;
    let refused = client.create("k2", PLATE).await;
    assert_eq!(refused.code(), "insufficient_balance");
    let review = json!({ "prompt": "Any risks?" });
    let reviewed = client
        .post(&format!("{job}/review"), "k", review.clone())
        .await;
    drop(client);
    let client = open();
    client
        .post("/_sim/top-up", "", json!({ "cents": 1_000 }))
        .await;
    assert_eq!(
        client.create("k2", PLATE).await.code(),
        "insufficient_balance"
    );
    let again = client.post(&format!("{job}/review"), "k", review).await;
    assert_eq!(again.text("message_id"), reviewed.text("message_id"));
}
