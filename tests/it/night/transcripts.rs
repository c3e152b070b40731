//! The conversation of a job, published beside its files.

use std::fs;

use millrun::plan::action::{Action, Reason};
use millrun::run::outcome::Outcome::{Failed, Reused, Succeeded};
use millrun::run::step::StepState::Done;
use millrun::simulator::Config;

use super::harness::{Night, assert_clean};
use super::wire::Fate;

/// A plate with the steps `more` before its download.
fn manifest(more: &str) -> String {
    format!(
        "version: 1\nname: plates\nuid: u\nbudget: {{ max_spend: 60.00 usd }}\nparts:\n- id: plate\n  steps:\n  \
         - create: {{ prompt: 'A plate 80 x 40 x 6 mm.' }}\n{more}  - download: {{ to: plates, transcript: true }}\n"
    )
}

const PATH: &str = "plates/plate.transcript.md";

#[tokio::test(start_paused = true)]
async fn a_transcript_tells_all_messages_and_is_made_anew_when_there_are_more() {
    let night = Night::new(Config::default());
    let text = || fs::read_to_string(night.output().join(PATH)).unwrap();
    let plain = manifest("");
    let history = night.run(&plain).await.history();
    assert_eq!(history.run.unwrap().steps[1].state, Done(Succeeded));
    assert_eq!(night.files(), ["plates/plate.step", PATH]);
    assert!(
        text().contains("    A plate 80 x 40 x 6 mm.\n"),
        "{}",
        text()
    );
    assert_eq!(text().matches("\n## ").count(), 2);

    // Nothing went on: no request at all; a file that is gone is published again without one.
    let history = night.run(&plain).await.history();
    let run = history.run.unwrap();
    assert_eq!(run.steps[1].state, Done(Reused));
    assert_eq!(run.requests.values().sum::<u32>(), 0);
    fs::remove_file(night.output().join(PATH)).unwrap();
    let run = night.run(&plain).await.history().run.unwrap();
    assert_eq!(run.requests.values().sum::<u32>(), 0);
    assert!(night.output().join(PATH).exists());

    // A review makes the conversation longer, and nothing else runs.
    let reviewed = manifest("  - review: { prompt: Is it strong enough? }\n");
    let run = night.run(&reviewed).await.history().run.unwrap();
    assert_eq!(run.steps[2].state, Done(Succeeded));
    assert!(text().contains("    Is it strong enough?\n"), "{}", text());
    assert_eq!(text().matches("\n## ").count(), 4);
    assert_clean(&night.books());
    assert_eq!(night.books().totals.writes, 1);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_went_on_behind_the_download_is_read_by_the_next_run() {
    let night = Night::new(Config::default());
    let text = manifest("") + "  - iterate: { prompt: Make it 8 mm thick. }\n";
    night.run(&text).await.history();
    let plan = night.plan(&text);
    assert_eq!(plan.actions[1], Action::Run(Reason::Grew));
    // One that somebody edited is kept, and the new one stands beside it.
    let path = night.output().join(PATH);
    fs::write(&path, "my notes").unwrap();
    let run = night.run(&text).await.history().run.unwrap();
    assert_eq!(run.steps[1].state, Done(Succeeded));
    assert_eq!(fs::read_to_string(&path).unwrap(), "my notes");
    let beside = run.steps[1].files.last().unwrap();
    assert_ne!(beside.path, PATH);
    let told = fs::read_to_string(night.output().join(&beside.path)).unwrap();
    assert!(told.contains("Make it 8 mm thick."), "{told}");
    assert_eq!(night.plan(&text).actions[1], Action::Reuse);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_cannot_be_read_is_asked_for_again_and_fails_its_step_in_the_end() {
    for (answers, outcome) in [(3, Succeeded), (u32::MAX, Failed)] {
        let night = Night::new(Config::default());
        let mut left = answers;
        night.beset(move |request| {
            if request.uri().path().ends_with("/messages") && left > 0 {
                left -= 1;
                return Fate::Answered(503, "service_unavailable");
            }
            Fate::Arrives
        });
        let run = night.run(&manifest("")).await.history().run.unwrap();
        assert_eq!(run.steps[1].state, Done(outcome), "{:?}", run.steps[1]);
        night.beset(|_| Fate::Arrives);
        assert_eq!(night.run(&manifest("")).await.exit_code(), 0);
        assert_eq!(night.files(), ["plates/plate.step", PATH]);
        assert_eq!(night.books().totals.writes, 1);
    }
}
