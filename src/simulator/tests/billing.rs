//! Both positions of each switch of the billing, and the control calls about money and keys, seen at the edge.

use super::*;
use crate::simulator::{
    ApiKey, Billing, Cents, ChargedCents, Charges, FailedRuns, FollowUpHold, Insufficient,
    KeyState, Scope, ShownBalance, Switches, UnknownCost,
};

fn billed(cents: i64, billing: Billing) -> Client {
    Client::new(Config {
        balance_cents: Cents(cents),
        switches: Switches {
            billing,
            ..Switches::default()
        },
        ..Config::default()
    })
}

async fn control(client: &Client, path: &str, body: Value) -> Value {
    let answer = client.post(path, "", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test(start_paused = true)]
async fn the_balance_is_net_or_gross_of_holds() {
    for (balance, shown) in [(ShownBalance::Net, 800), (ShownBalance::Gross, 1_000)] {
        let client = billed(
            1_000,
            Billing {
                balance,
                ..Billing::default()
            },
        );
        client.job("k", PLATE).await;
        assert_eq!(client.available().await, shown);
        pass(100).await;
        assert_eq!(client.available().await, 850);
    }
}

#[tokio::test(start_paused = true)]
async fn a_balance_is_short_below_a_hold_or_when_empty() {
    for (insufficient, code) in [
        (Insufficient::LessThanHold, "insufficient_balance"),
        (Insufficient::OnlyEmpty, ""),
    ] {
        let client = billed(
            100,
            Billing {
                insufficient,
                ..Billing::default()
            },
        );
        assert_eq!(client.create("k1", PLATE).await.code(), code);
        if insufficient == Insufficient::OnlyEmpty {
            let second = client.create("k2", PLATE).await;
            assert_eq!(second.code(), "projected_balance_exceeded");
            pass(100).await;
            let third = client.create("k3", PLATE).await;
            assert_eq!(third.code(), "insufficient_balance", "it owes 50");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_takes_a_hold_or_is_free_of_one() {
    for (follow_ups, code, during) in [
        (FollowUpHold::Taken, "insufficient_balance", 50),
        (FollowUpHold::Free, "", 50),
    ] {
        let client = billed(
            200,
            Billing {
                follow_ups,
                ..Billing::default()
            },
        );
        let job = client.job("k1", PLATE).await;
        pass(100).await;
        let thicker = json!({ "prompt": "8 mm thick [sim:duration=10][sim:cost=30]" });
        let followed = client.post(&format!("{job}/messages"), "k2", thicker).await;
        assert_eq!(followed.code(), code);
        assert_eq!(client.available().await, during);
        pass(10).await;
        let charged = follow_ups == FollowUpHold::Free;
        assert_eq!(client.available().await, if charged { 20 } else { 50 });
    }
}

#[tokio::test(start_paused = true)]
async fn charged_cents_are_the_jobs_or_the_last_runs() {
    for (charged, cents) in [(ChargedCents::Sum, 180), (ChargedCents::LastRun, 30)] {
        let client = billed(
            1_000,
            Billing {
                charged,
                ..Billing::default()
            },
        );
        let job = client.job("k1", PLATE).await;
        pass(100).await;
        let thicker = json!({ "prompt": "8 mm thick [sim:duration=10][sim:cost=30]" });
        client.post(&format!("{job}/messages"), "k2", thicker).await;
        pass(30).await;
        let status = client.get(&job).await.json();
        assert_eq!(status["cost"]["charged_cents"], cents);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_cost_is_null_in_part_or_as_a_whole() {
    for (unknown, cost) in [
        (
            UnknownCost::NullCents,
            json!({ "currency": "usd", "charged_cents": null }),
        ),
        (UnknownCost::NullCost, Value::Null),
    ] {
        let client = billed(
            1_000,
            Billing {
                unknown,
                ..Billing::default()
            },
        );
        let job = client.job("k", PLATE).await;
        assert_eq!(client.get(&job).await.json()["cost"], cost);
        pass(100).await;
        assert_eq!(client.get(&job).await.json()["cost"]["charged_cents"], 150);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_is_free_or_charged() {
    for (failed_runs, cents, left) in [
        (FailedRuns::Free, Value::Null, 1_000),
        (FailedRuns::Charged, json!(90), 910),
    ] {
        let client = billed(
            1_000,
            Billing {
                failed_runs,
                ..Billing::default()
            },
        );
        let job = client
            .job("k", "A plate [sim:fail][sim:duration=10][sim:cost=90]")
            .await;
        pass(30).await;
        let status = client.get(&job).await.json();
        assert_eq!(status["status"], "failed");
        assert_eq!(status["cost"]["charged_cents"], cents);
        assert_eq!(client.available().await, left);
    }
}

#[tokio::test(start_paused = true)]
async fn a_charge_is_known_at_the_end_or_late_or_when_control_says() {
    for late_seconds in [0, 60] {
        let client = billed(
            1_000,
            Billing {
                late_seconds,
                ..Billing::default()
            },
        );
        let told = async |job: &str| client.get(job).await.json()["cost"]["charged_cents"].clone();
        let job = client.job("k", PLATE).await;
        pass(100).await;
        let at_end = told(&job).await;
        assert_eq!(at_end.is_null(), late_seconds > 0);
        pass(60).await;
        assert_eq!(told(&job).await, 150);

        let job = client.job("k2", PLATE).await;
        let id = job.rsplit('/').next().unwrap();
        let charge = format!("/_sim/jobs/{id}/charge");
        control(&client, &charge, json!({})).await;
        pass(100).await;
        let early = control(&client, &charge, json!({})).await;
        assert_eq!(early["charged_cents"], 150);
        assert_eq!(client.available().await, 700, "its hold is let go");
        pass(60).await;
        assert_eq!(client.available().await, 700, "and it is charged once");
    }
}

#[tokio::test(start_paused = true)]
async fn drawn_charges_stay_within_the_hold_or_pass_it() {
    for charges in [Charges::WithinHold, Charges::BeyondHold] {
        let client = billed(
            10_000,
            Billing {
                charges,
                ..Billing::default()
            },
        );
        let job = client.job("k", "A plate [sim:duration=10]").await;
        pass(30).await;
        let charged = client.get(&job).await.json()["cost"]["charged_cents"].as_i64();
        assert_eq!(charged.unwrap() > 200, charges == Charges::BeyondHold);
    }
}

#[tokio::test(start_paused = true)]
async fn control_sets_the_balance_and_the_state_of_the_billing() {
    let client = billed(1_000, Billing::default());
    client.job("k1", PLATE).await;
    let purse = control(&client, "/_sim/balance", json!({ "cents": 500 })).await;
    assert_eq!(
        purse,
        json!({
            "balance_cents": 500, "available_cents": 300, "billing": "open",
            "request_id": purse["request_id"],
        })
    );
    for (state, status, code) in [
        ("required", 402, "billing_required"),
        ("needs-review", 402, "billing_needs_review"),
        ("unavailable", 503, "service_unavailable"),
        ("open", 202, ""),
    ] {
        control(&client, "/_sim/billing", json!({ "state": state })).await;
        let answer = client.create("k2", PLATE).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code)
        );
    }
    let unknown = client
        .post("/_sim/billing", "", json!({ "state": "closed" }))
        .await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_key_ends_by_configuration_or_by_control() {
    let mut expired = ApiKey::new("gcad_sim_old", Scope::ALL);
    expired.state = KeyState::Expired;
    let mut client = Client::new(Config {
        keys: vec![ApiKey::new(SIM_API_KEY, Scope::ALL), expired],
        ..Config::default()
    });
    for state in ["revoked", "expired"] {
        let key = |state| json!({ "key": SIM_API_KEY, "state": state });
        control(&client, "/_sim/keys", key(state)).await;
        let refused = client.get("/api/v1/cad/jobs").await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (401, "unauthorized")
        );
        control(&client, "/_sim/keys", key("valid")).await;
        assert_eq!(client.get("/api/v1/cad/jobs").await.status, 200);
    }
    let stranger = json!({ "key": "gcad_sim_stranger", "state": "valid" });
    assert_eq!(client.post("/_sim/keys", "", stranger).await.status, 404);
    client.api_key = "gcad_sim_old".to_owned();
    assert_eq!(client.get("/api/v1/cad/jobs").await.code(), "unauthorized");
}

#[tokio::test]
async fn what_control_did_outlives_the_process_but_no_key_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let clock = Clock::new(START_MS, 1.0);
        Client::of(Simulator::open(Config::default(), clock, Some(dir.path())).unwrap())
    };
    let client = open();
    let job = client
        .job(
            "k",
            "A plate [sim:duration=0][sim:cost=90][sim:charge-late=60]",
        )
        .await;
    let id = job.rsplit('/').next().unwrap();
    control(&client, &format!("/_sim/jobs/{id}/charge"), json!({})).await;
    control(&client, "/_sim/billing", json!({ "state": "required" })).await;
    let before = client.simulator.books();
    let key = json!({ "key": SIM_API_KEY, "state": "revoked" });
    control(&client, "/_sim/keys", key).await;
    drop(client);
    let client = open();
    assert_eq!(client.simulator.books().jobs, before.jobs);
    assert_eq!(client.simulator.books().totals, before.totals);
    assert_eq!(client.create("k2", PLATE).await.status, 401);
    let key = json!({ "key": SIM_API_KEY, "state": "valid" });
    control(&client, "/_sim/keys", key).await;
    assert_eq!(client.create("k2", PLATE).await.code(), "billing_required");
    let log = std::fs::read_to_string(dir.path().join("world.jsonl")).unwrap();
    assert!(!log.contains(SIM_API_KEY));
}
