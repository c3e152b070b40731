//! Manifests as their authors meet them: a first one, a check for an editor, variables of the environment.

use std::fs;

use serde_json::Value;

use super::place::{Ended, Place};

#[test]
fn each_template_is_written_once_and_runs() {
    for (template, files) in [("plates", 4), ("table", 3), ("assembly", 3)] {
        let place = Place::new();
        let init = ["init", "first.yaml", "--template", template];
        place.run(&init).with(0);
        let written = fs::read_to_string(place.path("first.yaml")).unwrap();
        let ended = place.simulated(&["run", "first.yaml"]).with(0);
        let published = place.files("out-sim").len();
        assert!(published >= files, "{template}: {published} files, {ended}");
        let refused = place.run(&init).with(2);
        assert!(refused.stderr.contains("is there already"), "{refused}");
        let kept = fs::read_to_string(place.path("first.yaml")).unwrap();
        assert_eq!(written, kept);
    }
}

#[test]
fn the_template_that_adopts_can_be_checked_and_says_what_it_waits_for() {
    let place = Place::new();
    let init = place.run(&["init", "--template", "adopt"]).with(0);
    assert!(init.stdout.contains("yet"), "{init}");
    let check = place.run(&["check", "millrun.yaml"]).with(2);
    assert!(check.stderr.contains("not-supported-yet"), "{check}");
}

#[test]
fn the_schema_is_the_one_that_is_checked_in() {
    let place = Place::new();
    let ended = place.run(&["schema"]).with(0);
    let checked_in = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/manifest.schema.json");
    assert_eq!(ended.stdout, fs::read_to_string(checked_in).unwrap());
    let schema: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

#[test]
fn check_tells_machines_where_and_through_which_file() {
    let place = Place::new();
    place.write("common.yaml", "budget: { max_spend: much }\n");
    let right = "version: 1\nname: n\nuid: u\ninclude: [common.yaml]\nparts: [{ id: a, steps: [{ create: { prompt: A plate. } }] }]\n";
    place.write("m.yaml", right);
    let ended = place.run(&["check", "m.yaml", "--format", "json"]).with(2);
    let same = place.run(&["check", "m.yaml", "--json"]).with(2);
    assert_eq!(ended.stdout, same.stdout);
    let problem = ended.json()["error"]["diagnostics"][0].clone();
    assert_eq!(problem["code"], "bad-amount");
    assert_eq!(
        (&problem["file"], &problem["line"]),
        (&"common.yaml".into(), &1.into())
    );
    let related = &problem["related"][0];
    assert_eq!(
        (&related["file"], &related["line"]),
        (&"m.yaml".into(), &4.into())
    );
    assert_eq!(related["message"], "included here");

    place.write("common.yaml", "budget: { max_spend: 9 usd }\n");
    let ended = place.run(&["check", "m.yaml", "--format", "json"]).with(0);
    assert_eq!(ended.json()["parts"], 1);
    let text = place.run(&["check", "m.yaml", "--format", "text"]).with(0);
    assert_eq!(text.stdout, "ok: 1 part, 1 step\n");
}

#[test]
fn a_prompt_sees_what_is_listed_of_the_environment_and_never_a_key() {
    let place = Place::new();
    let manifest = |env: &str, prompt: &str| {
        format!(
            "version: 1\nname: n\nuid: u\nbudget: {{}}\nenv: [{env}]\nparts: [{{ id: a, steps: [{{ create: {{ prompt: \"{prompt}\" }} }}] }}]\n"
        )
    };
    let check = |text: String| -> Ended {
        place.write("m.yaml", &text);
        let mut command = place.command(&["check", "m.yaml"]);
        command
            .env("LOT", "7")
            .env("ORVILLE_API_KEY", "gcad_live_canary");
        command.output().unwrap().into()
    };
    check(manifest("LOT", "A plate of lot {{ env.LOT }}.")).with(0);
    for (env, prompt, code) in [
        ("", "{{ env.LOT }}", "undefined-name"),
        ("", "{{ env.ORVILLE_API_KEY }}", "undefined-name"),
        (
            "ORVILLE_API_KEY",
            "{{ env.ORVILLE_API_KEY }}",
            "secret-variable",
        ),
        ("BATCH", "{{ env.BATCH }}", "unset-variable"),
    ] {
        let refused = check(manifest(env, prompt)).with(2);
        assert!(refused.stderr.contains(code), "{refused}");
        assert!(!refused.to_string().contains("canary"), "{refused}");
    }
}

#[test]
fn what_leads_out_of_the_folder_is_not_read() {
    let outer = Place::new();
    fs::create_dir(outer.path("in")).unwrap();
    outer.write("secret.yaml", "vars: { a: 1 }\n");
    std::os::unix::fs::symlink("../secret.yaml", outer.path("in/link.yaml")).unwrap();
    for path in ["link.yaml", "../secret.yaml"] {
        let text = format!(
            "version: 1\nname: n\ninclude: [{path}]\nparts: [{{ id: a, steps: [{{ create: {{ prompt: A plate. }} }}] }}]\n"
        );
        outer.write("in/m.yaml", &text);
        let refused = outer.run(&["check", "in/m.yaml"]).with(2);
        assert!(refused.stderr.contains("unsafe-path"), "{refused}");
    }
}
