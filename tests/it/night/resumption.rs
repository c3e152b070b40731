//! Runs that go on: with an edited manifest, after a failure, with files that are gone.

use std::time::Duration;

use millrun::execute::ports::StopLevel;
use millrun::plan::family::StepIx;
use millrun::run::outcome::Outcome;
use millrun::simulator::Config;

use super::harness::{Night, assert_clean, let_pass};
use super::wire::Fate;

/// One part with these steps after its create.
fn part(steps: &str) -> String {
    format!(
        "{{version: 1, name: f, uid: u, retry: {{attempts: 3, backoff: 1h..2h}}, parts: [\
         {{id: p, steps: [{{create: {{prompt: A box}}}}, {steps}]}}]}}"
    )
}

/// Runs `manifest` and stops it as a signal does when it has been at it for `after`.
async fn interrupted(night: &Night, manifest: &str, after: Duration) {
    let (ending, ()) = tokio::join!(night.run(manifest), async {
        let_pass(after).await;
        night.stop(StopLevel::Settle);
    });
    assert_eq!(ending.exit_code(), 5);
    night.stop(StopLevel::Go);
}

#[tokio::test(start_paused = true)]
async fn a_review_that_was_put_before_a_failed_iterate_runs_first_and_the_iterate_is_tried_again() {
    let night = Night::new(Config::default());
    let iterate = "{iterate: {prompt: 'Bigger [sim:fail=1]'}}, {download: {}}";
    // The first attempt of the iterate fails, and the next one has an hour to wait.
    interrupted(&night, &part(iterate), Duration::from_secs(1_200)).await;
    assert_eq!(night.books().totals.failed, 1);
    let manifest = part(&format!("{{review: {{prompt: Look at it}}}}, {iterate}"));
    let history = night.run(&manifest).await.history();
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
    let books = night.books();
    assert_eq!((books.totals.reviews, books.totals.writes), (1, 3));
    assert_eq!(night.files(), ["p.step"]);
    assert_clean(&books);
}

#[tokio::test(start_paused = true)]
async fn a_review_that_was_put_before_an_iterate_at_work_waits_for_it() {
    let night = Night::new(Config::default());
    let iterate = "{iterate: {prompt: 'Bigger [sim:duration=3000]'}}, {download: {}}";
    interrupted(&night, &part(iterate), Duration::from_secs(1_200)).await;
    assert_eq!(night.books().totals.writes, 2);
    let manifest = part(&format!("{{review: {{prompt: Look at it}}}}, {iterate}"));
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    let books = night.books();
    assert_eq!((books.totals.reviews, books.totals.writes), (1, 2));
    assert_eq!(night.files(), ["p.step"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_did_not_come_is_fetched_when_its_run_goes_on() {
    let mut night = Night::new(Config::default());
    night.beset(|request| {
        if request.uri().path().ends_with("/download") {
            Fate::Answered(500, "internal_error")
        } else {
            Fate::Arrives
        }
    });
    let manifest = part("{check: {}}, {download: {}}");
    assert_eq!(night.run(&manifest).await.exit_code(), 1);
    assert!(night.files().is_empty());
    night.beset(|_| Fate::Arrives);
    let history = night.resume(&manifest).await.history();
    let run = history.run.unwrap();
    assert_eq!((run.id.0, run.end.unwrap().exit_code()), (1, 0));
    assert_eq!(night.files(), ["p.step"]);
    assert_eq!(night.books().totals.writes, 1);
}

#[tokio::test(start_paused = true)]
async fn what_failed_for_good_stays_so_in_its_run_and_is_tried_by_the_next() {
    let mut night = Night::new(Config::default());
    let manifest = part("{download: {}}").replace("A box", "'A box [sim:fail=4]'");
    assert_eq!(night.run(&manifest).await.exit_code(), 1);
    assert_eq!(night.books().totals.failed, 3);
    assert_eq!(night.resume(&manifest).await.exit_code(), 1);
    assert_eq!(
        night.books().totals.failed,
        3,
        "attempts are counted per run"
    );
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    assert_eq!(night.books().totals.writes, 5);
}

#[tokio::test(start_paused = true)]
async fn files_that_are_gone_or_belong_elsewhere_are_published_again_when_a_run_goes_on() {
    let night = Night::new(Config::default());
    let manifest = |to: &str| {
        format!(
            "{{version: 1, name: f, uid: u, parts: [\
             {{id: a, steps: [{{create: {{prompt: 'A box [sim:duration=60]'}}}}, {{download: {{to: {to}}}}}]}}, \
             {{id: b, steps: [{{create: {{prompt: 'A box [sim:duration=4000]'}}}}, {{download: {{to: {to}}}}}]}}]}}"
        )
    };
    interrupted(&night, &manifest("x"), Duration::from_secs(1_200)).await;
    assert_eq!(night.files(), ["x/a.step"]);
    let history = night.run(&manifest("y")).await.history();
    assert_eq!(history.run.unwrap().id.0, 1);
    assert_eq!(night.files(), ["x/a.step", "y/a.step", "y/b.step"]);
    assert_eq!(night.books().totals.writes, 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_behind_a_new_review_is_told_as_failed() {
    let mut night = Night::new(Config::default());
    let iterate = "{iterate: {prompt: 'Bigger [sim:fail]'}}, {download: {}}";
    assert_eq!(night.run(&part(iterate)).await.exit_code(), 1);
    let manifest = part(&format!("{{review: {{prompt: Look at it}}}}, {iterate}"));
    let history = night.run(&manifest).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.end.as_ref().unwrap().exit_code(), 1);
    assert_eq!(run.outcome(StepIx(2)), Outcome::Failed, "the iterate");
    let failed = night.books().totals.failed;
    assert_eq!(night.resume(&manifest).await.exit_code(), 1);
    assert_eq!(
        night.books().totals.failed,
        failed,
        "what failed for good stays so"
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_that_takes_too_long_behind_a_new_review_is_told_as_unresolved() {
    let night = Night::new(Config::default());
    let iterate = "{iterate: {prompt: 'Bigger [sim:duration=50000]'}}, {download: {}}";
    interrupted(&night, &part(iterate), Duration::from_secs(1_200)).await;
    let manifest = part(&format!("{{review: {{prompt: Look at it}}}}, {iterate}"));
    assert_eq!(night.run(&manifest).await.exit_code(), 5);
    assert_eq!(night.books().totals.reviews, 0);
}

#[tokio::test(start_paused = true)]
async fn a_download_that_fails_when_a_run_goes_on_makes_no_write_a_second_time() {
    let mut night = Night::new(Config::default());
    let manifest = "{version: 1, name: f, uid: u, parts: [\
        {id: a, steps: [{create: {prompt: A box}}, {id: first, download: {to: first}}, {iterate: {prompt: Bigger}}, {download: {}}]}, \
        {id: b, steps: [{create: {prompt: 'A box [sim:duration=9000]'}}]}]}";
    interrupted(&night, manifest, Duration::from_secs(2_000)).await;
    assert_eq!(night.files(), ["a.step", "first/a.step"]);
    // Its folder is a file now: nothing can be published there.
    std::fs::remove_dir_all(night.output().join("first")).unwrap();
    std::fs::write(night.output().join("first"), "in the way").unwrap();
    assert_eq!(night.run(manifest).await.exit_code(), 1);
    std::fs::remove_file(night.output().join("first")).unwrap();
    let history = night.resume(manifest).await.history();
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
    assert_eq!(night.files(), ["a.step", "first/a.step"]);
    let books = night.books();
    assert_eq!((books.totals.writes, books.idempotency.replays), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_reused_file_that_is_gone_is_published_again_when_its_run_goes_on() {
    let night = Night::new(Config::default());
    let one = "{version: 1, name: f, uid: u, parts: [\
        {id: a, steps: [{create: {prompt: A box}}, {download: {}}]}, \
        {id: b, steps: [{create: {prompt: 'A ring [sim:duration=4000]'}}, {download: {}}]}]}";
    let only_a = one.replace(
        ", {id: b, steps: [{create: {prompt: 'A ring [sim:duration=4000]'}}, {download: {}}]}",
        "",
    );
    assert_eq!(night.run(&only_a).await.exit_code(), 0);
    interrupted(&night, one, Duration::from_secs(600)).await;
    std::fs::remove_file(night.output().join("a.step")).unwrap();
    assert_eq!(night.run(one).await.exit_code(), 0);
    assert_eq!(night.files(), ["a.step", "b.step"]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_never_carried_out_goes_with_its_part() {
    let night = Night::new(Config::default());
    night.beset(|request| match request.method() == http::Method::POST {
        true => Fate::NotSent,
        false => Fate::Arrives,
    });
    interrupted(&night, &part("{download: {}}"), Duration::from_secs(600)).await;
    night.beset(|_| Fate::Arrives);
    let edited = part("{download: {}}").replace("A box", "A cylinder");
    let history = night.run(&edited).await.history();
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
    let books = night.books();
    assert_eq!(books.totals.jobs, 1);
    assert!(books.jobs[0].prompt.contains("cylinder"));
    assert_eq!(history.memory.ledger.held().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_nobody_wants_any_more_and_that_never_ends_is_told() {
    let night = Night::new(Config::default());
    let long = part("{download: {}}").replace("A box", "'A box [sim:duration=90000]'");
    interrupted(&night, &long, Duration::from_secs(600)).await;
    let run = night
        .run(&part("{download: {}}"))
        .await
        .history()
        .run
        .unwrap();
    assert_eq!(run.end.unwrap().exit_code(), 5);
    assert_eq!(run.strays.len(), 1);
    assert_eq!(night.files(), ["p.step"]);
}
