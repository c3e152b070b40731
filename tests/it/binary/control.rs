//! `pause` and `cancel`, typed beside a run and without one.

use super::place::{Place, SMALL, small};
use super::stops::Running;

/// A run that lasts until it is told to end: at this speed a job takes minutes.
fn slow(place: &Place) -> Running {
    let args = ["run", "m.yaml", "--sim", "--sim-speed", "1", "--json"];
    let mut run = Running::start(place.command(&args));
    run.until("the run", || has_begun(place));
    run
}

fn has_begun(place: &Place) -> bool {
    place.simulated(&["status", "m.yaml", "-q"]).code == Some(0)
}

#[test]
fn a_run_is_paused_beside_it_and_goes_on_and_what_a_signal_left_is_cancelled() {
    let place = small();
    let run = slow(&place);
    let paused = place.simulated(&["pause", "m.yaml", "--json"]).with(0);
    let paused = paused.json();
    assert_eq!(
        (&paused["run_id"], &paused["recorded"]),
        (&"run-1".into(), &true.into())
    );
    let status = place.simulated(&["status", "m.yaml", "--json"]).with(0);
    assert_eq!(status.json()["paused_by"], "somebody", "{status}");
    let status = place.simulated(&["status", "m.yaml"]).with(0);
    assert!(status.stdout.contains("paused    by somebody"), "{status}");

    let on = place.simulated(&["pause", "m.yaml", "--off"]).with(0);
    assert_eq!(on.stdout, "run-1 goes on\n", "{on}");
    let status = place.simulated(&["status", "m.yaml", "--json"]).with(0);
    assert_eq!(status.json().get("paused_by"), None, "{status}");
    let logs = place.simulated(&["logs", "m.yaml"]).with(0);
    assert!(logs.stdout.contains("somebody paused the run"), "{logs}");
    assert!(
        logs.stdout.contains("somebody lets the run go on"),
        "{logs}"
    );

    run.signal("-TERM");
    run.end().with(5);
    // Without a process it is recorded all the same, and the next one would find it so.
    let paused = place
        .simulated(&["pause", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(
        (&paused["run_id"], &paused["recorded"]),
        (&"run-1".into(), &true.into())
    );
    let status = place.simulated(&["status", "m.yaml", "--json"]).with(0);
    assert_eq!(status.json()["paused_by"], "somebody", "{status}");
    let off = place.simulated(&["pause", "m.yaml", "--off"]).with(0);
    assert!(off.stdout.contains("is not paused any more"), "{off}");
    let status = place.simulated(&["status", "m.yaml", "--json"]).with(0);
    assert_eq!(status.json().get("paused_by"), None, "{status}");
    let why = ["cancel", "m.yaml", "--why", "wrong material"];
    let cancelled = place.simulated(&why).with(0);
    assert!(
        cancelled.stdout.contains("run-1 is cancelled"),
        "{cancelled}"
    );
    let report = place.simulated(&["report", "m.yaml"]).with(0);
    assert!(report.stdout.contains("wrong material"), "{report}");

    // What it left at the service comes home, and nothing new is sent.
    let before = place.assert_no_429_and_no_early_poll("small").totals.writes;
    let home = place.simulated(&["run", "m.yaml", "--json"]).with(5).json();
    assert_eq!(
        (&home["run_id"], &home["outcome"]),
        (&"run-1".into(), &"cancelled".into())
    );
    assert_eq!(home["cost"]["held_cents"], 0);
    let books = place.assert_no_429_and_no_early_poll("small");
    assert_eq!(
        books.totals.writes, before,
        "a cancelled run sent something"
    );
    let again = place.simulated(&why).with(2);
    assert!(again.stderr.contains("the last run is finished"), "{again}");

    // The next one is a new run, and does what was left.
    let next = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(next["run_id"], "run-2");
    let books = place.assert_no_429_and_no_early_poll("small");
    assert_eq!((books.totals.jobs, books.totals.writes), (2, 3));
    place.simulated(&["doctor", "m.yaml"]).with(0);
}

#[test]
fn a_pause_without_a_process_holds_the_next_one() {
    let place = small();
    let mut run = slow(&place);
    run.until("a job", || {
        let logs = place.simulated(&["logs", "m.yaml", "-q"]);
        logs.stdout.contains("accepted as")
    });
    run.signal("-TERM");
    run.end().with(5);
    place.simulated(&["pause", "m.yaml"]).with(0);
    let sent = |place: &Place| {
        let logs = place.simulated(&["logs", "m.yaml", "-q"]).stdout;
        logs.matches("accepted as").count()
    };
    let before = sent(&place);
    let mut next = Running::start(place.command(&["run", "m.yaml", "--sim", "--json"]));
    next.until("the job of before", || {
        let logs = place.simulated(&["logs", "m.yaml", "-q"]).stdout;
        logs.contains("done: ")
    });
    assert_eq!(sent(&place), before, "a paused run sent something");
    place.simulated(&["pause", "m.yaml", "--off"]).with(0);
    let report = next.end().with(0).json();
    assert_eq!(report["run_id"], "run-1");
    assert_eq!(sent(&place), 3);
    let ended = place.simulated(&["pause", "m.yaml"]).with(2);
    assert!(ended.stderr.contains("the last run is finished"), "{ended}");
}

#[test]
fn a_cancelled_run_ends_by_itself_with_what_was_paid() {
    let place = Place::new();
    let many: Vec<u32> = (1..=20).collect();
    let manifest = SMALL
        .replace("[10, 20]", &format!("{many:?}"))
        .replace("budget:", "limits: { active_jobs: 1 }\nbudget:");
    place.write("m.yaml", &manifest);
    let args = ["run", "m.yaml", "--sim", "--sim-speed", "60", "--json"];
    let mut run = Running::start(place.command(&args));
    run.until("a job", || {
        place
            .simulated(&["logs", "m.yaml", "-q"])
            .stdout
            .contains("accepted as")
    });
    let cancelled = place.simulated(&["cancel", "m.yaml"]).with(0);
    assert!(
        cancelled.stdout.starts_with("run-1 is cancelled"),
        "{cancelled}"
    );
    let report = run.end().with(5).json();
    assert_eq!(report["exit_reasons"], serde_json::json!(["cancelled"]));
    assert_eq!(report["outcome"], "cancelled");
    let jobs = place.assert_no_429_and_no_early_poll("small").totals.jobs;
    assert!((1..20).contains(&jobs), "{jobs} jobs");
    // Nothing is left at the service, and each charge is known.
    assert_eq!(report["cost"]["pending_jobs"], 0);
    assert_eq!(report["cost"]["held_cents"], 0);
}

#[test]
fn where_nothing_ran_there_is_nothing_to_cancel_and_nothing_is_made() {
    let place = small();
    let ended = place.simulated(&["cancel", "m.yaml"]).with(2);
    assert!(ended.stderr.contains("has not run here yet"), "{ended}");
    assert!(!place.path(".millrun").exists());
}
