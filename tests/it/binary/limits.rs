//! Limits that several runs of one user share, and what `limits` says of them.

use super::place::{Ended, Place, Service};

/// What `millrun sim --speed 200` tells to put into the manifest.
const LIMITS: &str = "limits: { cad_writes: 10/0.3s, reviews: 20/0.3s, job_polls: 3/0.05s, reads: 600/0.3s, \
                      artifacts: 120/0.3s, balance: 60/0.3s }";

#[test]
fn runs_at_the_same_time_provoke_no_429() {
    let place = Place::new();
    let service = Service::start(&place, &["--speed", "200"]);
    let manifests = ["a.yaml", "b.yaml", "c.yaml"];
    for name in manifests {
        let manifest = format!(
            "version: 1\nname: {name}\nuid: {name}\n{LIMITS}\nparts:\n  - id: p{{{{ n }}}}\n    \
             matrix: {{ n: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }}\n    steps:\n      \
             - create: {{ prompt: \"{name} {{{{ n }}}}\" }}\n      - review: {{ prompt: Look. }}\n"
        );
        place.write(name, &manifest);
    }
    let runs: Vec<std::process::Child> = manifests
        .iter()
        .map(|name| service.command(&place, &["run", name, "--json", "-q"]))
        .map(|mut command| {
            command
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for run in runs {
        let ended: Ended = run.wait_with_output().unwrap().into();
        assert_eq!(ended.with(0).json()["requests"]["rate_limited"], 0);
    }
    let books = service.books();
    assert_eq!(books.totals.jobs, 30);
    assert!(
        books.rate_limited.is_empty(),
        "429: {:?}",
        books.rate_limited
    );

    let limits = service
        .run(&place, &["limits", "a.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(limits["shared"], true);
    assert_eq!(limits["holders"].as_array().unwrap().len(), 0);
    let writes = &limits["buckets"][0];
    assert_eq!(writes["class"], "cad_writes");
    assert_eq!(writes["rate"], "10/300ms");
    assert_eq!(writes["effective_count"], 10);
    let text = service.run(&place, &["limits"]).with(0).stdout;
    assert!(text.contains("cad_writes  10/min"), "{text}");
}

#[test]
fn a_family_at_its_simulator_has_limits_of_its_own() {
    let place = Place::new();
    let ended = place.run(&["limits", "--sim", "--json"]).with(2).json();
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.contains("simulator of its own"), "{message}");
    place.write(
        "m.yaml",
        "version: 1\nname: m\nuid: m\nparts:\n  - id: p\n    steps:\n      - create: { prompt: \"A box [sim:duration=1]\" }\n",
    );
    let text = place.run(&["limits", "m.yaml", "--sim"]).with(0).stdout;
    assert!(text.contains("No request"), "{text}");
    let run = ["run", "m.yaml", "--sim", "--sim-speed", "1000"];
    place.run(&run).with(0);
    let limits = place
        .run(&["limits", "m.yaml", "--sim", "--json"])
        .with(0)
        .json();
    assert_eq!(limits["shared"], false);
    assert_eq!(limits["buckets"][0]["rate"], "10/min");
    // Nothing is kept elsewhere.
    assert!(!place.path(".home").exists());
}
