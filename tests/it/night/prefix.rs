//! The process dies before and after each of its commits, with every open request once lost and once applied. Whatever happens, the
//! simulator's books show one job a part, one charge a write, and every file at home.

use std::time::Duration;

use millrun::simulator::{Cents, Config};

use super::harness::{Dies, Ending, Night, assert_clean, let_pass};
use super::whole::PNG;

const FAMILY: &str = r#"
version: 1
name: prefixes
uid: p1
budget: { max_spend: 20.00 usd, keep_balance: 1.00 usd }
parts:
  - id: plate-{{ width }}
    matrix: { width: [60, 80] }
    steps:
      - create: { prompt: "A plate {{ width }} x 40 x 6 mm.", images: [sketch.png] }
      - review: { prompt: Review it. }
      - iterate: { when: width > 60, prompt: Make it 8 mm thick. }
      - check: {}
      - download: {}
  - id: frame
    needs: ["plate-*"]
    steps:
      - create: { prompt: "A frame. [sim:fail=1] [sim:files=3]" }
      - download: {}
"#;

const FILES: [&str; 5] = [
    "frame--frame.step",
    "frame--frame_1.step",
    "frame--frame_2.step",
    "plate-60.step",
    "plate-80.step",
];

/// What a request needs to reach the service after its process died, and what the next process needs to start.
const LATE: Duration = Duration::from_millis(700);

#[derive(Clone, Copy, Debug)]
enum Open {
    Lost,
    Applied,
}

async fn is_reached(commits: u32, dies: Dies, open: Open) -> bool {
    let mut night = Night::new(Config::default());
    night.place("sketch.png", PNG);
    let died = matches!(night.run_and_die(FAMILY, commits, dies).await, Ending::Died);
    match open {
        Open::Lost => night.lose_what_was_out(),
        Open::Applied => {
            let_pass(LATE).await;
            night.deliver_what_was_out().await;
            let_pass(LATE).await;
        }
    }
    let history = night.run(FAMILY).await.history();
    let context = format!("{dies:?} {commits}, open requests {open:?}");
    let run = history.run.as_ref().unwrap();
    assert_eq!(
        run.end.as_ref().unwrap().exit_code(),
        0,
        "{context}: {:?}",
        run.steps
    );
    let books = night.books();
    assert_clean(&books);
    // Three parts, one of which the service fails once; one follow-up.
    assert_eq!(
        (books.totals.jobs, books.totals.writes, books.totals.failed),
        (4, 5, 1),
        "{context}"
    );
    assert_eq!(books.totals.reviews, 2, "{context}");
    assert_eq!(
        books.idempotency.seen, 7,
        "{context}: a key was changed without need"
    );
    assert_eq!(
        books.totals.charged_cents,
        Cents(history.memory.ledger.charged().0),
        "{context}"
    );
    // The job that failed may be free: that is not known before long.
    let memory = &history.memory;
    let held = memory.ledger.held() - memory.bills.held_for_failed();
    assert_eq!(held.0, 0, "{context}");
    assert_eq!(night.files(), FILES, "{context}");
    died
}

fn a_process_may_die_at_any_commit(dies: Dies, open: Open) {
    let mut commits = 1;
    loop {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        if !runtime.block_on(is_reached(commits, dies, open)) {
            break;
        }
        commits += 1;
    }
    assert!(
        commits > 200,
        "only {commits} commits: is the fuse burning?"
    );
}

#[test]
fn a_process_may_die_before_any_commit_and_what_was_out_is_lost() {
    a_process_may_die_at_any_commit(Dies::BeforeCommit, Open::Lost);
}

#[test]
fn a_process_may_die_before_any_commit_and_what_was_out_is_applied() {
    a_process_may_die_at_any_commit(Dies::BeforeCommit, Open::Applied);
}

#[test]
fn a_process_may_die_after_any_commit_and_what_was_out_is_lost() {
    a_process_may_die_at_any_commit(Dies::AfterCommit, Open::Lost);
}

#[test]
fn a_process_may_die_after_any_commit_and_what_was_out_is_applied() {
    a_process_may_die_at_any_commit(Dies::AfterCommit, Open::Applied);
}
