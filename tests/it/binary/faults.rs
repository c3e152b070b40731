//! `millrun sim --faults`.

use super::place::{Place, Service};

#[test]
fn a_file_of_rules_is_obeyed() {
    let place = Place::new();
    let rule = r#"{"on": "balance", "nth": 2, "fault": {"kind": "answer", "status": 403, "code": "insufficient_scope"}}"#;
    place.write("faults.json", &format!("{{\"rules\": [{rule}]}}"));
    let service = Service::start(&place, &["--faults", "faults.json"]);
    service.run(&place, &["balance"]).with(0);
    service.run(&place, &["balance"]).with(4);
    service.run(&place, &["balance"]).with(0);
}

#[test]
fn a_file_that_cannot_be_meant_is_refused_before_anything_is_served() {
    let place = Place::new();
    place.write(
        "faults.json",
        r#"{"rules": [{"on": "create", "nht": 1, "fault": "hang"}]}"#,
    );
    let ended = place
        .run(&["sim", "--port", "0", "--faults", "faults.json"])
        .with(2);
    for said in [
        "faults.json: rule 1: unknown field `nht`",
        "docs/simulator-faults.md",
    ] {
        assert!(ended.stderr.contains(said), "{ended}");
    }
    assert_eq!(ended.stdout, "");
}
