//! `--select` and `--exclude` in every command, and `graph`.

use serde_json::Value;

use super::place::{FAST, FAST_LIMITS, Place};

/// Two plates, a frame that needs both, and a knob on its own.
fn workshop() -> Place {
    let place = Place::new();
    place.write(
        "m.yaml",
        &format!(
            r#"
version: 1
name: workshop
uid: w1
{FAST_LIMITS}
budget: {{ max_spend: 20.00 usd }}
parts:
  - id: plate-{{{{ n }}}}
    tags: [flat]
    matrix: {{ n: [1, 2] }}
    steps:
      - create: {{ prompt: "A plate {{{{ n }}}} x 40 x 6 mm." }}
      - download: {{}}
  - id: frame
    needs: ["plate-*"]
    steps:
      - create: {{ prompt: "A frame for two plates." }}
      - download: {{}}
  - id: knob
    tags: [small]
    steps:
      - create: {{ prompt: "A knob of 20 mm." }}
"#
        ),
    );
    place
}

fn run(place: &Place, select: &[&str], code: i32) -> Value {
    place
        .run(&[&["run", "m.yaml", "--json"], select, &FAST].concat())
        .with(code)
        .json()
}

/// The parts of a report or a plan as `id outcome`.
fn parts(report: &Value) -> Vec<String> {
    let text = |part: &Value, key: &str| part[key].as_str().unwrap_or_default().to_owned();
    let parts = report["parts"].as_array().unwrap().iter();
    parts
        .map(|part| format!("{} {}", text(part, "id"), text(part, "outcome")))
        .collect()
}

fn ids(report: &Value) -> Vec<&str> {
    let parts = report["parts"].as_array().unwrap().iter();
    parts.map(|part| part["id"].as_str().unwrap()).collect()
}

#[test]
fn a_part_whose_needs_are_neither_done_nor_selected_is_blocked_and_says_what_to_type() {
    let place = workshop();
    let plan = place
        .simulated(&["plan", "m.yaml", "--select", "frame", "--json"])
        .with(0)
        .json();
    assert_eq!(ids(&plan), ["frame"]);
    let create = &plan["parts"][0]["steps"][0];
    assert_eq!(create["action"], "blocked");
    assert_eq!(
        create["reason"],
        "needs plate-1, which is neither done nor selected; `+frame` selects what it needs"
    );
    let report = run(&place, &["--select", "frame"], 1);
    assert_eq!(parts(&report), ["frame blocked"]);
    assert_eq!(report["exit_reasons"], serde_json::json!(["part_blocked"]));
    assert_eq!(report["requests"]["create"], 0);
    let error = report["parts"][0]["steps"][0]["error"].as_str().unwrap();
    assert!(error.contains("`+frame`"), "{error}");

    let report = run(&place, &["--select", "+frame"], 0);
    assert_eq!(
        parts(&report),
        ["plate-1 succeeded", "plate-2 succeeded", "frame succeeded"]
    );
    // What it needs is done by now: it comes along, and nothing of it runs.
    let report = run(&place, &["--select", "frame"], 0);
    assert_eq!(
        parts(&report),
        ["plate-1 reused", "plate-2 reused", "frame reused"]
    );
    let report = run(&place, &[], 0);
    assert_eq!(report["requests"]["create"], 1, "the knob alone is left");
}

#[test]
fn every_command_knows_the_same_selections() {
    let place = workshop();
    run(&place, &["--exclude", "knob"], 0);
    let plan = |select: &str| {
        place
            .simulated(&["plan", "m.yaml", "--json", "--select", select])
            .with(0)
            .json()
    };
    assert_eq!(ids(&plan("state:new")), ["knob"]);
    assert_eq!(ids(&plan("tag:flat knob")), ["plate-1", "plate-2", "knob"]);
    assert_eq!(ids(&plan("tag:flat,*-2")), ["plate-2"]);
    assert_eq!(ids(&plan("state:failed")), Vec::<&str>::new());
    place
        .simulated(&[
            "plan",
            "m.yaml",
            "--select",
            "plate-1",
            "--detailed-exitcode",
        ])
        .with(0);
    place
        .simulated(&["plan", "m.yaml", "--select", "knob", "--detailed-exitcode"])
        .with(9);
    for command in ["status", "report"] {
        let told = place.simulated(&[command, "m.yaml", "--json", "--select", "plate-1+"]);
        let told = told.with(0).json();
        assert_eq!(
            parts(&told),
            ["plate-1 succeeded", "frame succeeded"],
            "{command}"
        );
        assert_eq!(told["counts"]["succeeded"], 2);
    }
    let manifest = std::fs::read_to_string(place.path("m.yaml")).unwrap();
    place.write(
        "m.yaml",
        &manifest.replace("for two plates", "for 2 plates"),
    );
    assert_eq!(ids(&plan("state:changed")), ["plate-1", "plate-2", "frame"]);

    for command in ["plan", "run", "status", "report", "cancel", "graph"] {
        let ended = place
            .simulated(&[command, "m.yaml", "--select", "tag:flt"])
            .with(2);
        let told = "no part has the tag `flt`; did you mean `flat`?";
        assert!(ended.stderr.contains(told), "{command}: {ended}");
    }
    let ended = place
        .simulated(&["resume", "m.yaml", "--select", "knob"])
        .with(2);
    assert!(
        ended.stderr.contains("keeps the parts that it began with"),
        "{ended}"
    );
}

#[test]
fn a_graph_is_drawn_for_graphviz_and_for_mermaid() {
    let place = workshop();
    let dot = place.simulated(&["graph", "m.yaml"]).with(0).stdout;
    insta::assert_snapshot!("graph_dot", dot);
    let mermaid = place
        .simulated(&["graph", "m.yaml", "--format", "mermaid", "--steps"])
        .with(0);
    insta::assert_snapshot!("graph_mermaid_steps", mermaid.stdout);
    let json = place
        .simulated(&["graph", "m.yaml", "--json", "--select", "+frame"])
        .with(0)
        .json();
    assert_eq!(json["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(json["edges"][0], serde_json::json!({ "from": 0, "to": 2 }));
}
