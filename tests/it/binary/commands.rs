//! Commands, exit codes and JSON.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::place::{Ended, FAST, FAST_LIMITS, Place, SMALL, Service, small};

#[test]
fn the_main_job_leaves_step_files_a_ledger_and_a_report() {
    let place = Place::new();
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
    fs::create_dir(place.path("sketches")).unwrap();
    for name in ["mounting-plates.yaml", "sketches/plate.png"] {
        fs::copy(manifests.join(name), place.path(name)).unwrap();
    }
    let ended = place.simulated(&["run", "mounting-plates.yaml"]).with(0);
    for said in ["out-sim", "millrun report", "12 parts"] {
        assert!(ended.stdout.contains(said), "{said:?} is not said: {ended}");
    }
    let files = place.files("out-sim");
    assert_eq!(files.len(), 12, "{files:?}");
    for file in &files {
        let step = fs::read_to_string(place.path("out-sim").join(file)).unwrap();
        assert!(
            step.starts_with("ISO-10303-21;") && step.trim_end().ends_with("END-ISO-10303-21;"),
            "{file}"
        );
    }
    let report = place
        .simulated(&["report", "mounting-plates.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(
        (
            &report["counts"]["succeeded"],
            &report["requests"]["rate_limited"]
        ),
        (&12.into(), &0.into())
    );
    place.assert_no_429_and_no_early_poll("mounting-plates");
    let ledger = place
        .simulated(&["ledger", "mounting-plates.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(
        ledger["totals"]["charged_cents"],
        report["cost"]["charged_cents"]
    );
}

#[test]
fn every_manifest_of_the_project_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
    let place = Place::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "toml")
        {
            let ended = place.run(&["check", path.to_str().unwrap()]).with(0);
            assert!(!ended.stderr.contains("warning"), "{ended}");
        }
    }
}

#[test]
fn a_second_run_reuses_everything_and_a_plan_says_so_before() {
    let place = small();
    let plan = place
        .simulated(&["plan", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(plan["format_version"], 1);
    assert_eq!(
        plan["parts"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|part| part["steps"].as_array().unwrap())
            .filter(|step| step["action"] == "run")
            .count(),
        7
    );
    assert!(
        plan["cost"]["max_cents"].is_null(),
        "no price is known before the first balance: {plan}"
    );
    place
        .simulated(&["plan", "m.yaml", "--detailed-exitcode"])
        .with(9);

    let first = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(
        (&first["outcome"], &first["exit_code"]),
        (&"succeeded".into(), &0.into())
    );
    assert_eq!(first["parts"][0]["steps"][0]["attempts"], 1);
    let artifact = &first["parts"][1]["steps"][3]["artifacts"][0];
    assert_eq!(artifact["path"], "out-sim/boxes/box-20.step");
    assert_eq!(
        artifact["bytes"],
        fs::metadata(place.path("out-sim/boxes/box-20.step"))
            .unwrap()
            .len()
    );

    place
        .simulated(&["plan", "m.yaml", "--detailed-exitcode"])
        .with(0);
    let second = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(second["counts"]["reused"], 2);
    for (endpoint, count) in second["requests"].as_object().unwrap() {
        assert_eq!(count, 0, "{endpoint} was called");
    }
}

#[test]
fn all_errors_of_a_manifest_are_shown_at_once_and_nothing_is_sent() {
    let place = Place::new();
    place.write("m.yaml", "version: 1\nname: m\nlimts: {}\nparts:\n  - id: a\n    needs: [b]\n    steps:\n      - create: { promt: x }\n");
    let ended = place.simulated(&["run", "m.yaml"]).with(2);
    for said in ["limts", "limits", "promt", "prompt", "m.yaml:3", "m.yaml:8"] {
        assert!(ended.stderr.contains(said), "{said:?} is not said: {ended}");
    }
    assert!(!place.path(".millrun").exists() && !place.path("out-sim").exists());
}

#[test]
fn an_edited_applied_iterate_is_planned_as_a_new_job_with_what_it_leaves_behind() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let job = |step: &Value| step["recreates"]["job_id"].as_str().map(str::to_owned);
    place.write("m.yaml", &SMALL.replace("8 mm thick", "9 mm thick"));
    let plan = place
        .simulated(&["plan", "m.yaml", "--json"])
        .with(0)
        .json();
    let parts = plan["parts"].as_array().unwrap().iter();
    let steps: Vec<&Value> = parts
        .flat_map(|part| part["steps"].as_array().unwrap())
        .collect();
    let anew: Vec<&&Value> = steps
        .iter()
        .filter(|step| step["action"] == "recreate")
        .collect();
    assert!(!anew.is_empty(), "{plan}");
    let orphans = plan["orphans"].as_array().unwrap();
    assert_eq!(orphans.len(), anew.len());
    for (step, orphan) in anew.iter().zip(orphans) {
        assert_eq!(step["kind"], "create");
        assert!(orphan["charged_cents"].as_i64() > Some(0), "{orphan}");
        assert!(
            orphans
                .iter()
                .any(|one| one["job_id"].as_str().map(str::to_owned) == job(step))
        );
    }
    let text = place.simulated(&["plan", "m.yaml"]).with(0);
    assert!(
        text.stdout.contains("that no part wants any more"),
        "{text}"
    );
    let ran = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(ran["orphans"], plan["orphans"]);
    let status = place.simulated(&["status", "m.yaml"]).with(0);
    assert!(status.stdout.contains("orphans"), "{status}");
    let again = place
        .simulated(&["plan", "m.yaml", "--detailed-exitcode"])
        .with(0);
    assert!(again.stdout.contains("Nothing to do"), "{again}");
}

#[test]
fn a_part_is_made_anew_on_purpose_and_a_name_that_means_none_is_refused() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let wrong = place
        .simulated(&["run", "m.yaml", "--regenerate", "nothing-*"])
        .with(2);
    assert!(wrong.stderr.contains("nothing-*"), "{wrong}");
    place
        .simulated(&["resume", "m.yaml", "--regenerate", "*"])
        .with(2);
    let outside = ["--regenerate", "box-20", "--select", "box-10"];
    let outside = place
        .simulated(&[&["run", "m.yaml"], &outside[..]].concat())
        .with(2);
    assert!(
        outside.stderr.contains("box-20") && outside.stderr.contains("not selected"),
        "{outside}"
    );
    let ran = place
        .simulated(&["run", "m.yaml", "--regenerate", "*", "--json"])
        .with(0)
        .json();
    let parts = ran["parts"].as_array().unwrap();
    assert!(
        parts.iter().all(|part| part["outcome"] == "succeeded"),
        "{ran}"
    );
    assert_eq!(ran["orphans"].as_array().unwrap().len(), parts.len());
    let next = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(next["cost"]["charged_cents"], 0);
}

#[test]
fn a_cap_ends_with_3_and_a_refused_key_with_4() {
    let place = small();
    place.write("m.yaml", &SMALL.replace("20.00 usd", "2.00 usd"));
    let ended = place.simulated(&["run", "m.yaml", "--json"]).with(3).json();
    assert_eq!(ended["exit_reasons"][0], "cap_reached");

    let service = Service::start(&place, &["--speed", "200"]);
    let mut refused = service.command(&place, &["run", "m.yaml", "--json"]);
    let refused: Ended = refused
        .env("ORVILLE_API_KEY", "gcad_wrong")
        .output()
        .unwrap()
        .into();
    assert_eq!(refused.with(4).json()["exit_reasons"][0], "key_refused");
    assert_eq!(service.books().totals.writes, 0);
}

#[test]
fn without_a_key_nothing_is_sent() {
    let ended = small().run(&["run", "m.yaml"]).with(2);
    assert!(ended.stderr.contains("ORVILLE_API_KEY"), "{ended}");
}

#[test]
fn what_was_recorded_can_be_looked_at_in_many_ways() {
    let place = small();
    let none = place.simulated(&["report", "m.yaml"]);
    assert_eq!(none.code, Some(2), "{none}");
    assert!(none.stderr.contains("has not run here yet"), "{none}");
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let said = |args: &[&str], words: &[&str]| {
        let ended = place.simulated(args).with(0);
        for word in words {
            assert!(
                ended.stdout.contains(word),
                "{args:?} does not say {word:?}: {ended}"
            );
        }
    };
    said(&["status", "m.yaml"], &["run-1", "2 parts"]);
    said(&["report", "m.yaml"], &["box-10", "usd"]);
    said(&["runs", "m.yaml"], &["run-1", "succeeded"]);
    said(&["ledger", "m.yaml"], &["hold", "capture", "box-20"]);
    said(
        &["logs", "m.yaml"],
        &["box-20/create", "accepted as", "balance"],
    );
    for (args, key) in [
        (["status", "m.yaml"], "parts"),
        (["runs", "m.yaml"], "runs"),
        (["ledger", "m.yaml"], "entries"),
    ] {
        let json = place
            .simulated(&[&args[..], &["--json"]].concat())
            .with(0)
            .json();
        assert!(
            json["format_version"] == 1 && json[key].is_array(),
            "{args:?}: {json}"
        );
    }
    let absent = place.simulated(&["report", "m.yaml", "--run", "run-7"]);
    assert_eq!(absent.code, Some(2), "{absent}");
}

#[test]
fn a_port_that_is_taken_is_told_and_is_no_trouble_with_the_disk() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    let ended = place.run(&["sim", "--port", &port]).with(2);
    for said in [&address.to_string(), "choose another --port"] {
        assert!(ended.stderr.contains(said), "{said:?} is not said: {ended}");
    }
}

#[test]
fn what_init_writes_is_valid_and_never_overwrites() {
    let place = Place::new();
    place.run(&["init", "new.yaml"]).with(0);
    place.run(&["check", "new.yaml"]).with(0);
    let text = fs::read_to_string(place.path("new.yaml")).unwrap();
    assert!(text.contains("uid:"), "{text}");
    place.run(&["init", "new.yaml"]).with(2);
    place.run(&["init", "none/new.yaml"]).with(2);
    assert_eq!(fs::read_to_string(place.path("new.yaml")).unwrap(), text);
    place.simulated(&["run", "new.yaml", "-q"]).with(0);
}

#[test]
fn the_key_and_signed_addresses_are_nowhere_but_in_requests() {
    let place = small();
    place.write(
        "faults.json",
        r#"{"rules": [
            {"on": "create", "nth": 1, "fault": {"kind": "reset", "effect": "applied"}},
            {"on": "balance", "nth": 1, "fault": {"kind": "answer", "status": 503}},
            {"on": "status", "nth": 2, "fault": "html"},
            {"on": "download", "nth": 1, "fault": "not_json"},
            {"on": "storage", "times": 2, "fault": "truncated"}
        ]}"#,
    );
    let service = Service::start(&place, &["--speed", "300", "--faults", "faults.json"]);
    place.write(
        "m.yaml",
        &SMALL.replace("budget:", &format!("{FAST_LIMITS}\nbudget:")),
    );
    let key = millrun::simulator::SIM_API_KEY;
    let secret = key.trim_start_matches("gcad_sim_");
    let encoded = data_encoding::BASE64.encode(key.as_bytes());
    let needles = [key, secret, &encoded, "signature=", "/_storage/"];
    let assert_clean = |what: &str, bytes: &[u8]| {
        for needle in needles {
            let mut windows = bytes.windows(needle.len());
            assert!(
                !windows.any(|window| window == needle.as_bytes()),
                "{what} has {needle:?}"
            );
        }
    };
    for args in [
        &["run", "m.yaml", "-vv"][..],
        &["run", "m.yaml", "-vvv", "--json", "--log-format", "json"],
        &["logs", "m.yaml", "--json"],
        &["report", "m.yaml", "-v"],
        &["ledger", "m.yaml", "--json"],
        &["balance", "-vv"],
        &["jobs", "list", "--json"],
        &["jobs", "show", "cadjob_unknown", "-vv"],
    ] {
        let ended = service.run(&place, args);
        assert_clean(&format!("stdout of {args:?}"), ended.stdout.as_bytes());
        assert_clean(&format!("stderr of {args:?}"), ended.stderr.as_bytes());
    }
    assert_eq!(place.files("out").len(), 2, "it ran, whatever went wrong");
    for folder in [".millrun", "out"] {
        for file in place.files(folder) {
            let bytes = fs::read(place.path(folder).join(&file)).unwrap();
            assert_clean(&format!("{folder}/{file}"), &bytes);
        }
    }
}

#[test]
fn a_closed_stdout_stops_the_printing_and_nothing_else() {
    let place = small();
    let args = [&["run", "m.yaml"][..], &FAST].concat();
    let mut run = place.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    drop(run.stdout.take());
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(place.files("out-sim").len(), 2);
}
