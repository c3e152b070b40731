//! Configurations from files, and that `docs/simulator.md` names every switch with all its values.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::simulator::{Cents, Config, ConfigError, KeyState, Limits, Scope};

fn page() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("docs/simulator.md")).unwrap()
}

/// Everything in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// What the complaint about an unknown key or value offers instead.
fn offered(toml: &str) -> BTreeSet<String> {
    let Err(ConfigError::Toml(error)) = Config::from_toml(toml) else {
        panic!("{toml} is accepted");
    };
    let (_, offered) = error.message().split_once("expected").unwrap();
    quoted(offered).into_iter().collect()
}

#[test]
fn the_page_names_every_switch_with_all_its_values_and_the_default_first() {
    let page = page();
    let mut sections = BTreeSet::new();
    for section in page.split("\n### `[").skip(1) {
        let (name, section) = section.split_once("]`").unwrap();
        let section = section.split("\n## ").next().unwrap();
        sections.insert(name.strip_prefix("switches.").unwrap().to_owned());
        let mut keys = BTreeSet::new();
        for row in section.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.split(" | ").collect();
            let key = quoted(cells[0])[0].clone();
            let values = quoted(cells[1]);
            if let Some(default) = values.first() {
                let set = |value: &str| format!("[{name}]\n{key} = \"{value}\"");
                let named: BTreeSet<String> = values.iter().cloned().collect();
                assert_eq!(offered(&set("?")), named, "{name} {key}");
                assert_eq!(Config::from_toml(&set(default)).unwrap(), Config::default());
            }
            keys.insert(key);
        }
        assert_eq!(offered(&format!("[{name}]\nx = 1")), keys, "{name}");
    }
    assert_eq!(offered("[switches]\nx = 1"), sections);
}

#[test]
fn the_pages_example_is_a_configuration() {
    let page = page();
    let (_, example) = page.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let config = Config::from_toml(example).unwrap();
    assert_eq!((config.seed, config.time_divisor), (7, 30.0));
    assert_eq!(config.limits.reads, None);
    assert_eq!(config.limits.reviews, Limits::default().reviews);
    assert_eq!(config.job_seconds, 60..=240);
    assert_eq!(config.keys[0].scopes, BTreeSet::from([Scope::CadRead]));
    let named = offered("x = 1");
    let told = example.lines().filter_map(|line| line.split(" = ").next());
    let told: BTreeSet<String> = told.map(str::to_owned).collect();
    for key in named {
        let is_table = ["limits", "keys", "switches"].contains(&key.as_str());
        assert!(
            is_table || told.contains(&key),
            "{key} is not in the example"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_in_json_makes_the_workspace_it_describes() {
    let config = Config::from_json(
        r#"{
            "balance-cents": 100,
            "keys": [
                { "secret": "gcad_sim_0123456789abcdef", "scopes": ["cad:write", "billing:read"] },
                { "secret": "gcad_sim_old", "scopes": [], "state": "expired" }
            ],
            "switches": {
                "limiting": { "algorithm": { "small-bucket": { "size": 2 } } },
                "billing": { "insufficient": "only-empty" },
                "visibility": { "accepted": "201" }
            }
        }"#,
    )
    .unwrap();
    assert_eq!(config.balance_cents, Cents(100));
    assert_eq!(config.keys[1].state, KeyState::Expired);
    let client = Client::new(config);
    assert_eq!(client.create("k1", PLATE).await.status, 201);
    assert_eq!(client.create("k1", PLATE).await.status, 201);
    assert_eq!(client.create("k1", PLATE).await.code(), "rate_limited");
    assert_eq!(client.get("/api/v1/cad/jobs").await.status, 403);
}

#[test]
fn what_nobody_knows_or_cannot_be_is_refused() {
    let cases = [
        ("sede = 7", "unknown field `sede`"),
        ("[limits]\nwrites = \"off\"", "unknown field `writes`"),
        ("[limits]\nreads = \"none\"", "or \"off\""),
        (
            "[limits]\nreads = { count = 1, seconds = 1 }",
            "unknown field `seconds`",
        ),
        (
            "[limits]\nreads = { count = 0, window-ms = 1 }",
            "a count of 1 to 1000000",
        ),
        (
            "[switches.limiting]\nalgorithm = { small-bucket = { size = 0 } }",
            "nonzero",
        ),
        (
            "[[keys]]\nsecret = \"gcad_live_1\"\nscopes = []",
            "real service",
        ),
        (
            "keys = [{ secret = \"a\", scopes = [] }, { secret = \"a\", scopes = [] }]",
            "twice",
        ),
        ("time-divisor = 0.0", "from 0.001"),
        ("time-divisor = 1e-300", "from 0.001"),
        ("time-divisor = nan", "from 0.001"),
        (
            "[limits]\nreads = { count = 1, window-ms = 86400001 }",
            "window-ms of 1 to a day",
        ),
        ("job-seconds = [2, 1]", "in this order"),
        ("failure-percent = 101", "at most 100"),
        ("hold-cents = -1", "at least 0"),
    ];
    for (toml, complaint) in cases {
        let error = Config::from_toml(toml).unwrap_err().to_string();
        assert!(error.contains(complaint), "{toml}: {error}");
    }
}
