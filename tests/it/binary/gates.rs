//! `approve`, typed beside a run and without one.

use serde_json::json;

use super::place::Place;
use super::stops::Running;

/// A frame that somebody has to look at, and a plate that nobody has to.
const FRAME: &str = r#"
version: 1
name: gates
uid: g1
budget: { max_spend: 20.00 usd }
parts:
  - id: frame
    steps:
      - create: { prompt: A welded frame. }
      - approve: { message: Look at the frame. }
      - iterate: { prompt: Add gussets. }
      - download: {}
  - id: plate
    steps:
      - create: { prompt: "A plate 80 x 40 x 6 mm." }
      - download: {}
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("m.yaml", FRAME);
    place
}

#[test]
fn a_run_ends_with_6_says_what_waits_and_goes_on_behind_what_was_approved() {
    let place = place();
    let report = place.simulated(&["run", "m.yaml", "--json"]).with(6).json();
    assert_eq!(report["outcome"], "waiting");
    assert_eq!(report["exit_code"], 6);
    assert_eq!(report["exit_reasons"], json!(["approval_needed"]));
    assert_eq!(
        report["waiting_for"],
        json!([{ "step": "frame/approve", "message": "Look at the frame." }])
    );
    assert_eq!(report["counts"]["waiting"], 1);
    let steps = &report["parts"][0]["steps"];
    assert_eq!(
        (&steps[1]["kind"], &steps[1]["outcome"]),
        (&"approve".into(), &"waiting".into())
    );
    assert!(place.path("out-sim/plate.step").exists());

    for command in ["status", "report"] {
        let told = place.simulated(&[command, "m.yaml"]).with(0).stdout;
        assert!(told.contains("Look at the frame."), "{told}");
        let typed = "millrun approve m.yaml frame/approve --sim\n";
        assert!(told.contains(typed), "{told}");
    }
    let plan = place.simulated(&["plan", "m.yaml"]).with(0).stdout;
    assert!(plan.contains("frame"), "{plan}");

    let args = [
        "approve",
        "m.yaml",
        "frame/approve",
        "--reason",
        "looks right",
        "--json",
    ];
    let said = place.simulated(&args).with(0).json();
    assert_eq!(said["step"], "frame/approve");
    assert_eq!(said["verdict"], "approved");
    assert_eq!(said["recorded"], true);
    let status = place
        .simulated(&["status", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(status.get("waiting_for"), None, "{status}");

    let report = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(report["parts"][0]["steps"][1]["outcome"], "reused");
    let writes = place.assert_no_429_and_no_early_poll("gates").totals.writes;
    assert_eq!(writes, 3);
    place.simulated(&["run", "m.yaml"]).with(0);
    assert_eq!(
        place.assert_no_429_and_no_early_poll("gates").totals.writes,
        3
    );
    place.simulated(&["doctor", "m.yaml"]).with(0);
}

#[test]
fn a_rejection_is_reported_with_who_and_why_and_the_run_ends_with_1() {
    let place = place();
    place.simulated(&["run", "m.yaml"]).with(6);
    let args = [
        "approve",
        "m.yaml",
        "frame/approve",
        "--reject",
        "--reason",
        "too thin",
    ];
    let said = place.simulated(&args).with(0);
    assert!(
        said.stdout.starts_with("frame/approve is rejected"),
        "{said}"
    );
    let report = place.simulated(&["run", "m.yaml"]).with(1);
    assert!(report.stdout.contains("rejected by somebody@"), "{report}");
    assert!(report.stdout.contains(": too thin"), "{report}");
    let plan = place.simulated(&["plan", "m.yaml"]).with(0);
    assert!(plan.stdout.contains("too thin"), "{plan}");
}

#[test]
fn what_is_no_gate_or_does_not_ask_is_refused_in_words() {
    let place = place();
    let approve = |step: &str| place.simulated(&["approve", "m.yaml", step]).with(2).stderr;
    assert!(approve("frame/approve").contains("has not run here yet"));
    assert!(!place.path(".millrun").exists());
    assert!(approve("frame").contains("plate/approve"));
    place.simulated(&["run", "m.yaml"]).with(6);
    assert!(approve("frame/create").contains("is no `approve`, but a `create`"));
    assert!(approve("frame/approv").contains("has no step frame/approv"));
}

#[test]
fn a_word_beside_the_run_is_heard_while_it_goes_on() {
    let place = Place::new();
    place.write(
        "m.yaml",
        &FRAME
            .replace("A plate", "[sim:duration=90000] A plate")
            .replace("budget:", "job_timeout: 48h\nbudget:"),
    );
    let args = ["run", "m.yaml", "--sim", "--sim-speed", "300", "--json"];
    let mut run = Running::start(place.command(&args));
    run.until("the gate", || {
        let status = place.simulated(&["status", "m.yaml", "-q"]);
        status.stdout.contains("Waits for a person")
    });
    let args = [
        "approve",
        "m.yaml",
        "frame/approve",
        "--reason",
        "looks right",
    ];
    let said = place.simulated(&args).with(0);
    assert_eq!(
        said.stdout,
        "frame/approve is approved: run-1 goes on behind it\n"
    );
    let logs = place.simulated(&["logs", "m.yaml"]).with(0);
    assert!(
        logs.stdout.contains("approved by somebody: looks right"),
        "{logs}"
    );
    run.until("the iterate", || {
        let logs = place.simulated(&["logs", "m.yaml"]);
        logs.stdout.contains("published frame")
    });
    run.signal("-TERM");
    run.end().with(5);
}
