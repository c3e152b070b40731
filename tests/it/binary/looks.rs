//! How things look: colours, and paths from where one stands.

use std::fs;

use super::place::{Place, SMALL, small};

const ESCAPE: char = '\u{1b}';

#[test]
fn colours_are_for_those_who_want_them() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let is_colored = |flags: &[&str], variables: &[(&str, &str)]| {
        let args = [&["status", "m.yaml", "--sim"], flags].concat();
        let mut command = place.command(&args);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains(ESCAPE)
    };
    assert!(!is_colored(&[], &[]), "stdout is no terminal");
    assert!(is_colored(&["--color", "always"], &[]));
    assert!(is_colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!is_colored(
        &[],
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
    assert!(!is_colored(
        &["--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
    assert!(!is_colored(&["--color", "always", "--json"], &[]));

    let complaint = |color: &str| place.run(&["check", "none.yaml", "--color", color]).stderr;
    assert!(complaint("always").contains(ESCAPE));
    assert!(!complaint("auto").contains(ESCAPE));
}

#[test]
fn a_report_from_another_folder_shows_paths_and_commands_from_there() {
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    place.write("sub/m.yaml", SMALL);
    let mut there = place.command(&["run", "m.yaml", "--sim", "--sim-speed", "300", "-q"]);
    let ended = there.current_dir(place.path("sub")).output().unwrap();
    let report = String::from_utf8(ended.stdout).unwrap();
    assert!(report.contains("  files     out-sim/\n"), "{report}");

    let state = place.path("sub/.millrun");
    let state = state.to_str().unwrap();
    let here = place.simulated(&["report", "sub/m.yaml", "--state", state]);
    let here = here.with(0).stdout;
    for said in [
        "  files     sub/out-sim/\n",
        " sub/out-sim/boxes/box-10.step\n",
        &format!("millrun report sub/m.yaml --sim --state {state} -v "),
    ] {
        assert!(here.contains(said), "{said:?} is not said: {here}");
    }
}

#[test]
fn the_ledger_of_a_run_that_did_nothing_says_what_all_runs_cost() {
    let place = small();
    let first = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    let second = place.simulated(&["run", "m.yaml", "-q"]).with(0).stdout;
    assert!(!second.contains("millrun ledger"), "{second}");
    let charged = first["cost"]["charged_cents"].as_i64().unwrap();
    let ledger = place.simulated(&["ledger", "m.yaml"]).with(0).stdout;
    assert_eq!(
        ledger,
        format!(
            "run-2: nothing was held or charged; all runs together: {}.{:02} usd charged\n",
            charged / 100,
            charged % 100
        )
    );
    let of_first = place.simulated(&["ledger", "m.yaml", "--run", "1"]);
    assert!(of_first.with(0).stdout.contains("\nrun-1: "));
    let json = place.simulated(&["ledger", "m.yaml", "--json"]);
    assert_eq!(json.with(0).json()["all_runs"]["charged_cents"], charged);
}
