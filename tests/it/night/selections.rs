//! Which files a part is expected to have, and which of them come out.

use millrun::run::outcome::Outcome::{Rejected, Reused, Succeeded};
use millrun::run::step::StepState::Done;
use millrun::simulator::Config;

use super::harness::{Night, assert_clean};

/// A part of three files, with the steps `more` behind its create.
fn manifest(more: &str) -> String {
    format!(
        "version: 1\nname: frames\nuid: u\nbudget: {{ max_spend: 60.00 usd }}\nparts:\n- id: frame\n  steps:\n  \
         - create: {{ prompt: 'A box 200 x 100 x 50 mm. [sim:files=3]' }}\n{more}"
    )
}

#[tokio::test(start_paused = true)]
async fn a_check_counts_files_and_rejects_or_warns() {
    let night = Night::new(Config::default());
    let wrong = manifest("  - check: { files: 2 }\n  - download: {}\n");
    let history = night.run(&wrong).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.steps[1].state, Done(Rejected));
    let error = run.steps[1].error.as_deref().unwrap();
    assert_eq!(error, "it has 3 files, and 2 are expected");
    assert_eq!(night.files(), Vec::<String>::new());

    // The part is paid for: what is expected of it can be corrected.
    let warned = manifest("  - check: { files: 2, on_fail: warn }\n  - download: {}\n");
    let history = night.run(&warned).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.steps[1].state, Done(Succeeded));
    assert!(run.steps[1].warnings[0].contains("2 are expected"));
    assert_eq!(night.files().len(), 3);

    // What only warned has not passed for a check that rejects.
    let history = night.run(&wrong).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.steps[0].state, Done(Reused));
    assert_eq!(run.steps[1].state, Done(Rejected));

    let right = manifest("  - check: { files: 3 }\n  - download: {}\n");
    let history = night.run(&right).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.steps[1].state, Done(Succeeded));
    let books = night.books();
    assert_clean(&books);
    assert_eq!(books.totals.jobs, 1);
}

#[tokio::test(start_paused = true)]
async fn a_download_publishes_what_it_selects() {
    let night = Night::new(Config::default());
    let download = |artifacts: &str, to: &str| {
        format!("  - id: d-{to}\n    download: {{ artifacts: {artifacts:?}, to: {to} }}\n")
    };
    let text = manifest(&(download("root", "whole") + &download("box_*", "rest")));
    let history = night.run(&text).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.end.as_ref().unwrap().exit_code(), 0, "{run:?}");
    assert_eq!(
        night.files(),
        [
            "rest/frame--box_1.step",
            "rest/frame--box_2.step",
            "whole/frame.step"
        ]
    );

    // What was published is found in place; another selection is other files of the same job.
    let history = night.run(&text).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.steps[1].state, Done(Reused));
    assert_eq!(run.steps[2].state, Done(Reused));
    let none = manifest(&download("lid-*", "rest"));
    let history = night.run(&none).await.history();
    let run = history.run.as_ref().unwrap();
    let error = run.steps[1].error.as_deref().unwrap();
    assert!(error.contains("`lid-*`"), "{error}");
    assert_eq!(night.books().totals.jobs, 1);
}
