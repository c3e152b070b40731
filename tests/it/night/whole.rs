//! Whole nights: what comes out when nothing, or only the service, goes wrong.

use std::time::Duration;

use millrun::execute::ports::StopLevel;
use millrun::plan::action::Action;
use millrun::run::outcome::ExitReason;
use millrun::run::outcome::Outcome::{self, Blocked, Failed, Reused, Succeeded};
use millrun::simulator::{Cents, Config, WriteKind};

use super::harness::{Dies, Ending, Night, assert_clean, let_pass};

const PLATES: &str = r#"
version: 1
name: plates
uid: "6f1c0a52"
budget: { max_spend: 60.00 usd }
parts:
  - id: plate-{{ width }}
    matrix: { width: [60, 80, 120] }
    steps:
      - create:
          prompt: "A flat plate, {{ width }} x 40 x 6 mm, with two 6 mm through holes."
          images: [sketch.png]
      - review: { prompt: Review for manufacturability. }
      - iterate: { when: width >= 80, prompt: Make it 8 mm thick. }
      - check: {}
      - download: { to: plates }
  - id: frame
    needs: ["plate-*"]
    steps:
      - create: { prompt: "A box 200 x 100 x 50 mm. [sim:files=3]" }
      - download: {}
"#;

pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot much of a picture";

fn night() -> Night {
    let night = Night::new(Config::default());
    night.place("sketch.png", PNG);
    night
}

#[tokio::test(start_paused = true)]
async fn a_family_becomes_files_and_a_ledger() {
    let night = night();
    let history = night.run(PLATES).await.history();
    let books = night.books();
    assert_clean(&books);
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.end.as_ref().unwrap().exit_code(), 0);
    assert_eq!(
        (books.totals.jobs, books.totals.writes, books.totals.reviews),
        (4, 6, 3)
    );
    assert_eq!(
        books.totals.charged_cents,
        Cents(history.memory.ledger.charged().0)
    );
    assert_eq!(
        (history.memory.ledger.held().0, books.totals.held_cents),
        (0, Cents(0))
    );
    assert_eq!(
        night.files(),
        [
            "frame--box.step",
            "frame--box_1.step",
            "frame--box_2.step",
            "plates/plate-120.step",
            "plates/plate-60.step",
            "plates/plate-80.step"
        ]
        .map(str::to_owned)
    );
    let frame = books
        .jobs
        .iter()
        .find(|job| job.writes.len() == 1 && job.prompt.contains("box"))
        .unwrap();
    let plates_done = books
        .jobs
        .iter()
        .filter(|job| job.prompt.contains("plate"))
        .map(|job| job.writes.last().unwrap().at_ms);
    assert!(
        plates_done.max().unwrap() < frame.created_ms,
        "the frame was started before the plates that it needs"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_manifest_sends_nothing() {
    let night = night();
    night.run(PLATES).await.history();
    let before = night.books();
    let run = night.run(PLATES).await.history().run.unwrap();
    assert_eq!(run.requests.values().sum::<u32>(), 0);
    assert!((0..4).all(|part| run.part_outcome(millrun::plan::family::PartIx(part)) == Reused));
    assert_eq!(night.books().totals, before.totals);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_file_comes_back_without_a_request_and_an_edited_one_is_kept() {
    let night = night();
    night.run(PLATES).await.history();
    std::fs::remove_file(night.output().join("plates/plate-60.step")).unwrap();
    std::fs::write(night.output().join("plates/plate-80.step"), "edited").unwrap();
    let run = night.run(PLATES).await.history().run.unwrap();
    assert_eq!(run.requests.values().sum::<u32>(), 0);
    assert!(night.files().contains(&"plates/plate-60.step".to_owned()));
    assert_eq!(
        std::fs::read_to_string(night.output().join("plates/plate-80.step")).unwrap(),
        "edited"
    );
}

#[tokio::test(start_paused = true)]
async fn renaming_and_reordering_parts_costs_nothing_and_a_new_row_costs_itself() {
    let night = night();
    night.run(PLATES).await.history();
    let renamed = PLATES
        .replace("plate-{{", "panel-{{")
        .replace("plate-*", "panel-*")
        .replace("[60, 80, 120]", "[120, 80, 60, 100]");
    let plan = night.plan(&renamed);
    assert_eq!(plan.writes(), 2, "{:?}", plan.actions);
    let run = night.run(&renamed).await.history().run.unwrap();
    assert_eq!(run.end.unwrap().exit_code(), 0);
    assert_eq!(night.books().totals.writes, 8);
    assert_eq!(
        night
            .run(&renamed)
            .await
            .history()
            .run
            .unwrap()
            .requests
            .len(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_that_the_service_fails_is_tried_with_a_new_key_and_given_up_after_its_attempts() {
    let night = Night::new(Config::default());
    let manifest = |times: u32| {
        format!(
            "{{version: 1, name: f, uid: u, retry: {{attempts: 3, backoff: 2s..2m}}, \
             parts: [{{id: p, steps: [{{create: {{prompt: 'A box [sim:fail={times}]'}}}}, {{download: {{}}}}]}}]}}"
        )
    };
    let ending = night.run(&manifest(2)).await;
    assert_eq!(ending.exit_code(), 0);
    let books = night.books();
    assert_clean(&books);
    assert_eq!(
        (
            books.totals.jobs,
            books.totals.failed,
            books.idempotency.seen
        ),
        (3, 2, 3)
    );
    let night = Night::new(Config::default());
    let ending = night.run(&manifest(9)).await;
    assert_eq!(ending.exit_code(), 1);
    assert_eq!(night.books().totals.failed, 3);
    // The next run goes on with fresh attempts and fresh keys.
    night.run(&manifest(9)).await;
    assert_eq!(
        (night.books().totals.failed, night.books().idempotency.seen),
        (6, 6)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_part_blocks_only_what_needs_it() {
    let night = Night::new(Config::default());
    let manifest = r#"{version: 1, name: f, uid: u, retry: {attempts: 1, backoff: 2s..2m}, parts: [
        {id: bad, steps: [{create: {prompt: 'A box [sim:fail]'}}, {download: {}}]},
        {id: cut, steps: [{create: {prompt: 'A plate [sim:truncated]'}}, {download: {}}]},
        {id: good, steps: [{create: {prompt: 'A spacer'}}, {download: {}}]},
        {id: late, needs: [bad, good], steps: [{create: {prompt: 'A frame'}}]},
        {id: later, needs: [late], steps: [{create: {prompt: 'A lid'}}]}]}"#;
    let history = night.run(manifest).await.history();
    let run = history.run.unwrap();
    let outcomes: Vec<Outcome> = (0..5)
        .map(|part| run.part_outcome(millrun::plan::family::PartIx(part)))
        .collect();
    assert_eq!(outcomes, [Failed, Failed, Succeeded, Blocked, Blocked]);
    assert_eq!(run.end.unwrap().reasons, [ExitReason::PartFailed]);
    assert_eq!(night.files(), ["good.step"]);
    assert_clean(&night.books());
}

#[tokio::test(start_paused = true)]
async fn own_caps_stop_new_writes_and_bring_home_what_is_paid() {
    let night = Night::new(Config::default());
    let manifest = r#"{version: 1, name: f, uid: u, budget: {max_spend: 5.00 usd}, parts: [
        {id: 'p{{ n }}', matrix: {n: [1, 2, 3, 4]}, steps: [{create: {prompt: 'A box {{ n }} mm [sim:cost=200]'}}, {download: {}}]}]}"#;
    let ending = night.run(manifest).await;
    assert_eq!(ending.exit_code(), 3);
    assert_eq!((night.books().totals.writes, night.files().len()), (2, 2));
    // A finished run: the next one has a budget of its own.
    assert_eq!(night.run(manifest).await.exit_code(), 0);
    assert_eq!((night.books().totals.writes, night.files().len()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn the_balance_keeps_what_it_must() {
    let night = Night::new(Config {
        balance_cents: Cents(750),
        ..Config::default()
    });
    let manifest = r#"{version: 1, name: f, uid: u, budget: {keep_balance: 1.00 usd}, parts: [
        {id: 'p{{ n }}', matrix: {n: [1, 2, 3, 4, 5]}, steps: [{create: {prompt: 'A box {{ n }} mm [sim:cost=200]'}}]}]}"#;
    let ending = night.run(manifest).await;
    assert_eq!(ending.exit_code(), 3);
    let books = night.books();
    assert_eq!(
        (books.totals.writes, books.totals.balance_cents),
        (3, Cents(150))
    );
    assert_clean(&books);
}

#[tokio::test(start_paused = true)]
async fn a_signal_lets_requests_settle_and_the_run_goes_on_later() {
    let night = night();
    let (ending, ()) = tokio::join!(night.run(PLATES), async {
        let_pass(Duration::from_secs(40)).await;
        night.stop(StopLevel::Settle);
    });
    assert_eq!(ending.exit_code(), 5);
    let before = night.books().totals;
    assert!(before.jobs > 0 && before.jobs < 4);
    night.stop(StopLevel::Go);
    let history = night.run(PLATES).await.history();
    let run = history.run.unwrap();
    assert_eq!((run.id.0, run.end.unwrap().exit_code()), (1, 0));
    assert_eq!(night.books().totals.writes, 6);
    assert_clean(&night.books());
}

#[tokio::test(start_paused = true)]
async fn another_plan_goes_on_with_the_jobs_of_an_interrupted_run() {
    let mut night = night();
    assert!(matches!(
        night.run_and_die(PLATES, 12, Dies::AfterCommit).await,
        Ending::Died
    ));
    night.lose_what_was_out();
    let more = PLATES.replace("[60, 80, 120]", "[60, 80, 120, 150]");
    let history = night.run(&more).await.history();
    let run = history.run.unwrap();
    assert_eq!((run.id.0, run.end.unwrap().exit_code()), (2, 0));
    let books = night.books();
    assert_eq!(books.totals.jobs, 5);
    assert_clean(&books);
    assert_eq!(
        books.totals.charged_cents,
        Cents(history.memory.ledger.charged().0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_removed_still_brings_home_what_it_cost() {
    let mut night = night();
    assert!(matches!(
        night.run_and_die(PLATES, 12, Dies::AfterCommit).await,
        Ending::Died
    ));
    night.deliver_what_was_out().await;
    let only_frame = PLATES
        .replace("needs: [\"plate-*\"]", "")
        .replace("[60, 80, 120]", "[999]");
    let history = night.run(&only_frame).await.history();
    assert_clean(&night.books());
    assert_eq!(history.memory.ledger.held().0, 0);
    assert_eq!(
        night.books().totals.charged_cents,
        Cents(history.memory.ledger.charged().0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_proposal_fails_a_review_that_wants_none_and_is_not_asked_for_again() {
    let night = Night::new(Config::default());
    let manifest = r#"{version: 1, name: f, uid: u, parts: [{id: p, steps: [
        {create: {prompt: A box}}, {review: {prompt: 'Look [sim:propose]', on_proposal: fail}}, {iterate: {prompt: Bigger}}]}]}"#;
    assert_eq!(night.run(manifest).await.exit_code(), 1);
    assert_eq!(night.run(manifest).await.exit_code(), 1);
    let books = night.books();
    assert_eq!((books.totals.reviews, books.totals.writes), (1, 1));
    let content = night
        .run(&manifest.replace("on_proposal: fail", "on_proposal: ignore"))
        .await;
    assert_eq!(content.exit_code(), 0);
    assert_eq!(night.books().jobs[0].writes[1].kind, WriteKind::FollowUp);
}

#[tokio::test(start_paused = true)]
async fn fail_fast_starts_nothing_after_the_first_failure() {
    let night = Night::new(Config::default());
    let manifest = r#"{version: 1, name: f, uid: u, retry: {attempts: 1, backoff: 2s..2m}, limits: {active_jobs: 1}, parts: [
        {id: 'p{{ n }}', matrix: {n: [1, 2, 3]}, steps: [{create: {prompt: 'A box {{ n }} mm [sim:fail]'}}]}]}"#;
    assert_eq!(night.run_fail_fast(manifest).await.exit_code(), 1);
    assert_eq!(night.books().totals.writes, 1);
}

#[tokio::test(start_paused = true)]
async fn twins_are_two_jobs_and_keep_them() {
    let night = Night::new(Config::default());
    let manifest = |a: &str, b: &str| {
        format!(
            "{{version: 1, name: f, uid: u, parts: [\
             {{id: a, steps: [{{create: {{prompt: A box}}}}, {{iterate: {{prompt: '{a}'}}}}]}}, \
             {{id: b, steps: [{{create: {{prompt: A box}}}}, {{iterate: {{prompt: '{b}'}}}}]}}]}}"
        )
    };
    assert_eq!(night.run(&manifest("Taller", "Wider")).await.exit_code(), 0);
    assert_eq!(night.books().totals.writes, 4);
    // Swapped names are renames; the work follows the lineage, not the position.
    let plan = night.plan(&manifest("Wider", "Taller"));
    assert!(
        plan.actions.iter().all(|action| *action == Action::Reuse),
        "{:?}",
        plan.actions
    );
}
