//! `doctor`: what is well is said to be, what is not is found, and nothing is changed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use millrun::simulator::SIM_API_KEY;
use serde_json::Value;

use super::place::{Ended, Service, small};
use super::state::{JOURNAL, open};

/// The checks of `name` that a doctor made, as health and message.
fn checks(told: &Value, name: &str) -> Vec<(String, String)> {
    let checks = told["checks"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    checks
        .filter(|check| check["name"] == name)
        .map(|check| (text(&check["health"]), text(&check["message"])))
        .collect()
}

#[test]
fn a_doctor_finds_a_healthy_state_healthy() {
    let place = small();
    place.simulated(&["doctor", "m.yaml"]).with(0);
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let told = place
        .simulated(&["doctor", "m.yaml", "--json"])
        .with(0)
        .json();
    let mut all = told["checks"].as_array().unwrap().iter();
    assert!(all.all(|check| check["health"] == "good"), "{told:#}");
    assert_eq!(told["problems"], 0);
    let people = place.simulated(&["doctor", "m.yaml"]).with(0);
    assert!(people.stdout.contains("every promise was kept"), "{people}");
    assert!(
        people.stdout.ends_with("no problems were found\n"),
        "{people}"
    );

    let keyless = place.run(&["doctor", "--json"]).with(1).json();
    assert_eq!(checks(&keyless, "key")[0].0, "problem");
    let service = Service::start(&place, &["--speed", "300"]);
    let online = service
        .run(&place, &["doctor", "--online", "--json"])
        .with(0);
    assert_eq!(checks(&online.json(), "service")[0].0, "good");
    assert!(!online.to_string().contains(SIM_API_KEY));
    let mut wrong = service.command(&place, &["doctor", "--online", "--json"]);
    let wrong: Ended = wrong
        .env("ORVILLE_API_KEY", "gcad_sim_wrong")
        .output()
        .unwrap()
        .into();
    assert_eq!(checks(&wrong.with(1).json(), "service")[0].0, "problem");
}

#[test]
fn a_doctor_says_what_is_wrong_with_a_state_and_changes_nothing() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let doctor = |problem: &str| {
        let ended = place.simulated(&["doctor", "m.yaml", "--json"]);
        let told = ended.json();
        let is_found = checks(&told, problem)
            .iter()
            .any(|check| check.0 == "problem");
        assert!(is_found && told["exit_code"] == 1, "{problem}: {told:#}");
        ended.with(1);
    };
    let journal = place.path(JOURNAL);
    let good = fs::read(&journal).unwrap();

    let change = |sql: &str| open(&place, JOURNAL).execute_batch(sql).unwrap();
    change("update sends set state = 'intended'");
    doctor("projection");
    fs::write(&journal, &good).unwrap();

    // The same work intended a second time, after it was paid.
    change(
        "insert into events (run, at, name, body)
         select run, at, name, body from events where name = 'intended' limit 1",
    );
    doctor("promises");
    fs::write(&journal, &good).unwrap();

    change("delete from events where seq > 5");
    doctor("rollback");

    let damaged = "no database, but long enough to be looked at as one. ".repeat(100);
    fs::write(&journal, &damaged).unwrap();
    doctor("journal");
    assert_eq!(fs::read_to_string(&journal).unwrap(), damaged);
    fs::write(&journal, &good).unwrap();

    let object = &place.files(".millrun/small/sim/objects")[0];
    let object = place.path(&format!(".millrun/small/sim/objects/{object}"));
    let whole = fs::read(&object).unwrap();
    fs::write(&object, "damaged").unwrap();
    doctor("objects");
    fs::write(&object, whole).unwrap();

    fs::set_permissions(&journal, fs::Permissions::from_mode(0o644)).unwrap();
    doctor("modes");
    // What SQLite put beside it in the meantime has its mode.
    for name in place.files(".millrun/small/sim") {
        let file = place.path(&format!(".millrun/small/sim/{name}"));
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    place.write("out-sim/boxes/box-10.step", "edited");
    let told = place
        .simulated(&["doctor", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(checks(&told, "published")[0].0, "note");
}
