//! What machines read.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::night::Night;
use crate::plan::action::Action;
use crate::plan::actions::Plan;
use crate::plan::content::{Content, Prompt, Selection, StepKind};
use crate::plan::family::{Ask, Family, Part, PartIx, Policy, Step, StepIx};
use crate::plan::ids::{PartId, StepId};
use crate::plan::key::{Salt, StepKey};
use crate::plan::memory::{Lineage, Memory, Price};
use crate::plan::money::Cents;
use crate::plan::recreation::{Cause, Recreation};
use crate::plan::remote::JobId;
use crate::plan::settings::Settings;
use crate::report::logs::Story;
use crate::report::palette::Palette;
use crate::report::{json as report_json, plan_json, plan_text, runs};
use crate::run::event::Event;
use crate::run::outcome::{ExitReason, RunEnd};
use crate::run::stop::StopReason;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn night() -> Night {
    let mut night = Night::new();
    night.start(&["plate"], &[]);
    night.succeed("plate");
    night.end(&[]);
    night
}

#[test]
fn a_report_has_the_keys_of_the_contract() {
    assert_snapshot!(report_json::report(&night().summary()));
}

#[test]
fn a_reused_part_names_its_files_and_costs_nothing() {
    let mut night = night();
    night.start(&["plate"], &["plate"]);
    night.end(&[]);
    let report = parsed(&report_json::report(&night.summary()));
    let part = &report["parts"][0];
    assert_eq!(part["outcome"], "reused");
    assert_eq!(part["charged_cents"], 0);
    assert_eq!(
        part["steps"][3]["artifacts"][0]["path"],
        "out/plates/plate.step"
    );
    assert_eq!(part["steps"][3]["reused"], true);
    assert_eq!(report["cost"]["charged_cents"], 0);
    assert_eq!(report["counts"]["reused"], 1);
}

#[test]
fn a_charge_that_is_not_known_is_null_and_counted() {
    let mut night = Night::new();
    night.start(&["plate"], &[]);
    night.create("plate");
    night.complete("plate", None, "");
    let report = parsed(&report_json::report(&night.summary()));
    assert_eq!(report["parts"][0]["charged_cents"], Value::Null);
    assert_eq!(report["cost"]["pending_jobs"], 1);
    assert_eq!(report["cost"]["charged_cents"], 0);
    assert_eq!(report["exit_code"], Value::Null);
    assert_eq!(report["outcome"], "unfinished");
    assert_eq!(report["ended_at"], Value::Null);
}

#[test]
fn charges_of_the_parts_sum_up_to_the_charge_of_the_run() {
    let mut night = Night::new();
    night.start(&["a", "b"], &[]);
    night.succeed("a");
    night.create("b");
    night.complete("b", Some(470), "Beyond its hold.");
    let report = parsed(&report_json::report(&night.summary()));
    let parts = report["parts"].as_array().unwrap();
    let sum: i64 = parts
        .iter()
        .map(|part| part["charged_cents"].as_i64().unwrap())
        .sum();
    assert_eq!(report["cost"]["charged_cents"], sum);
    assert_eq!(sum, 650);
}

#[test]
fn the_list_of_runs_has_a_version_and_no_parts() {
    let list = parsed(&runs::json(&runs::summaries(&night().records)));
    assert_eq!(list["format_version"], 1);
    assert_eq!(list["runs"][0]["run_id"], "run-1");
    assert_eq!(list["runs"][0].get("parts"), None);
    assert_eq!(list["runs"][0]["counts"]["succeeded"], 1);
}

#[test]
fn the_list_of_runs_is_made_without_the_parts_that_it_drops() {
    let night = night();
    let mut whole = night.summary();
    whole.parts.clear();
    assert_eq!(runs::summaries(&night.records), [whole]);
}

#[test]
fn a_run_that_broke_off_is_reported_with_its_error_beside_the_rest() {
    let mut night = Night::new();
    night.start(&["plate"], &[]);
    night.create("plate");
    let mut summary = night.summary();
    summary.end = Some(RunEnd::new(vec![ExitReason::StorageFailed]));
    let error = json!({ "kind": "storage", "message": "the disk is full" });
    let report = parsed(&report_json::broken_off(&summary, &error));
    assert_eq!(report["error"], error);
    assert_eq!(report["exit_reasons"], json!(["storage_failed"]));
    assert_eq!(
        (&report["exit_code"], &report["outcome"]),
        (&5.into(), &"interrupted".into())
    );
    assert_eq!(report["parts"][0]["job_id"], "cadjob_plate");
}

#[test]
fn a_line_of_the_log_is_one_object_with_its_times_in_utc() {
    let mut night = night();
    night.record(Event::Stopping {
        reason: StopReason::Signal {},
    });
    let mut story = Story::default();
    let lines: Vec<Value> = night
        .records
        .iter()
        .map(|record| parsed(&story.json_line(record)))
        .collect();
    assert_eq!(lines[0]["event"], "run_started");
    assert_eq!(lines[3]["event"], "accepted");
    assert_eq!(lines[3]["step"], "plate/create");
    assert_eq!(lines[3]["at"], "2026-11-24T02:02:23Z");
    assert_eq!(lines[3]["next_poll_at"], "2026-11-24T02:02:48Z");
    assert_eq!(lines[3]["run_id"], "run-1");
    assert_eq!(
        lines.last().unwrap()["reason"],
        json!({ "reason": "signal" })
    );
}

fn family(parts: u32) -> Family {
    let create = |n| Content::Create {
        prompt: Prompt::new(&format!("plate {n}")),
        images: Vec::new(),
    };
    let step = |n: u32| {
        let content = create(n);
        let key = StepKey::new(&content, None);
        let download = Content::Download {
            artifacts: Selection::All,
            transcript: false,
        };
        let head = Step {
            part: PartIx(n),
            id: StepId::new("create").unwrap(),
            kind: StepKind::Create,
            ask: Ask::Known { content, key },
            needs: Vec::new(),
            write: None,
            policy: Policy::None,
        };
        let tail = Step {
            id: StepId::new("download").unwrap(),
            kind: StepKind::Download,
            ask: Ask::Known {
                key: StepKey::new(&download, Some(key)),
                content: download,
            },
            write: Some(StepIx(2 * n)),
            policy: Policy::PublishAs(format!("plate-{n}")),
            ..head.clone()
        };
        [head, tail]
    };
    let part = |n: u32| Part {
        id: PartId::new(format!("plate-{n}")).unwrap(),
        tags: Vec::new(),
        needs: Vec::new(),
        steps: 2 * n..2 * n + 2,
        skipped: Vec::new(),
    };
    Family {
        salt: Salt {
            name: "plates".to_owned(),
            uid: String::new(),
        },
        description: String::new(),
        settings: Settings::default(),
        parts: (0..parts).map(part).collect(),
        steps: (0..parts).flat_map(step).collect(),
        images: std::collections::BTreeMap::new(),
    }
}

#[test]
fn a_plan_without_a_price_says_that_its_cost_is_unknown() {
    let memory = Memory::default();
    let plan = Plan::new(family(1), &memory, &BTreeSet::new());
    let document = parsed(&plan_json::plan(&plan, &memory));
    assert_eq!(document["cost"]["max_cents"], Value::Null);
    assert_eq!(document["parts"][0]["steps"][0]["action"], "run");
    assert_eq!(document["parts"][0]["steps"][0]["reason"], "never ran");
    assert!(
        document["duration"]["expected_s"].as_f64()
            >= document["duration"]["lower_bound_s"].as_f64()
    );
    let text = plan_text::plan(&plan, &memory, Palette::Plain, false);
    assert!(text.contains("no price was seen here yet"), "{text}");
}

#[test]
fn a_part_that_is_reused_says_why_in_json_and_with_v() {
    let mut plan = Plan::new(family(2), &Memory::default(), &BTreeSet::new());
    let mut memory = Memory::default();
    let lineage = Lineage {
        job: Some(JobId("cadjob_a".to_owned())),
        ..Lineage::default()
    };
    memory
        .lineages
        .insert(plan.lineage(PartIx(0)).unwrap(), lineage);
    plan.actions[..2].fill(Action::Reuse);
    let document = parsed(&plan_json::plan(&plan, &memory));
    let steps = document["parts"][0]["steps"].as_array().unwrap();
    let reasons: Vec<&str> = steps
        .iter()
        .map(|step| step["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        ["succeeded on job cadjob_a", "published and in place"]
    );
    let short = plan_text::plan(&plan, &memory, Palette::Plain, false);
    assert!(short.contains("  = 1 part is reused\n"), "{short}");
    let full = plan_text::plan(&plan, &memory, Palette::Plain, true);
    let kept = "  = plate-0\n      create: succeeded on job cadjob_a\n      download: published and in place\n";
    assert!(full.contains(kept), "{full}");
}

#[test]
fn parts_are_alike_whatever_jobs_and_files_their_reasons_name() {
    const PARTS: u32 = 10_000;
    let memory = Memory::default();
    let mut plan = Plan::new(family(PARTS), &memory, &BTreeSet::new());
    let lineage = plan.lineage(PartIx(0)).unwrap();
    for (n, action) in plan.actions.iter_mut().step_by(2).enumerate() {
        *action = Action::Recreate(Box::new(Recreation {
            before: lineage,
            job: Some(JobId(format!("cadjob_{n}"))),
            charged: Cents(150),
            cause: Cause::Regenerated,
        }));
    }
    let text = plan_text::plan(&plan, &memory, Palette::Plain, false);
    let last = "it had job cadjob_2\n    … and 9997 more alike\n\nSends";
    assert!(text.contains(last), "{text}");
    let full = plan_text::plan(&plan, &memory, Palette::Plain, true);
    assert!(full.contains("it had job cadjob_9999"));
}

#[test]
fn a_plan_of_many_kinds_of_parts_shows_some_and_counts_the_rest() {
    let mut family = family(40);
    for (n, step) in family.steps.iter_mut().enumerate().skip(1).step_by(2) {
        step.id = StepId::new(format!("download-{n}")).unwrap();
    }
    let memory = Memory::default();
    let plan = Plan::new(family, &memory, &BTreeSet::new());
    let text = plan_text::plan(&plan, &memory, Palette::Plain, false);
    assert!(text.contains("\n  … and 28 more, see --json\n"), "{text}");
    assert!(!text.contains("plate-12"), "{text}");
    let full = plan_text::plan(&plan, &memory, Palette::Plain, true);
    assert!(
        full.contains("plate-39") && !full.contains("more"),
        "{full}"
    );
}

#[test]
fn a_plan_of_many_parts_shows_a_few_and_counts_the_rest() {
    let memory = Memory {
        price: Some(Price {
            hold: Cents(200),
            currency: "usd".to_owned(),
        }),
        ..Memory::default()
    };
    let plan = Plan::new(family(100), &memory, &BTreeSet::new());
    assert_snapshot!(plan_text::plan(&plan, &memory, Palette::Plain, false));
    let document = parsed(&plan_json::plan(&plan, &memory));
    assert_eq!(document["cost"]["max_cents"], 20_000);
    assert_eq!(document["sends"]["create"], 100);
}
