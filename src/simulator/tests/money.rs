//! Holds, charges and what is said when the money is short.

use super::*;
use crate::simulator::{Cents, Status};

fn with_balance(cents: i64) -> Client {
    Client::new(Config {
        balance_cents: Cents(cents),
        ..Config::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_taken_at_once_and_captured_at_the_end() {
    let client = with_balance(1_000);
    client.job("k1", PLATE).await;
    assert_eq!(client.available().await, 800);
    pass(100).await;
    assert_eq!(client.available().await, 850);
    client
        .job("k2", "A plate [sim:fail][sim:duration=10]")
        .await;
    assert_eq!(client.available().await, 650);
    pass(10).await;
    assert_eq!(client.available().await, 850);
    let totals = client.simulator.books().totals;
    assert_eq!(
        (
            totals.charged_cents,
            totals.held_cents,
            totals.balance_cents
        ),
        (Cents(150), Cents(0), Cents(850))
    );
    assert_eq!((totals.completed, totals.failed), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn short_money_is_429_while_jobs_hold_it_and_402_after() {
    let client = with_balance(300);
    client.job("k1", PLATE).await;
    let held = client.create("k2", PLATE).await;
    assert_eq!(
        (held.status.as_u16(), held.code().as_str()),
        (429, "projected_balance_exceeded")
    );
    assert_eq!(held.header("retry-after"), "100");
    assert!(client.simulator.books().rate_limited.is_empty());
    pass(100).await;
    let empty = client.create("k2", PLATE).await;
    assert_eq!(
        (empty.status.as_u16(), empty.code().as_str()),
        (402, "insufficient_balance")
    );
    let replay = client.create("k1", PLATE).await;
    assert_eq!(replay.status, 202, "the key is looked up before the money");
    let topped_up = client
        .post("/_sim/top-up", "", json!({ "cents": 50 }))
        .await;
    assert_eq!(topped_up.json()["available_cents"], 200);
    assert_eq!(client.create("k2", PLATE).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn a_charge_may_come_late_and_be_summed_over_runs() {
    let client = with_balance(1_000);
    let job = client
        .job(
            "k1",
            "A plate [sim:duration=10][sim:cost=300][sim:charge-late=60]",
        )
        .await;
    pass(30).await;
    let status = client.get(&job).await.json();
    assert_eq!(
        (&status["status"], &status["cost"]["charged_cents"]),
        (&json!("completed"), &Value::Null)
    );
    assert_eq!(client.available().await, 800);
    pass(40).await;
    assert_eq!(client.get(&job).await.json()["cost"]["charged_cents"], 300);
    assert_eq!(client.available().await, 700);
    let failing = json!({ "prompt": "Again [sim:fail][sim:duration=1]" });
    client.post(&format!("{job}/messages"), "k2", failing).await;
    pass(30).await;
    let status = client.get(&job).await.json();
    assert_eq!(
        (&status["status"], &status["cost"]["charged_cents"]),
        (&json!("failed"), &json!(300))
    );
    assert!(
        status["latest_revision_id"].is_string(),
        "the old revision stays"
    );
    let book = &client.simulator.books().jobs[0];
    let writes: Vec<_> = book
        .writes
        .iter()
        .map(|write| (write.status, write.charged_cents))
        .collect();
    assert_eq!(
        writes,
        [
            (Status::Completed, Some(Cents(300))),
            (Status::Failed, None)
        ]
    );
}
