//! Many jobs at once: the job list in place of polls.

use std::fmt::Write as _;
use std::time::Duration;

use millrun::run::call::Endpoint;
use millrun::run::event::Event;
use millrun::run::history::History;
use millrun::simulator::{Config, ListOrder, Switches, Visibility};

use super::harness::{Dies, Ending, Night, assert_clean, let_pass};

fn manifest(parts: u32, seconds: u32) -> String {
    let mut text =
        "version: 1\nname: many\nuid: m\nlimits: { active_jobs: 100 }\nparts:\n".to_owned();
    for n in 0..parts {
        writeln!(
            text,
            "  - id: p{n}\n    steps: [create: {{ prompt: \"Box {n} [sim:duration={seconds}]\" }}]"
        )
        .unwrap();
    }
    text
}

fn config(order: ListOrder, poll_after_seconds: u32) -> Config {
    Config {
        poll_after_seconds,
        switches: Switches {
            visibility: Visibility {
                order,
                ..Visibility::default()
            },
            ..Switches::default()
        },
        ..Config::default()
    }
}

fn requests(history: &History, endpoint: Endpoint) -> u64 {
    let requests = &history.run.as_ref().unwrap().requests;
    u64::from(*requests.get(&endpoint).unwrap_or(&0))
}

#[tokio::test(start_paused = true)]
async fn more_polls_than_the_reads_allow_become_sweeps_and_none_is_early() {
    let night = Night::new(config(ListOrder::NewestFirst, 5));
    let history = night.run(&manifest(60, 600)).await.history();
    let books = night.books();
    assert_clean(&books);
    assert_eq!(
        history
            .run
            .as_ref()
            .unwrap()
            .end
            .as_ref()
            .unwrap()
            .exit_code(),
        0
    );
    let (polls, sweeps) = (
        requests(&history, Endpoint::Job),
        requests(&history, Endpoint::List),
    );
    // Each job may be asked about some 120 times, and all 60 at once are more than the reads allow.
    assert!(
        sweeps > 100 && polls + sweeps < 60 * 90,
        "{polls} polls, {sweeps} pages"
    );
}

#[tokio::test(start_paused = true)]
async fn what_became_due_while_nobody_looked_is_swept_and_what_ended_is_read_once() {
    let mut night = Night::new(config(ListOrder::Any, 30));
    let text = manifest(30, 250);
    assert!(matches!(
        night.run_and_die(&text, 120, Dies::AfterCommit).await,
        Ending::Died
    ));
    let_pass(Duration::from_secs(400)).await;
    let before = night.records().len();
    let history = night.run(&text).await.history();
    assert_clean(&night.books());
    let records = night.records();
    let new = &records[before..];
    let first = new
        .iter()
        .position(|record| matches!(record.event, Event::Swept { .. }))
        .expect("nothing was swept");
    let polled_before = new[..first]
        .iter()
        .filter(|record| matches!(record.event, Event::PollSent { .. }))
        .count();
    assert_eq!(polled_before, 0, "polls before the sweep");
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
}
