//! What people ask of a run that is under way: a pause, and a cancel.

use std::time::Duration;

use millrun::execute::ports::StopLevel;
use millrun::run::control::Order;
use millrun::run::event::{Event, Record};
use millrun::run::history::History;
use millrun::run::outcome::ExitReason;
use millrun::run::outcome::Outcome::{self, Cancelled, Succeeded};
use millrun::simulator::Config;

use super::harness::{Dies, Ending, Night, assert_clean, let_pass};

const HOUR: Duration = Duration::from_secs(3600);

/// Six boxes, one job at a time, each iterated and published.
const BOXES: &str = r#"
version: 1
name: boxes
uid: c1
budget: { max_spend: 90.00 usd }
limits: { active_jobs: 1 }
parts:
  - id: box-{{ n }}
    matrix: { n: [1, 2, 3, 4, 5, 6] }
    steps:
      - create: { prompt: "A box {{ n }} x 40 x 6 mm." }
      - iterate: { prompt: Make it 8 mm thick. }
      - download: {}
"#;

fn cancel() -> Order {
    Order::Cancel {
        parts: Vec::new(),
        why: Some("wrong material".to_owned()),
    }
}

fn outcomes(history: &History) -> Vec<Outcome> {
    let run = history.run.as_ref().unwrap();
    (0..run.sheet.parts.len())
        .map(|ix| run.part_outcome(millrun::plan::family::PartIx(ix.try_into().unwrap())))
        .collect()
}

fn count(records: &[Record], is_it: impl Fn(&Event) -> bool) -> usize {
    records.iter().filter(|record| is_it(&record.event)).count()
}

fn reasons(ending: Ending) -> Vec<ExitReason> {
    ending.history().run.unwrap().end.unwrap().reasons
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_sends_nothing_new_and_goes_on_when_it_is_told_to() {
    let night = Night::new(Config::default());
    let (ending, ()) = tokio::join!(night.run(BOXES), async {
        let_pass(Duration::from_secs(30)).await;
        night.order(Order::Pause);
        let_pass(HOUR).await;
        let paused = night.books().totals;
        let running = night.simulator.books().totals.jobs;
        assert!(running >= 1, "nothing was sent before the pause");
        let_pass(HOUR * 5).await;
        assert_eq!(night.books().totals, paused, "something new was sent");
        let history = History::of(&night.records());
        assert_eq!(
            history.memory.active_jobs, 0,
            "a job was not polled to its end"
        );
        assert!(
            history.run.unwrap().end.is_none(),
            "it ended while it was paused"
        );
        night.order(Order::Unpause);
    });
    assert_eq!(ending.exit_code(), 0);
    let books = night.books();
    assert_eq!((books.totals.jobs, books.totals.writes), (6, 12));
    assert_clean(&books);
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_can_be_interrupted_and_the_next_process_is_not_paused() {
    let night = Night::new(Config::default());
    let (ending, ()) = tokio::join!(night.run(BOXES), async {
        let_pass(Duration::from_secs(30)).await;
        night.order(Order::Pause);
        let_pass(HOUR).await;
        night.stop(StopLevel::Settle);
    });
    assert_eq!(reasons(ending), [ExitReason::Interrupted]);
    night.stop(StopLevel::Go);
    assert_eq!(night.run(BOXES).await.exit_code(), 0);
    assert_eq!(night.books().totals.jobs, 6);
}

#[tokio::test(start_paused = true)]
async fn a_pause_with_nothing_left_to_send_lets_the_run_end() {
    let night = Night::new(Config::default());
    let one = BOXES
        .replace("[1, 2, 3, 4, 5, 6]", "[1]")
        .replace("      - iterate: { prompt: Make it 8 mm thick. }\n", "");
    let (ending, ()) = tokio::join!(night.run(&one), async {
        let_pass(Duration::from_secs(30)).await;
        night.order(Order::Pause);
    });
    assert_eq!(ending.exit_code(), 0);
    assert_eq!(night.files(), ["box-1.step"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_brings_home_what_is_paid_and_is_finished() {
    let night = Night::new(Config::default());
    let (ending, ()) = tokio::join!(night.run(BOXES), async {
        let_pass(Duration::from_secs(30)).await;
        night.order(cancel());
    });
    let history = ending.history();
    let run = history.run.as_ref().unwrap();
    let end = run.end.as_ref().unwrap();
    assert_eq!(end.reasons, [ExitReason::Cancelled]);
    assert_eq!((end.exit_code(), end.finishes()), (5, true));
    let books = night.books();
    assert_eq!((books.totals.jobs, books.totals.writes), (1, 1));
    assert_eq!(outcomes(&history), [Cancelled; 6]);
    // Its create was paid, and all of it is at home.
    assert_eq!(history.memory.active_jobs, 0);
    assert_eq!(history.memory.ledger.held().0, 0);
    assert_eq!(
        books.totals.charged_cents.0,
        history.memory.ledger.charged().0
    );
    assert_clean(&books);

    // Another run is a new one, and pays nothing again.
    let next = night.run(BOXES).await.history();
    let run = next.run.as_ref().unwrap();
    assert_eq!((run.id.0, run.end.as_ref().unwrap().exit_code()), (2, 0));
    assert_eq!(outcomes(&next), [Succeeded; 6]);
    let books = night.books();
    assert_eq!((books.totals.jobs, books.totals.writes), (6, 12));
}

#[tokio::test(start_paused = true)]
async fn resume_opens_a_cancelled_run_again() {
    let mut night = Night::new(Config::default());
    let (ending, ()) = tokio::join!(night.run(BOXES), async {
        let_pass(Duration::from_secs(30)).await;
        night.order(cancel());
    });
    assert_eq!(ending.exit_code(), 5);
    let history = night.resume(BOXES).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!((run.id.0, run.end.as_ref().unwrap().exit_code()), (1, 0));
    assert_eq!(outcomes(&history), [Succeeded; 6]);
    assert_eq!(night.books().totals.writes, 12);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_that_is_cut_short_stays_cancelled() {
    let night = Night::new(Config::default());
    let (ending, ()) = tokio::join!(night.run(BOXES), async {
        let_pass(Duration::from_secs(30)).await;
        night.order(cancel());
        let_pass(Duration::from_secs(5)).await;
        night.stop(StopLevel::Settle);
    });
    assert_eq!(
        reasons(ending),
        [ExitReason::Interrupted, ExitReason::Cancelled]
    );
    night.stop(StopLevel::Go);
    assert_eq!(reasons(night.run(BOXES).await), [ExitReason::Cancelled]);
    assert_eq!(night.books().totals.writes, 1);
    let records = night.records();
    let cancels = count(&records, |event| matches!(event, Event::Cancelled { .. }));
    assert_eq!(cancels, 1, "it was recorded again");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_a_paused_run() {
    let night = Night::new(Config::default());
    let (ending, ()) = tokio::join!(night.run(BOXES), async {
        let_pass(Duration::from_secs(30)).await;
        night.order(Order::Pause);
        let_pass(HOUR).await;
        night.order(cancel());
    });
    assert_eq!(reasons(ending), [ExitReason::Cancelled]);
    assert_eq!(night.books().totals.writes, 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_commit_neither_loses_nor_doubles_a_cancel() {
    for dies in [Dies::BeforeCommit, Dies::AfterCommit] {
        for commits in 1..30 {
            let mut night = Night::new(Config::default());
            night.order(cancel());
            let first = night.run_and_die(BOXES, commits, dies).await;
            let is_cut_short = !matches!(first, Ending::Ended(_));
            let run = History::of(&night.records()).run;
            // It may have died right after its end was on disk.
            if is_cut_short && !run.is_some_and(|run| run.is_finished()) {
                let ending = night.run(BOXES).await;
                assert_eq!(
                    reasons(ending),
                    [ExitReason::Cancelled],
                    "{dies:?} {commits}"
                );
            }
            let records = night.records();
            let cancels = count(&records, |event| matches!(event, Event::Cancelled { .. }));
            assert_eq!(cancels, 1, "{dies:?} at commit {commits}");
            assert_eq!(night.books().totals.writes, 0);
        }
    }
}
