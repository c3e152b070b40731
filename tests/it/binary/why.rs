//! `why`: what a run would do with a part, why, what follows and what it costs.

use serde_json::{Value, json};

use super::place::{SMALL, small};

#[test]
fn an_edit_is_told_with_what_was_what_is_wanted_what_follows_and_what_it_costs() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    place.write("m.yaml", &SMALL.replace("8 mm thick", "9 mm thick"));
    let why = |what: &str| -> Value {
        let told = place.simulated(&["why", "m.yaml", what, "--json"]);
        told.with(0).json()
    };
    let told = why("box-20/create");
    let create = &told["steps"][0];
    assert_eq!(create["action"], "recreate");
    let change = json!({
        "step": "iterate",
        "field": "prompt",
        "old": "Make it 8 mm thick.",
        "new": "Make it 9 mm thick.",
    });
    assert_eq!(create["change"], change);
    assert_eq!(told["follows"][0], "box-20/iterate");
    assert_eq!(told["cost"]["writes"], 2);
    assert!(told["cost"]["max_cents"].as_i64() > Some(0), "{told}");
    let told = why("box-20/iterate");
    assert_eq!(told["steps"][0]["change"], change);
    assert_eq!(told["cost"]["writes"], 1);

    let text = place.simulated(&["why", "m.yaml", "box-20"]).with(0).stdout;
    let both = "  prompt of iterate:\n    - Make it 8 mm thick.\n    + Make it 9 mm thick.\n";
    assert_eq!(text.matches(both).count(), 1, "{text}");
    assert!(text.contains("It costs 2 writes, at most "), "{text}");

    // The plan says the same, and fits into a terminal.
    let plan = place.simulated(&["plan", "m.yaml"]).with(0).stdout;
    assert!(
        plan.contains("create: iterate was edited, and was applied"),
        "{plan}"
    );
    assert!(plan.contains("1 job that no part wants any more"), "{plan}");
    assert!(
        plan.lines().all(|line| line.chars().count() <= 80),
        "{plan}"
    );
}

#[test]
fn what_is_reused_says_why_and_costs_nothing() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let text = place.simulated(&["why", "m.yaml", "box-10"]).with(0).stdout;
    let first = "box-10/create: reuse: succeeded on job ";
    assert!(text.starts_with(first), "{text}");
    assert!(text.ends_with("It costs nothing.\n"), "{text}");
    for (what, hint) in [
        ("box-1", "there is no part `box-1`"),
        ("box-10/fold", "no step `fold`"),
        ("box-*", "names 2 parts"),
    ] {
        let refused = place.simulated(&["why", "m.yaml", what]).with(2);
        assert!(refused.stderr.contains(hint), "{refused}");
    }
}
