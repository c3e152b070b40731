//! The commands that ask the service itself.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use super::place::{Ended, FAST_LIMITS, Place, SMALL, Service, small};

#[test]
fn the_balance_and_the_jobs_are_shown_as_the_service_has_them() {
    let place = Place::new();
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/sketches/plate.png");
    fs::copy(picture, place.path("plate.png")).unwrap();
    let manifest = SMALL
        .replace("budget:", &format!("{FAST_LIMITS}\nbudget:"))
        .replace("6 mm.\" }", "6 mm. [sim:files=3]\", images: [plate.png] }")
        .replace(
            "- check",
            "- review: { prompt: 'Look at it. [sim:propose]' }\n      - check",
        );
    place.write("m.yaml", &manifest);
    let service = Service::start(&place, &["--speed", "300"]);
    let ask = |args: &[&str]| service.run(&place, args).with(0);

    let balance = ask(&["balance", "--json"]).json();
    assert_eq!(balance["cad_job_hold_cents"], 200);
    assert_eq!(ask(&["jobs", "list"]).stdout, "No jobs.\n");
    ask(&["run", "m.yaml", "-q"]);

    let page = ask(&["jobs", "list", "--limit", "1", "--json"]).json();
    let id = page["jobs"][0]["id"].as_str().unwrap();
    let cursor = page["next_cursor"].as_str().unwrap();
    let listed = ask(&["jobs", "list", "--limit", "1"]).stdout;
    assert!(
        listed.contains("\nMore: millrun jobs list --limit 1 --cursor="),
        "{listed}"
    );
    let next = ask(&["jobs", "list", "--cursor", cursor, "--json"]).json();
    let other = next["jobs"][0]["id"].as_str().unwrap();
    assert_ne!(id, other);

    let job = ask(&["jobs", "show", id, "--json"]).json();
    let tree = &job["assembly_tree"];
    assert_eq!(tree["children"].as_array().unwrap().len(), 2, "{job}");
    let file = tree["children"][0]["filename"].as_str().unwrap();
    assert_eq!(job["artifacts"][1]["filename"], file);
    let shown = ask(&["jobs", "show", id]).stdout;
    assert!(shown.contains("\nAssembly\n"), "{shown}");
    assert_eq!(shown.matches(file).count(), 2, "{shown}");

    let told = ask(&["jobs", "messages", id, "--json"]).json();
    let messages = told["messages"].as_array().unwrap();
    assert_eq!(messages[0]["images"][0]["content_type"], "image/png");
    let review = messages.iter().find(|one| one["review"].is_object());
    let review = &review.unwrap()["review"];
    assert!(review["message"].is_string() && !review["iteration_proposal"].is_null());
    let shown = ask(&["jobs", "messages", id]).stdout;
    for said in [
        "image: image-1.png (image/png, ",
        "it proposes:",
        "revision: A",
    ] {
        assert!(shown.contains(said), "{said:?} is not said: {shown}");
    }
}

#[test]
fn what_the_service_refuses_is_told_with_its_message_and_its_request_id() {
    let place = small();
    let service = Service::start(&place, &[]);
    for (args, key, code, kind) in [
        (&["jobs", "show", "cadjob_none"][..], None, 2, "not_found"),
        (&["jobs", "messages", "cadjob_none"], None, 2, "not_found"),
        (&["balance"], Some("gcad_wrong"), 4, "key_refused"),
    ] {
        let ask = |more: &[&str]| -> Ended {
            let mut command = service.command(&place, &[args, more].concat());
            command.envs(key.map(|key| ("ORVILLE_API_KEY", key)));
            let ended: Ended = command.output().unwrap().into();
            ended.with(code)
        };
        let ended = ask(&["--json"]);
        let told = ended.json();
        let error = &told["error"];
        assert_eq!(error["kind"], kind, "{ended}");
        assert!(
            error["code"].is_string() && error["hint"].is_string(),
            "{ended}"
        );
        let id = error["request_id"].as_str().unwrap();
        assert!(error["message"].as_str().unwrap().contains(id), "{ended}");
        // Every request has an id of its own.
        let text = ask(&[]).stderr;
        assert!(
            text.contains("(") && text.contains(", request req_"),
            "{text}"
        );
        assert!(text.contains("hint: "), "{text}");
    }
}

#[test]
fn a_service_out_of_reach_and_a_port_that_is_taken_are_told_apart_from_a_full_disk() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let taken = place
        .run(&["sim", "--port", &port, "--json"])
        .with(2)
        .json();
    let hint = taken["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("--port"), "{hint}");

    drop(listener);
    let mut command = place.command(&["balance", "--json"]);
    command
        .env("ORVILLE_BASE_URL", format!("http://127.0.0.1:{port}"))
        .env("ORVILLE_API_KEY", "gcad_test");
    let ended: Ended = command.output().unwrap().into();
    assert_eq!(ended.with(5).json()["error"]["kind"], "unreachable");
}
