//! Some parts of a run are cancelled beside it; and a run of selected parts goes on with those that it began with.

use std::collections::BTreeSet;
use std::time::Duration;

use millrun::execute::engine::Begin;
use millrun::execute::ports::StopLevel;
use millrun::plan::family::PartIx;
use millrun::plan::ids::PartId;
use millrun::plan::selection::Wish;
use millrun::run::control::Order;
use millrun::run::history::History;
use millrun::run::outcome::ExitReason;
use millrun::run::outcome::Outcome::{self, Blocked, Cancelled, Succeeded};
use millrun::run::sheet::Heading;
use millrun::session::{begin_selected, states};
use millrun::simulator::Config;

use super::harness::{Night, assert_clean, let_pass};

/// `lid` needs `box-2`; the boxes are made one after the other.
const BOXES: &str = r#"
version: 1
name: boxes
uid: c2
budget: { max_spend: 90.00 usd }
limits: { active_jobs: 1 }
parts:
  - id: box-{{ n }}
    matrix: { n: [1, 2, 3] }
    steps:
      - create: { prompt: "A box {{ n }} x 40 x 6 mm." }
      - iterate: { prompt: "Make it 8 mm thick." }
      - download: {}
  - id: lid
    needs: [box-2]
    steps:
      - create: { prompt: A lid. }
"#;

fn cancel(parts: &[&str]) -> Order {
    Order::Cancel {
        parts: parts.iter().map(|id| PartId::new(*id).unwrap()).collect(),
        why: None,
    }
}

fn outcomes(history: &History) -> Vec<Outcome> {
    let run = history.run.as_ref().unwrap();
    (0..4).map(|ix| run.part_outcome(PartIx(ix))).collect()
}

#[tokio::test(start_paused = true)]
async fn cancelled_parts_send_nothing_new_and_the_others_go_on() {
    let night = Night::new(Config::default());
    let (ending, ()) = tokio::join!(night.run(BOXES), async {
        // The first create is out, the others wait.
        let_pass(Duration::from_secs(30)).await;
        night.order(cancel(&["box-1", "box-2"]));
    });
    let history = ending.history();
    assert_eq!(
        outcomes(&history),
        [Cancelled, Cancelled, Succeeded, Blocked]
    );
    let end = history.run.as_ref().unwrap().end.clone().unwrap();
    assert_eq!(
        (end.reasons.as_slice(), end.exit_code()),
        ([ExitReason::Cancelled].as_slice(), 5)
    );
    let books = night.books();
    assert_eq!(
        (books.totals.jobs, books.totals.writes),
        (2, 3),
        "box-1's create and box-3"
    );
    // What was out is paid and at home.
    assert_eq!(history.memory.ledger.held().0, 0);
    assert_eq!(
        books.totals.charged_cents.0,
        history.memory.ledger.charged().0
    );
    assert_clean(&books);

    // They are cancelled in that run alone.
    let next = night.run(BOXES).await.history();
    assert_eq!(
        outcomes(&next),
        [Succeeded, Succeeded, Outcome::Reused, Succeeded]
    );
    assert_eq!(night.books().totals.writes, 7);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cut_short_keeps_its_parts_cancelled() {
    let night = Night::new(Config::default());
    let (ending, ()) = tokio::join!(night.run(BOXES), async {
        let_pass(Duration::from_secs(30)).await;
        night.order(cancel(&["box-1", "box-2", "lid"]));
        let_pass(Duration::from_secs(1)).await;
        night.stop(StopLevel::Settle);
    });
    assert_eq!(ending.exit_code(), 5);
    night.stop(StopLevel::Go);
    let history = night.run(BOXES).await.history();
    assert_eq!(history.run.as_ref().unwrap().id.0, 1);
    assert_eq!(
        outcomes(&history),
        [Cancelled, Cancelled, Succeeded, Cancelled]
    );
    assert_eq!(night.books().totals.writes, 3);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_what_failed_goes_on_with_the_parts_that_it_began_with() {
    let night = Night::new(Config::default());
    let broken = BOXES.replace("8 mm thick", "8 mm thick [sim:fail=9]");
    assert_eq!(night.run(&broken).await.exit_code(), 1);
    let family = night.family(BOXES);
    let records = night.records();
    let known = states(&family, &records);
    assert_eq!(known.failed.len(), 4, "{known:?}");
    assert_eq!(known.changed.len(), 3, "the lid is as it was");

    let heading = Heading {
        manifest: "m.yaml".to_owned(),
        max_spend: None,
        output: "out".to_owned(),
        zone: "UTC".to_owned(),
    };
    let wish = |select: &str| Wish {
        select: vec![select.to_owned()],
        exclude: vec!["box-1".to_owned()],
    };
    let start = |select: &str, records: &[_]| {
        let (family, none, wish) = (night.family(BOXES), BTreeSet::new(), wish(select));
        let anew = BTreeSet::new();
        begin_selected(family, &wish, records, &none, &heading, false, &anew).unwrap()
    };
    let (plan, _, begin) = start("state:failed", &records);
    let Begin::Start { sheet, .. } = begin else {
        panic!("a finished run went on")
    };
    assert_eq!(plan.family.parts.len(), 3);
    assert_eq!(sheet.selection, wish("state:failed"));

    // It is cut short right after its start: the same words mean the same parts, and others another run.
    let started = millrun::run::event::Record {
        at: records.last().unwrap().at,
        run: Some(millrun::plan::ids::RunId(2)),
        event: millrun::run::event::Event::RunStarted { sheet },
    };
    let records: Vec<_> = records.into_iter().chain([started]).collect();
    let (plan, _, begin) = start("state:failed", &records);
    assert!(matches!(begin, Begin::Resume { .. }), "{begin:?}");
    assert_eq!(plan.family.parts.len(), 3);
    let (plan, _, begin) = start("box-*", &records);
    assert!(matches!(begin, Begin::Start { .. }), "{begin:?}");
    assert_eq!(plan.family.parts.len(), 2);
}
