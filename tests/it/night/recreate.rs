//! Parts that are made anew: because an applied iterate was edited or removed, or because a person wants it.

use std::collections::BTreeSet;

use millrun::plan::action::{Action, Reason};
use millrun::plan::content::Content;
use millrun::plan::family::{PartIx, StepIx};
use millrun::plan::ids::PartId;
use millrun::plan::recreation::Cause;
use millrun::run::history::History;
use millrun::simulator::{Books, Config, JobBook};

use super::harness::{Dies, Ending, Night, assert_clean};

/// Two parts: a lid that is edited, and a box that is left alone.
const FAMILY: &str = r#"
version: 1
name: family
uid: "6f1c0a52"
budget: { max_spend: 60.00 usd }
parts:
  - id: lid
    steps:
      - create: { prompt: A lid. }
      - id: thicker
        iterate: { prompt: Make it 8 mm thick. }
      - download: {}
  - id: box
    steps:
      - create: { prompt: A box. }
      - iterate: { prompt: Round its edges. }
      - download: {}
"#;

fn edited() -> String {
    FAMILY.replace("8 mm thick", "9 mm thick")
}

fn removed() -> String {
    let (before, after) = FAMILY.split_once("      - id: thicker").unwrap();
    let (_, after) = after.split_once("thick. }\n").unwrap();
    format!("{before}{after}")
}

fn text(content: &Content) -> &str {
    content.prompt().unwrap().as_str()
}

/// Jobs and writes that were paid.
fn paid(books: &Books) -> (usize, usize) {
    (books.totals.jobs, books.totals.writes)
}

#[tokio::test(start_paused = true)]
async fn an_edited_applied_iterate_makes_its_part_anew_and_no_other() {
    let night = Night::new(Config::default());
    night.run(FAMILY).await.history();
    assert_eq!(paid(&night.books()), (2, 4));

    let plan = night.plan(&edited());
    let Action::Recreate(anew) = plan.action(StepIx(0)) else {
        panic!("{:?}", plan.actions);
    };
    let Cause::Edited {
        step,
        applied,
        wanted,
    } = &anew.cause
    else {
        panic!("{anew:?}");
    };
    let texts = (text(applied), text(wanted.as_ref().unwrap()));
    assert_eq!(texts, ("Make it 8 mm thick.", "Make it 9 mm thick."));
    assert_eq!(step.as_str(), "thicker");
    assert!(anew.charged.0 > 0, "what is left behind was paid");
    assert_eq!(plan.action(StepIx(1)), &Action::Run(Reason::Follows));
    assert!(
        plan.actions[3..]
            .iter()
            .all(|action| *action == Action::Reuse)
    );
    assert_eq!((plan.writes(), plan.orphans.len()), (2, 1));

    let ending = night.run(&edited()).await;
    assert_eq!(ending.exit_code(), 0);
    assert_eq!(paid(&night.books()), (3, 6));
    assert_clean(&night.books());
    assert_eq!(night.files(), ["box.step", "lid.step"]);

    // Back and forth: both jobs are there, and each text finds its own.
    for manifest in [FAMILY, &edited(), FAMILY] {
        let plan = night.plan(manifest);
        assert_eq!((plan.writes(), plan.orphans.len()), (0, 1));
        assert_eq!(night.run(manifest).await.exit_code(), 0);
    }
    assert_eq!(paid(&night.books()), (3, 6));
}

#[tokio::test(start_paused = true)]
async fn a_removed_applied_iterate_makes_its_part_anew() {
    let night = Night::new(Config::default());
    night.run(FAMILY).await.history();
    let plan = night.plan(&removed());
    let Action::Recreate(anew) = plan.action(StepIx(0)) else {
        panic!("{:?}", plan.actions);
    };
    let Cause::Removed { step, applied } = &anew.cause else {
        panic!("{anew:?}");
    };
    assert_eq!(
        (step.as_str(), text(applied)),
        ("thicker", "Make it 8 mm thick.")
    );
    assert_eq!(plan.writes(), 1);
    night.run(&removed()).await.history();
    assert_eq!(paid(&night.books()), (3, 5));

    // The job without the iterate can have another one: that is no new job.
    let other = FAMILY.replace("Make it 8 mm thick.", "Make it red.");
    let plan = night.plan(&other);
    assert_eq!(plan.action(StepIx(1)), &Action::Run(Reason::New));
    assert_eq!(plan.writes(), 1);
    night.run(&other).await.history();
    assert_eq!(paid(&night.books()), (3, 6));
}

#[tokio::test(start_paused = true)]
async fn an_edited_create_makes_its_part_anew_and_keeps_what_it_had() {
    let night = Night::new(Config::default());
    night.run(FAMILY).await.history();
    let other = FAMILY.replace("A lid.", "A round lid.");
    let plan = night.plan(&other);
    let Action::Recreate(anew) = plan.action(StepIx(0)) else {
        panic!("{:?}", plan.actions);
    };
    assert!(matches!(anew.cause, Cause::Create { .. }), "{anew:?}");
    assert_eq!((plan.writes(), plan.orphans.len()), (2, 1));
    // A part that only changed its name leaves nothing behind, whatever has its old name now.
    let renamed = FAMILY.replace("id: box", "id: case");
    let swapped = renamed.replace("id: lid", "id: box");
    let plan = night.plan(&swapped);
    assert_eq!((plan.writes(), plan.orphans.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_recreation_that_is_cut_short_anywhere_is_made_once() {
    let mut commits = 1;
    loop {
        let mut night = Night::new(Config::default());
        night.run(FAMILY).await.history();
        let ending = night
            .run_and_die(&edited(), commits, Dies::AfterCommit)
            .await;
        if matches!(ending, Ending::Ended(_)) {
            break;
        }
        night.deliver_what_was_out().await;
        let ending = night.run(&edited()).await;
        assert_eq!(ending.exit_code(), 0, "cut at commit {commits}");
        assert_eq!(paid(&night.books()), (3, 6), "cut at commit {commits}");
        assert_clean(&night.books());
        assert_eq!(night.plan(&edited()).writes(), 0);
        commits += 1;
    }
    assert!(commits > 20, "it was cut at {commits} commits");
}

#[tokio::test(start_paused = true)]
async fn an_edit_while_its_iterate_is_under_way_brings_that_home_and_makes_the_part_anew() {
    let mut night = Night::new(Config::default());
    // Somewhere on the way the iterate is at the service.
    let mut seen = false;
    for commits in 1.. {
        let ending = night.run_and_die(FAMILY, commits, Dies::AfterCommit).await;
        let books = night.books();
        let is_lid = |job: &&JobBook| job.prompt == "A lid.";
        let is_out = books
            .jobs
            .iter()
            .find(is_lid)
            .is_some_and(|job| job.writes.len() > 1);
        if matches!(ending, Ending::Ended(_)) {
            break;
        }
        if is_out && !seen {
            seen = true;
            night.lose_what_was_out();
            assert_eq!(night.run(&edited()).await.exit_code(), 0);
            let plan = night.plan(&edited());
            assert_eq!(plan.writes(), 0);
            assert_clean(&night.books());
            let history = History::of(&night.records());
            assert_eq!(history.memory.in_flight(), 0, "what was paid is at home");
            break;
        }
        night = Night::new(Config::default());
    }
    assert!(seen);
}

#[tokio::test(start_paused = true)]
async fn parts_are_made_anew_on_purpose_once() {
    let mut night = Night::new(Config::default());
    night.run(FAMILY).await.history();
    let lid = BTreeSet::from([PartId::new("lid").unwrap()]);

    // Killed anywhere, and asked for again: the run that began goes on, and makes the part anew once.
    for commits in [1, 2, 3, 5, 8, 13, 21] {
        let before = paid(&night.books());
        night.anew = lid.clone();
        let ending = night.run_and_die(FAMILY, commits, Dies::AfterCommit).await;
        assert!(matches!(ending, Ending::Died), "{ending:?}");
        night.deliver_what_was_out().await;
        assert_eq!(night.run(FAMILY).await.exit_code(), 0);
        let after = paid(&night.books());
        assert_eq!(
            (after.0 - before.0, after.1 - before.1),
            (1, 2),
            "cut at {commits}"
        );
        night.anew.clear();
        assert_eq!(night.plan(FAMILY).writes(), 0, "the new one is reused");
    }
    // A run that is finished is another one's: who asks again gets another one.
    let before = paid(&night.books());
    night.anew = lid;
    night.run(FAMILY).await.history();
    assert_eq!(night.books().totals.jobs, before.0 + 1);
    night.anew.clear();

    let plan = night.plan(FAMILY);
    assert_eq!(plan.writes(), 0);
    assert_eq!(plan.lineage(PartIx(0)).unwrap().generation, 8);
    assert_eq!(plan.orphans.len(), 8);
    assert_clean(&night.books());
    // What was replaced on purpose comes back by no twin.
    let twin = FAMILY.replace("id: box", "id: box-2").replace(
        "parts:\n",
        "parts:\n  - { id: twin, steps: [{create: {prompt: A lid.}}, {iterate: {prompt: Make it 8 mm thick.}}] }\n",
    );
    assert_eq!(night.plan(&twin).writes(), 2);
}
