//! A state that is exported, and imported elsewhere.

use std::fs;

use millrun::simulator::SIM_API_KEY;
use serde_json::Value;

use super::place::{SMALL, small};
use super::state::{at_a_service, sends};

#[test]
fn a_state_that_was_exported_deleted_and_imported_buys_nothing_again() {
    let (place, service, _) = at_a_service();
    service.run(&place, &["run", "m.yaml", "-q"]).with(0);
    let sent = sends(&service);
    service
        .run(
            &place,
            &["state", "export", "m.yaml", "--output", "state.json"],
        )
        .with(0);
    let text = fs::read_to_string(place.path("state.json")).unwrap();
    assert!(!text.contains(SIM_API_KEY));
    let exported: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(exported["format_version"], 1);
    assert_eq!(exported["objects"].as_array().unwrap().len(), 3);
    let told = service.run(&place, &["state", "export", "m.yaml"]).with(0);
    assert_eq!(told.json(), exported);
    // Nothing is put over what is there.
    let refused = service
        .run(&place, &["state", "import", "m.yaml", "state.json"])
        .with(2);
    assert!(
        refused.stderr.contains("only into an empty state"),
        "{refused}"
    );

    fs::remove_dir_all(place.path(".millrun")).unwrap();
    service
        .run(&place, &["state", "import", "m.yaml", "state.json"])
        .with(0);
    let report = service
        .run(&place, &["run", "m.yaml", "--json"])
        .with(0)
        .json();
    // The part of two revisions fetches the first of them, which is published nowhere.
    let counts = [&report["counts"]["reused"], &report["counts"]["succeeded"]];
    assert_eq!(counts, [1, 1], "{report}");
    assert_eq!(report["requests"]["download"], 1, "{report}");
    assert_eq!(report["run_id"], "run-2");
    assert_eq!(sends(&service), sent);
    let ledger = service
        .run(&place, &["ledger", "m.yaml", "--json", "--run", "1"])
        .with(0)
        .json();
    assert_eq!(
        ledger["totals"]["charged_cents"],
        service.books().totals.charged_cents.0
    );
}

#[test]
fn objects_travel_along_when_they_are_wanted_and_another_family_is_refused() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    place
        .simulated(&[
            "state",
            "export",
            "m.yaml",
            "--output",
            "s.json",
            "--with-objects",
            "objects",
        ])
        .with(0);
    assert_eq!(place.files("objects").len(), 3);
    let damaged = &place.files("objects")[0];
    fs::remove_dir_all(place.path(".millrun")).unwrap();
    place.write("other.yaml", &SMALL.replace("uid: s1", "uid: s2"));
    let refused = place
        .simulated(&["state", "import", "other.yaml", "s.json"])
        .with(2);
    assert!(refused.stderr.contains("another family"), "{refused}");
    place.write("half.json", "{\"format_version\": 1");
    place
        .simulated(&["state", "import", "m.yaml", "half.json"])
        .with(2);
    let kept = fs::read(place.path(&format!("objects/{damaged}"))).unwrap();
    place.write(&format!("objects/{damaged}"), "damaged");
    let import = [
        "state",
        "import",
        "m.yaml",
        "s.json",
        "--with-objects",
        "objects",
    ];
    let refused = place.simulated(&import).with(2);
    assert!(refused.stderr.contains(damaged.as_str()), "{refused}");
    fs::write(place.path(&format!("objects/{damaged}")), kept).unwrap();
    place.simulated(&import).with(0);
    let report = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(report["counts"]["reused"], 2, "{report}");
}
