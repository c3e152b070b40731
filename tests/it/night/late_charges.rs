//! Nights on which a charge is known later than its run's end, or goes beyond its hold.

use std::time::Duration;

use millrun::run::event::Event;
use millrun::run::outcome::ExitReason::{CapReached, PartFailed};
use millrun::simulator::{Billing, Config, FailedRuns, Switches};

use super::harness::{Night, assert_clean, let_pass};
use super::trouble::{boxes, reasons};

const DOWNLOAD: &str = "{download: {}}";

fn create(orders: &str) -> String {
    format!("{{create: {{prompt: 'A box {{{{ n }}}} mm {orders}'}}}}")
}

fn charged_for_failures(late_seconds: u32) -> Config {
    Config {
        switches: Switches {
            billing: Billing {
                failed_runs: FailedRuns::Charged,
                late_seconds,
                ..Billing::default()
            },
            ..Switches::default()
        },
        ..Config::default()
    }
}

/// When each question for a charge went out, in seconds after the first event.
fn asked(night: &Night) -> Vec<i64> {
    let records = night.records();
    let asked = records
        .iter()
        .filter(|record| matches!(record.event, Event::ChargeAsked { .. }));
    asked
        .map(|record| (record.at.0 - records[0].at.0) / 1_000)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_comes_minutes_late_is_waited_for_and_booked_to_the_cent() {
    let night = Night::new(Config::default());
    let steps = format!("{}, {DOWNLOAD}", create("[sim:charge-late=400]"));
    let history = night.run(&boxes("", 3, &steps)).await.history();
    let books = night.books();
    assert_clean(&books);
    let ledger = &history.memory.ledger;
    assert_eq!(ledger.charged().0, books.totals.charged_cents.0);
    assert!(ledger.charged().0 > 0);
    assert_eq!((ledger.held().0, history.memory.pending_charges()), (0, 0));
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
    let asked = asked(&night);
    assert_eq!(asked.len(), 6, "each twice: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_comes_too_late_is_told_as_pending_and_the_next_run_asks_again() {
    let night = Night::new(Config::default());
    let manifest = boxes("", 1, &create("[sim:charge-late=4000]"));
    let first = night.run(&manifest).await.history();
    assert_eq!(
        first
            .run
            .as_ref()
            .unwrap()
            .end
            .as_ref()
            .unwrap()
            .exit_code(),
        0
    );
    assert_eq!(first.memory.pending_charges(), 1);
    let hold = first.memory.price.as_ref().unwrap().hold;
    assert_eq!(
        (first.memory.ledger.held(), first.memory.ledger.charged().0),
        (hold, 0)
    );
    let times = asked(&night);
    assert!((1..=4).contains(&times.len()), "{times:?}");
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] >= 300),
        "{times:?}"
    );
    let_pass(Duration::from_secs(4_000)).await;
    let posts = night.books().totals.writes;
    let second = night.run(&manifest).await.history();
    assert_eq!(second.run.unwrap().end.unwrap().exit_code(), 0);
    assert_eq!(second.memory.pending_charges(), 0);
    let books = night.books();
    assert_eq!(
        second.memory.ledger.charged().0,
        books.totals.charged_cents.0
    );
    assert_eq!(
        (second.memory.ledger.held().0, books.totals.writes),
        (0, posts)
    );
    assert_clean(&books);
}

#[tokio::test(start_paused = true)]
async fn the_hold_of_a_failed_run_stays_until_its_charge_is_known() {
    let night = Night::new(charged_for_failures(600));
    let steps = format!(
        "{}, {{iterate: {{prompt: 'Thicker [sim:fail=1] [sim:cost=190]'}}}}",
        create("[sim:cost=180]")
    );
    // Create, failed iterate and its retry could come to 5.70.
    let manifest = boxes("budget: {max_per_part: 5.00 usd},", 1, &steps);
    assert_eq!(reasons(night.run(&manifest).await), [CapReached]);
    let books = night.books();
    assert_eq!(
        (books.totals.writes, books.totals.charged_cents.0),
        (2, 370)
    );
    // Its charge is known by then: the cap has no room for another try either.
    let_pass(Duration::from_secs(3_600)).await;
    let again = night.run(&manifest).await.history();
    assert_eq!(night.books().totals.writes, 2);
    assert_eq!(again.memory.ledger.charged().0, 370);
    assert_eq!(again.memory.ledger.held().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_that_is_never_charged_is_taken_to_be_free_after_two_hours() {
    let night = Night::new(Config::default());
    let settings = "retry: {attempts: 1, backoff: 2s..2m},";
    let manifest = boxes(settings, 1, &create("[sim:fail=1]"));
    let ending = night.run(&manifest).await;
    let history = ending.history();
    let hold = history.memory.price.as_ref().unwrap().hold;
    assert_eq!(history.memory.ledger.held(), hold);
    assert_eq!(history.run.unwrap().end.unwrap().reasons, [PartFailed]);
    let_pass(Duration::from_secs(2 * 3_600)).await;
    let history = night.run(&manifest).await.history();
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
    assert_eq!(history.memory.ledger.held().0, 0);
    let books = night.books();
    assert_eq!(
        history.memory.ledger.charged().0,
        books.totals.charged_cents.0
    );
    assert_clean(&books);
}

#[tokio::test(start_paused = true)]
async fn what_is_charged_beyond_its_hold_stops_new_writes_past_a_cap() {
    let night = Night::new(Config::default());
    let settings = "limits: {active_jobs: 1}, budget: {max_spend: 8.00 usd},";
    let manifest = boxes(settings, 3, &create("[sim:cost=450]"));
    let history = night.run(&manifest).await.history();
    let run = history.run.unwrap();
    assert_eq!(run.end.unwrap().reasons, [CapReached]);
    // One took 4.50 of what was held as 2.00: the next could take as much.
    assert_eq!(night.books().totals.writes, 1);
    assert_eq!(history.memory.ledger.excess_in(run.id).0, 250);
}
