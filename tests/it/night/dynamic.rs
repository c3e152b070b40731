//! Steps that read results: they are sent once these are there, and never again while they say the same.

use millrun::plan::action::Action;
use millrun::run::event::{Event, Resolution};
use millrun::run::outcome::Outcome;
use millrun::simulator::Config;

use super::harness::{Dies, Night, assert_clean};

fn manifest(plate: &str, frame: &str) -> String {
    format!(
        "{{version: 1, name: f, uid: u, parts: [\
         {{id: plate-60x40, steps: [{{create: {{prompt: 'A plate, 60 x 40 x 6 mm'}}}}{plate}]}},\
         {{id: frame, needs: [plate-60x40], steps: [{frame}, {{download: {{}}}}]}}]}}"
    )
}

const FRAME: &str =
    "{create: {prompt: \"A frame for this plate: {{ parts['plate-60x40'].explanation }}\"}}";

fn resolved(night: &Night) -> usize {
    let records = night.records();
    let is_it = |event: &Event| matches!(event, Event::Resolved { .. });
    records.iter().filter(|record| is_it(&record.event)).count()
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_made_from_what_its_plate_came_to_and_the_next_run_sends_nothing() {
    let night = Night::new(Config::default());
    let manifest = manifest("", FRAME);
    let plan = night.plan(&manifest);
    assert!(plan.family.steps[1].key().is_none());
    assert_eq!(plan.writes(), 2);
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    let books = night.books();
    assert_eq!(books.totals.writes, 2);
    let prompt = &books.jobs[1].prompt;
    assert!(prompt.contains("60 x 40 mm"), "{prompt}");
    assert_eq!(resolved(&night), 2);
    assert!(
        night
            .plan(&manifest)
            .actions
            .iter()
            .all(|action| { *action == Action::Reuse })
    );
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    assert_eq!(night.books().totals.writes, 2);
    assert_eq!(night.files(), ["frame.step"]);
    assert_clean(&books);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_died_anywhere_goes_on_with_what_was_resolved() {
    for commits in 1..40 {
        let mut night = Night::new(Config::default());
        let manifest = manifest("", FRAME);
        night
            .run_and_die(&manifest, commits, Dies::AfterCommit)
            .await;
        night.deliver_what_was_out().await;
        assert_eq!(night.run(&manifest).await.exit_code(), 0, "{commits}");
        assert_eq!(night.books().totals.writes, 2, "{commits}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plate_that_changed_makes_another_frame() {
    let night = Night::new(Config::default());
    assert_eq!(night.run(&manifest("", FRAME)).await.exit_code(), 0);
    let thicker = manifest(", {iterate: {prompt: Make it 8 mm thick.}}", FRAME);
    assert_eq!(night.run(&thicker).await.exit_code(), 0);
    let books = night.books();
    assert_eq!((books.jobs.len(), books.totals.writes), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn a_condition_over_results_skips_its_step_and_what_follows_hangs_on_the_write_before() {
    let night = Night::new(Config::default());
    let frame = "{create: {prompt: A frame}}, {iterate: {when: \"parts['plate-60x40'].artifacts | length > 5\", \
                 prompt: Bigger}}, {id: last, iterate: {prompt: Round it}}";
    let manifest = manifest("", frame);
    let history = night.run(&manifest).await.history();
    let run = history.run.unwrap();
    assert_eq!(run.end.unwrap().exit_code(), 0);
    assert!(
        run.steps
            .iter()
            .any(|step| { step.state == millrun::run::step::StepState::Done(Outcome::Skipped) })
    );
    assert_eq!(night.books().totals.writes, 3);
    let skipped = night.records().into_iter().filter(|record| {
        matches!(
            record.event,
            Event::Resolved {
                resolution: Resolution::Skipped {},
                ..
            }
        )
    });
    assert_eq!(skipped.count(), 1);
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    assert_eq!(night.books().totals.writes, 3);
}

/// A part whose job is created as ever, and changed as its plate came to be.
const FITTED: &str = "{create: {prompt: A frame}}, \
                      {iterate: {prompt: \"Fit it to: {{ parts['plate-60x40'].explanation }}\"}}";

#[tokio::test(start_paused = true)]
async fn a_job_that_was_changed_by_what_was_read_is_not_changed_again_but_made_anew() {
    let night = Night::new(Config::default());
    assert_eq!(night.run(&manifest("", FITTED)).await.exit_code(), 0);
    let thicker = manifest(", {iterate: {prompt: Make it 8 mm thick.}}", FITTED);
    let history = night.run(&thicker).await.history();
    let run = history.run.unwrap();
    assert_ne!(run.end.unwrap().exit_code(), 0);
    let errors: Vec<&str> = (run.steps.iter())
        .filter_map(|step| step.error.as_deref())
        .collect();
    assert!(errors[0].contains("has to be made anew"), "{errors:?}");
    assert_eq!(night.books().totals.writes, 4);
    let plan = night.plan(&thicker);
    assert_eq!(plan.writes(), 2);
    let anew = |action: &Action| matches!(action, Action::Recreate(_));
    assert_eq!(plan.actions.iter().filter(|action| anew(action)).count(), 1);
    assert_eq!(night.run(&thicker).await.exit_code(), 0);
    let books = night.books();
    assert_eq!((books.jobs.len(), books.totals.writes), (3, 6));
    assert_eq!(night.run(&thicker).await.exit_code(), 0);
    assert_eq!(night.books().totals.writes, 6);
    assert_clean(&books);
}

#[tokio::test(start_paused = true)]
async fn a_step_reads_what_the_step_that_it_needs_came_to() {
    let night = Night::new(Config::default());
    let manifest = "{version: 1, name: f, uid: u, parts: [\
         {id: plate, steps: [{create: {prompt: 'A plate, 60 x 40 x 6 mm'}}, {id: dfm, review: {prompt: Look}}, \
           {iterate: {prompt: \"Do this: {{ steps.dfm.message }}\"}}]},\
         {id: frame, steps: [{create: {prompt: A frame}}, \
           {needs: [plate/dfm], iterate: {prompt: \"{{ parts['plate'].steps.dfm.message }}\"}}]}]}";
    assert_eq!(night.run(manifest).await.exit_code(), 0);
    let books = night.books();
    assert_eq!(books.totals.writes, 4);
    let plan = night.plan(manifest);
    assert!(plan.actions.iter().all(|action| *action == Action::Reuse));
    assert_eq!(night.run(manifest).await.exit_code(), 0);
    assert_eq!(night.books().totals.writes, 4);
    assert_clean(&books);
}

#[tokio::test(start_paused = true)]
async fn a_gate_after_a_dynamic_write_asks_when_that_is_done() {
    let night = Night::new(Config::default());
    let frame = format!("{FRAME}, {{approve: {{message: Is it as wide as the plate?}}}}");
    let manifest = manifest("", &frame);
    let history = night.run(&manifest).await.history();
    let run = history.run.unwrap();
    assert_eq!(run.end.as_ref().unwrap().exit_code(), 6);
    let asked: Vec<&str> = run
        .asking()
        .filter_map(|ix| Some(run.question(ix)?.1))
        .collect();
    assert_eq!(asked, ["Is it as wide as the plate?"]);
    assert_eq!(night.books().totals.writes, 2);
}
