//! The manifests of the cookbook do what its page says, against the simulator, and an unchanged one sends nothing twice.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::place::{Ended, Place};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/cookbook")
}

/// A folder with all of the cookbook in it.
fn kitchen() -> Place {
    fn copy(from: &Path, to: &Path) {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                fs::create_dir(&to).unwrap();
                copy(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), &to).unwrap();
            }
        }
    }
    let place = Place::new();
    copy(&folder(), &place.path(""));
    place
}

/// A run of one manifest: how it ended and its report.
fn run(place: &Place, manifest: &str, code: i32) -> Value {
    run_with(place, &["run", manifest, "--json"], code)
}

fn run_with(place: &Place, args: &[&str], code: i32) -> Value {
    let ended: Ended = place.simulated(args);
    ended.with(code).json()
}

/// How many creates, follow-ups and reviews a run sent.
fn sent(report: &Value) -> (u64, u64, u64) {
    let of = |name: &str| report["requests"][name].as_u64().unwrap();
    (of("create"), of("follow_up"), of("review"))
}

fn counted(report: &Value, outcome: &str) -> u64 {
    report["counts"][outcome].as_u64().unwrap()
}

/// What the manifest comes to when nothing goes wrong: what was sent, and the files under its output folder.
fn comes_to(
    manifest: &str,
    family: &str,
    wanted: (u64, u64, u64),
    files: &[&str],
) -> (Place, Value) {
    let place = kitchen();
    let checked = place.run(&["check", manifest]).with(0);
    assert!(!checked.stderr.contains("warning"), "{checked}");
    let report = run(&place, manifest, 0);
    assert_eq!(sent(&report), wanted, "{manifest}");
    assert_eq!(place.files("out-sim"), files, "{manifest}");
    let ledger = run_with(&place, &["ledger", manifest, "--json"], 0);
    assert_eq!(
        ledger["totals"]["charged_cents"],
        report["cost"]["charged_cents"]
    );
    assert!(
        report["cost"]["charged_cents"].as_u64() > Some(0),
        "{report}"
    );
    sends_nothing_more(&place, manifest);
    place.assert_no_429_and_no_early_poll(family);
    (place, report)
}

/// An unchanged manifest that came out is done.
fn sends_nothing_more(place: &Place, manifest: &str) {
    let again = run(place, manifest, 0);
    assert_eq!(sent(&again), (0, 0, 0), "{manifest}");
    assert_eq!(again["cost"]["charged_cents"], 0, "{manifest}");
    let parts = again["parts"].as_array().unwrap().len() as u64;
    assert_eq!(counted(&again, "reused"), parts, "{manifest}: {again}");
}

#[test]
fn a_design_table_makes_a_part_of_each_row_and_a_new_row_costs_itself() {
    let files = ["00710", "00711", "00720"].map(|number| format!("spacers/spacer-{number}.step"));
    let files = files.each_ref().map(String::as_str);
    let (place, _) = comes_to("design-table.yaml", "spacers", (3, 1, 0), &files);
    let table = fs::read_to_string(place.path("design-table.csv")).unwrap();
    place.write(
        "design-table.csv",
        &format!("{table}00721,16,35,6.4,false\n"),
    );
    let report = run(&place, "design-table.yaml", 0);
    assert_eq!(sent(&report), (1, 0, 0));
    assert_eq!(
        (counted(&report, "reused"), counted(&report, "succeeded")),
        (3, 1)
    );
}

#[test]
fn the_second_review_is_a_gate() {
    let files = ["hinges/hinge-leaf-60.step", "hinges/hinge-leaf-90.step"];
    comes_to("two-stage-review.yaml", "hinge", (2, 2, 4), &files);
    // The assistant has something to say: nothing is published.
    let place = kitchen();
    let manifest = fs::read_to_string(place.path("two-stage-review.yaml")).unwrap();
    let manifest = manifest.replace(
        "released for production?",
        "released for production? [sim:propose]",
    );
    place.write("two-stage-review.yaml", &manifest);
    let report = run(&place, "two-stage-review.yaml", 1);
    assert_eq!(counted(&report, "failed"), 2, "{report}");
    assert_eq!(place.files("out-sim"), Vec::<String>::new());
}

#[test]
fn an_assembly_is_begun_when_its_parts_came_out() {
    let files = [
        "assembly--pillow_block.step",
        "assembly--pillow_block_1.step",
        "assembly--pillow_block_2.step",
        "parts/cap-left.step",
        "parts/cap-right.step",
        "parts/housing.step",
    ];
    comes_to("assembly.yaml", "bearing-block", (4, 0, 1), &files);
    let place = kitchen();
    let manifest = fs::read_to_string(place.path("assembly.yaml")).unwrap();
    place.write(
        "assembly.yaml",
        &manifest.replace(
            "with three 4.5 mm holes",
            "with three 4.5 mm holes [sim:fail]",
        ),
    );
    let report = run(&place, "assembly.yaml", 1);
    let outcomes = ["succeeded", "failed", "blocked"].map(|outcome| counted(&report, outcome));
    assert_eq!(outcomes, [1, 2, 1], "{report}");
}

#[test]
fn a_night_stops_at_its_budget_and_the_next_one_goes_on() {
    let place = kitchen();
    let report = run(&place, "budgeted-night.yaml", 3);
    assert_eq!(report["exit_reasons"], serde_json::json!(["cap_reached"]));
    assert!(
        report["cost"]["charged_cents"].as_u64() <= Some(600),
        "{report}"
    );
    let made = counted(&report, "succeeded");
    assert!((1..5).contains(&made), "{report}");
    let report = run(&place, "budgeted-night.yaml", 0);
    assert_eq!(
        (counted(&report, "reused"), counted(&report, "succeeded")),
        (made, 5 - made)
    );
    assert_eq!(place.files("out-sim/shims").len(), 5);
    sends_nothing_more(&place, "budgeted-night.yaml");
    place.assert_no_429_and_no_early_poll("shims");
}

#[test]
fn a_drawing_is_sent_with_the_prompt_and_a_changed_one_makes_the_part_anew() {
    let files = [
        "brackets/angle-bracket-30.step",
        "brackets/angle-bracket-50.step",
    ];
    let (place, _) = comes_to("drawing.yaml", "angle-bracket", (2, 0, 0), &files);
    let manifest = fs::read_to_string(place.path("drawing.yaml")).unwrap();
    fs::rename(
        place.path("drawings/bracket.png"),
        place.path("drawings/b.png"),
    )
    .unwrap();
    place.write("drawing.yaml", &manifest.replace("bracket.png", "b.png"));
    sends_nothing_more(&place, "drawing.yaml");
    let other = folder().parent().unwrap().join("sketches/plate.png");
    fs::copy(other, place.path("drawings/b.png")).unwrap();
    assert_eq!(sent(&run(&place, "drawing.yaml", 0)), (2, 0, 0));
}

#[test]
fn jobs_that_the_service_fails_are_tried_again() {
    let files = ["bushes/bush-10.step", "bushes/bush-8.step"];
    comes_to("retries.yaml", "bushes", (2, 0, 0), &files);
    let place = kitchen();
    let manifest = fs::read_to_string(place.path("retries.yaml")).unwrap();
    place.write(
        "retries.yaml",
        &manifest.replace("A flanged bush", "[sim:fail=3] A flanged bush"),
    );
    let report = run(&place, "retries.yaml", 0);
    assert_eq!(
        sent(&report),
        (8, 0, 0),
        "three that failed and one that didn't, twice"
    );
    let attempts = report["parts"].as_array().unwrap().iter();
    let attempts: Vec<&Value> = attempts.map(|part| &part["steps"][0]["attempts"]).collect();
    assert_eq!(attempts, [4, 4]);
    sends_nothing_more(&place, "retries.yaml");
}

#[test]
fn settings_that_are_shared_hold_where_nothing_else_is_said() {
    let files = ["clamps/clamp-bar-120.step", "clamps/clamp-bar-160.step"];
    let (place, _) = comes_to("sharing-settings.yaml", "clamp-bars", (2, 0, 2), &files);
    // The prompt of the house is what was sent: another one is another review.
    let shared = fs::read_to_string(place.path("shared/house-style.yaml")).unwrap();
    place.write(
        "shared/house-style.yaml",
        &shared.replace("small series", "large series"),
    );
    assert_eq!(sent(&run(&place, "sharing-settings.yaml", 0)), (0, 0, 2));
}

/// The page shows each manifest as it is. `SNAPSHOTS=overwrite cargo test --test it cookbook` writes them anew.
#[test]
fn the_page_shows_every_manifest_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/cookbook.md");
    let page = fs::read_to_string(&path).unwrap();
    let mut pieces = page.split("<!-- manifest: ");
    let mut expected = pieces.next().unwrap().to_owned();
    let mut shown = Vec::new();
    for piece in pieces {
        let (name, rest) = piece.split_once(" -->\n```").unwrap();
        let (_, after) = rest.split_once("\n```\n").unwrap();
        let text = fs::read_to_string(folder().join(name)).unwrap();
        let language = name.rsplit('.').next().unwrap();
        expected += &format!("<!-- manifest: {name} -->\n```{language}\n{text}```\n{after}");
        shown.push(name.to_owned());
    }
    snapbox::assert_data_eq!(expected, snapbox::Data::read_from(&path, None).raw());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "csv")
        {
            files.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    for file in files {
        assert!(shown.contains(&file), "{file} is not in the cookbook");
    }
}
