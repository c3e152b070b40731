//! `plan -o` and `run` of what it saved; what `plan` tells of prompts and of time.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::place::{Ended, FAST, Place, small};

/// One part for each row of a table, from a sketch, for a lot.
const CLIPS: &str = r#"
version: 1
name: clips
uid: c1
budget: { max_spend: 50.00 usd }
env: [LOT]
parts:
  - id: clip-{{ width }}
    table: clips.csv
    steps:
      - create: { prompt: "A clip of {{ width }} mm for lot {{ env.LOT }}.", images: [plate.png] }
      - download: {}
"#;

const ROWS: &str = "width:int\n10\n20\n";

/// A plan of [`CLIPS`], saved as `night.plan`.
fn clips() -> Place {
    let place = Place::new();
    place.write("m.yaml", CLIPS);
    place.write("clips.csv", ROWS);
    picture(&place);
    of_lot(&place, "7", &["plan", "m.yaml", "-o", "night.plan"]).with(0);
    place
}

fn picture(place: &Place) {
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/sketches/plate.png");
    fs::copy(picture, place.path("plate.png")).unwrap();
}

fn of_lot(place: &Place, lot: &str, args: &[&str]) -> Ended {
    let mut command = place.command(&[args, &FAST].concat());
    command.env("LOT", lot).output().unwrap().into()
}

#[track_caller]
fn assert_stale(ended: Ended, why: &str) {
    let ended = ended.with(8);
    assert!(ended.stderr.contains("the saved plan is stale"), "{ended}");
    assert!(ended.stderr.contains(why), "{ended}");
}

#[test]
fn a_saved_plan_is_carried_out_and_nothing_else() {
    let place = small();
    let said = place
        .simulated(&["plan", "m.yaml", "-o", "night.plan"])
        .with(0);
    assert!(said.stderr.contains("`millrun run night.plan`"), "{said}");
    let saved: Value =
        serde_json::from_slice(&fs::read(place.path("night.plan")).unwrap()).unwrap();
    assert_eq!(saved["format_version"], 1);
    assert_eq!(saved["saved"]["state_serial"], 0);
    assert_eq!(saved["saved"]["max_cents"], 2000);
    assert!(!place.path(".millrun").exists(), "a plan changes nothing");

    let report = place
        .simulated(&["run", "night.plan", "--json"])
        .with(0)
        .json();
    assert_eq!(report["requests"]["create"], 2);
    assert_eq!(report["requests"]["follow_up"], 1);
    assert_eq!(place.files("out-sim").len(), 2);
    assert_stale(
        place.simulated(&["run", "night.plan"]),
        "run-1 has carried it out",
    );
    place.simulated(&["doctor", "m.yaml"]).with(0);
}

#[test]
fn only_what_was_selected_is_carried_out() {
    let place = small();
    let args = ["plan", "m.yaml", "--select", "box-10", "-o", "one.plan"];
    place.simulated(&args).with(0);
    let mixed = place
        .simulated(&["run", "one.plan", "--select", "box-20"])
        .with(2);
    assert!(mixed.stderr.contains("run as it is"), "{mixed}");
    let report = place
        .simulated(&["run", "one.plan", "--json"])
        .with(0)
        .json();
    let parts = report["parts"].as_array().unwrap();
    assert_eq!((parts.len(), &parts[0]["id"]), (1, &json!("box-10")));
    assert_eq!(report["requests"]["create"], 1);
}

#[test]
fn whatever_it_was_made_from_makes_it_stale_and_is_named() {
    let place = clips();
    let run = |lot| of_lot(&place, lot, &["run", "night.plan"]);

    place.write("m.yaml", &CLIPS.replace("A clip", "A wide clip"));
    assert_stale(run("7"), "m.yaml has changed");
    place.write("m.yaml", CLIPS);

    place.write("clips.csv", "width:int\n10\n20\n30\n");
    assert_stale(run("7"), "clips.csv has changed");
    place.write("clips.csv", ROWS);

    let mut image = fs::read(place.path("plate.png")).unwrap();
    image.push(0);
    fs::write(place.path("plate.png"), image).unwrap();
    assert_stale(run("7"), "the image plate.png has changed");
    picture(&place);

    assert_stale(run("8"), "the variable LOT has changed");
    assert!(!place.path(".millrun").exists(), "nothing was begun");
    run("7").with(0);
}

#[test]
fn a_state_that_moved_on_makes_it_stale() {
    let place = small();
    for (select, file) in [("box-10", "one.plan"), ("box-20", "other.plan")] {
        let args = ["plan", "m.yaml", "--select", select, "-o", file];
        place.simulated(&args).with(0);
    }
    place.simulated(&["run", "one.plan"]).with(0);
    assert_stale(
        place.simulated(&["run", "other.plan"]),
        "the state has moved on",
    );
    let books = place.assert_no_429_and_no_early_poll("small");
    assert_eq!(books.totals.jobs, 1);
}

#[test]
fn it_spends_no_more_than_it_was_priced_at() {
    let place = small();
    let one = ["plan", "m.yaml", "--select", "box-10", "-o", "one.plan"];
    place
        .simulated(&["run", "m.yaml", "--select", "box-20"])
        .with(0);
    let planned = place.simulated(&[&one[..], &["--json"]].concat()).with(0);
    let worst = planned.json()["cost"]["max_cents"].as_i64().unwrap();
    assert!(worst > 0);
    let saved: Value = serde_json::from_slice(&fs::read(place.path("one.plan")).unwrap()).unwrap();
    assert_eq!(saved["saved"]["max_cents"], worst);
    assert_eq!(saved["saved"]["hold_cents"], worst, "it is one create");
    let report = place.simulated(&["run", "one.plan", "--json"]).with(0);
    let charged = report.json()["cost"]["charged_cents"].as_i64().unwrap();
    assert!(charged <= worst, "{charged}");
}

#[test]
fn its_price_holds_whatever_the_manifest_allows() {
    let place = small();
    let args = ["plan", "m.yaml", "-o", "night.plan"];
    place.simulated(&args).with(0);
    let saved = fs::read_to_string(place.path("night.plan")).unwrap();
    let priced = saved.replace("\"max_cents\": 2000", "\"max_cents\": 1");
    assert_ne!(saved, priced);
    place.write("night.plan", &priced);
    let report = place.simulated(&["run", "night.plan", "--json"]).with(3);
    assert_eq!(report.json()["requests"]["create"], 0);
}

#[test]
fn a_plan_without_a_bound_is_not_saved() {
    let place = Place::new();
    place.write(
        "m.yaml",
        "version: 1\nname: n\nuid: u\nbudget: {}\nparts: [{ id: a, steps: [{ create: { prompt: A knob. } }] }]\n",
    );
    let refused = place
        .simulated(&["plan", "m.yaml", "-o", "night.plan"])
        .with(2);
    assert!(refused.stderr.contains("max_spend"), "{refused}");
    assert!(!place.path("night.plan").exists());
    // A manifest is not overwritten, and a plan with a manifest's name would be taken for one.
    let refused = place.simulated(&["plan", "m.yaml", "-o", "m.yaml"]).with(2);
    assert!(refused.stderr.contains("night.plan"), "{refused}");
}

#[test]
fn prompts_are_shown_as_they_will_be_sent_and_against_what_was_sent() {
    let place = small();
    let shown = place
        .simulated(&["plan", "m.yaml", "--show-prompts"])
        .with(0)
        .stdout;
    let first = "box-10/create\n    A box 10 x 40 x 6 mm.\n\nbox-20/create\n    A box 20 x 40 x 6 mm.\n\nbox-20/iterate\n    Make it 8 mm thick.\n";
    assert!(shown.starts_with(first), "{shown}");
    place.simulated(&["run", "m.yaml"]).with(0);
    let edited = fs::read_to_string(place.path("m.yaml")).unwrap();
    place.write("m.yaml", &edited.replace("A box", "A steel box"));
    let args = ["plan", "m.yaml", "--show-prompts"];
    let shown = place.simulated(&args).with(0).stdout;
    let changed = "box-10/create\n  - A box 10 x 40 x 6 mm.\n  + A steel box 10 x 40 x 6 mm.\n";
    assert!(shown.starts_with(changed), "{shown}");
    let told = place.simulated(&[&args[..], &["--json"]].concat()).with(0);
    let step = &told.json()["parts"][0]["steps"][0];
    assert_eq!(step["prompt"], "A steel box 10 x 40 x 6 mm.");
    assert_eq!(step["prompt_before"], "A box 10 x 40 x 6 mm.");
}

#[test]
fn a_plan_tells_requests_and_time_and_no_line_is_wide() {
    let place = Place::new();
    place.write(
        "m.yaml",
        r#"
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
      - review: { prompt: Is it stiff? }
      - download: {}
  - id: plate
    steps:
      - create: { prompt: A plate. }
      - download: {}
"#,
    );
    let plan = place
        .simulated(&["plan", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(plan["requests"]["cad_writes"], 3);
    assert_eq!(plan["requests"]["reviews"], 1);
    for key in ["job_polls", "reads", "artifacts", "balance"] {
        assert!(plan["requests"][key].is_u64(), "{key}: {plan}");
    }
    for key in ["min_cents", "expected_cents", "max_cents", "currency"] {
        assert!(plan["cost"].get(key).is_some(), "{key}: {plan}");
    }
    let seconds = |key: &str| plan["duration"][key].as_f64().unwrap();
    // Two writes and a review of the frame follow each other, and what comes behind the gate counts.
    assert!(seconds("expected_s") >= 300.0, "{plan}");
    assert!(seconds("lower_bound_s") <= seconds("expected_s"), "{plan}");
    assert_eq!(plan["duration"]["approvals"], 1);
    let held_up = json!({ "kind": "chain", "parts": ["frame"] });
    assert_eq!(plan["duration"]["bottleneck"], held_up);
    let text = place.simulated(&["plan", "m.yaml"]).with(0).stdout;
    assert!(
        text.contains("\n       and as long as people take for 1 approval\n"),
        "{text}"
    );
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }

    place.simulated(&["run", "m.yaml"]).with(6);
    let left = place
        .simulated(&["plan", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(left["requests"]["cad_writes"], 1);
    place
        .simulated(&["approve", "m.yaml", "frame/approve"])
        .with(0);
    place.simulated(&["run", "m.yaml"]).with(0);
    let none = place
        .simulated(&["plan", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(none["duration"]["expected_s"], 0.0);
    assert_eq!(none["duration"]["bottleneck"], Value::Null);
}
