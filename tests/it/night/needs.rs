//! Steps that wait for steps of other parts.

use std::collections::BTreeMap;

use millrun::plan::action::{Action, Blocker};
use millrun::plan::content::StepKind;
use millrun::plan::family::StepIx;
use millrun::plan::remote::Timestamp;
use millrun::run::audit::audit;
use millrun::run::event::{Event, Record};
use millrun::run::outcome::Outcome::{self, Blocked, Failed, Reused, Succeeded};
use millrun::run::progress::Run;
use millrun::simulator::Config;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::harness::{Dies, Ending, Night, assert_clean};

/// `parts` are lists of steps, each with what it needs; the first creates, the others iterate.
fn family(parts: &[(&str, &[&str])]) -> String {
    let mut text =
        "version: 1\nname: family\nuid: u\nbudget: { max_spend: 900.00 usd }\nparts:\n".to_owned();
    for (part, steps) in parts {
        text.push_str(&format!("- id: {part}\n  steps:\n"));
        for (n, needs) in steps.iter().enumerate() {
            let kind = if n == 0 { "create" } else { "iterate" };
            text.push_str(&format!(
                "  - id: s{n}\n    needs: [{needs}]\n    {kind}: {{ prompt: 'Step {n} of {part}.' }}\n"
            ));
        }
    }
    text
}

/// When each step was sent, and when it was done.
fn times(records: &[Record]) -> BTreeMap<String, (Timestamp, Option<Timestamp>)> {
    let mut names = BTreeMap::new();
    let mut times = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::Intended { send, step, .. } => {
                names.insert(*send, step.to_string());
                times.insert(step.to_string(), (record.at, None));
            }
            Event::FileStored { send, .. } => {
                let known = times.get_mut(&names[send]).unwrap();
                *known = (known.0, Some(record.at));
            }
            _ => {}
        }
    }
    times
}

fn outcomes(run: &Run) -> Vec<Outcome> {
    (0..)
        .map(StepIx)
        .take(run.steps.len())
        .map(|ix| run.outcome(ix))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn only_the_step_that_needs_it_waits() {
    let night = Night::new(Config::default());
    let text = family(&[("a", &["", "", ""]), ("b", &["", "a/s1", ""])]);
    assert_eq!(night.run(&text).await.exit_code(), 0);
    let times = times(&night.records());
    let (sent, done) = (
        |step: &str| times[step].0,
        |step: &str| times[step].1.unwrap(),
    );
    assert!(sent("b/s0") < done("a/s0"), "the part waited as a whole");
    assert!(sent("b/s1") >= done("a/s1"), "it did not wait");
    assert!(
        sent("b/s1") < done("a/s2"),
        "it waited for more than it needs"
    );
    // Had the other step not ended, the journal would tell of a promise that was broken.
    let records = night.records();
    assert_eq!(audit(&records), Vec::<String>::new());
    let needed = records.iter().find_map(|record| match &record.event {
        Event::Intended { send, step, .. } if step.to_string() == "a/s1" => Some(*send),
        _ => None,
    });
    let is_end = |record: &&Record| matches!(&record.event, Event::FileStored { send, .. } if Some(*send) == needed);
    let open: Vec<Record> = records
        .iter()
        .filter(|record| !is_end(record))
        .cloned()
        .collect();
    let broken = audit(&open);
    let told = "b/s1 was sent before a/s1 had ended well";
    assert!(
        broken.iter().any(|broken| broken.contains(told)),
        "{broken:?}"
    );
    assert_clean(&night.books());
    // Order only: with other needs the same family is done already.
    let free = family(&[("a", &["", "b/s2", ""]), ("b", &["", "", ""])]);
    let run = night.run(&free).await.history().run.unwrap();
    assert!(outcomes(&run).iter().all(|outcome| *outcome == Reused));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_needs_a_step_begins_before_the_other_part_ends() {
    let night = Night::new(Config::default());
    let text = family(&[("a-1", &["", ""]), ("a-2", &["", ""]), ("b", &[""])])
        .replace("- id: b\n", "- id: b\n  needs: [a-*/s0]\n");
    assert_eq!(night.run(&text).await.exit_code(), 0);
    let times = times(&night.records());
    for part in ["a-1", "a-2"] {
        assert!(times["b/s0"].0 >= times[&format!("{part}/s0")].1.unwrap());
        assert!(times["b/s0"].0 < times[&format!("{part}/s1")].1.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_need_on_a_skipped_step_is_met_and_on_a_failed_one_it_blocks() {
    let night = Night::new(Config::default());
    let text = family(&[
        ("a", &["", "", ""]),
        ("b", &["", "a/s1", ""]),
        ("c", &["", "a/s0"]),
        ("d", &["", "b/s2"]),
    ]);
    let skipped = text.replace(
        "{ prompt: 'Step 1 of a.' }",
        "{ when: 1 > 2, prompt: 'Step 1 of a.' }",
    );
    assert_eq!(night.run(&skipped).await.exit_code(), 0);

    let failing = text
        .replace("Step 1 of a.", "Step 1 of a. [sim:fail]")
        .replace("of ", "on ");
    let ending = night.run(&failing).await;
    assert_eq!(ending.exit_code(), 1);
    let run = ending.history().run.unwrap();
    assert_eq!(
        outcomes(&run),
        [
            Succeeded, Failed, Blocked, // a
            Succeeded, Blocked, Blocked, // b
            Succeeded, Succeeded, // c
            Succeeded, Blocked // d
        ]
    );
    assert_clean(&night.books());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_blocked_step_is_planned_as_blocked() {
    let night = Night::new(Config::default());
    let text = family(&[("a", &["", ""]), ("b", &["", "a/s1", ""])]).replace(
        "  - id: s1\n    needs: []\n",
        "  - approve: {}\n  - id: s1\n    needs: []\n",
    );
    night.run(&text).await.history();
    let gate = super::gates::answer_to(&night, "a/approve", millrun::plan::gate::Verdict::Rejected);
    night.record(gate);
    let plan = night.plan(&text);
    let blocked = plan.family.step_indices().filter(|ix| {
        matches!(plan.action(*ix), Action::Blocked(Blocker::Before { step }) if step.to_string() == "a/approve")
    });
    let names: Vec<String> = blocked
        .map(|ix| plan.family.step_ref(ix).to_string())
        .collect();
    assert_eq!(names, ["a/s1", "b/s1", "b/s2"]);
    assert_eq!(night.run(&text).await.exit_code(), 1);
}

/// Parts whose steps wait for each other in turn: as parts they would be a circle.
const WOVEN: &[(&str, &[&str])] = &[
    ("a", &["", "b/s0", "b/s1, c"]),
    ("b", &["", "a/s1", "a/s2"]),
    ("c", &["a/s0", "a/s1"]),
];

#[tokio::test(start_paused = true)]
async fn steps_of_two_parts_wait_for_each_other_in_turn_wherever_the_process_dies() {
    let text = family(WOVEN);
    for dies in [Dies::BeforeCommit, Dies::AfterCommit] {
        for commits in (3..60).step_by(4) {
            let mut night = Night::new(Config::default());
            if let Ending::Failed(error) = night.run_and_die(&text, commits, dies).await {
                panic!("{error}");
            }
            night.deliver_what_was_out().await;
            assert_eq!(night.run(&text).await.exit_code(), 0);
            let times = times(&night.records());
            for (later, sooner) in [
                ("a/s1", "b/s0"),
                ("a/s2", "b/s1"),
                ("a/s2", "c/s1"),
                ("b/s1", "a/s1"),
                ("b/s2", "a/s2"),
                ("c/s0", "a/s0"),
                ("c/s1", "a/s1"),
            ] {
                assert!(
                    times[later].0 >= times[sooner].1.unwrap(),
                    "{later} before {sooner}"
                );
            }
            assert_eq!(night.books().totals.writes, 8);
        }
    }
}

/// Families of four parts with four steps each, and needs that only name steps which come before in one common order.
fn drawn() -> impl Strategy<Value = String> {
    let needs = proptest::collection::vec((0usize..16, 0usize..16), 0..24);
    (needs, Just(()).prop_perturb(|(), mut rng| rng.next_u32())).prop_map(|(needs, salt)| {
        // The order of all steps: rounds of one step of each part, the parts of a round in an order of their own.
        let place =
            |step: usize| (step % 4) * 4 + ((step / 4) ^ (salt as usize >> (2 * (step % 4)) & 3));
        let mut lists = vec![String::new(); 16];
        for (from, to) in needs {
            if from / 4 != to / 4 && place(to) < place(from) {
                lists[from].push_str(&format!("p{}/s{},", to / 4, to % 4));
            }
        }
        let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
        let names = ["p0", "p1", "p2", "p3"];
        let parts: Vec<_> = names.into_iter().zip(lists.chunks(4)).collect();
        family(&parts)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn an_order_of_steps_keeps_every_need_and_the_longest_way_goes_through_them(text in drawn()) {
        let night = Night::new(Config::default());
        let plan = night.plan(&text);
        let family = &plan.family;
        let order = millrun::plan::order::in_order(family);
        let place: BTreeMap<StepIx, usize> = order.iter().copied().zip(0..).collect();
        prop_assert_eq!(place.len(), family.steps.len());
        for ix in family.step_indices() {
            for before in millrun::plan::order::before(family, ix) {
                prop_assert!(place[&before] < place[&ix]);
                prop_assert!(plan.timing.tail(before) > plan.timing.tail(ix));
            }
            prop_assert_eq!(family.step(ix).kind == StepKind::Create, family.part(family.step(ix).part).steps.start == ix.0);
        }
        // A run knows its parts by their places: needs move with them.
        let ids: Vec<_> = family.parts.iter().rev().map(|part| part.id.clone()).collect();
        let moved = family.of_ids(&ids).unwrap();
        let needs = |family: &millrun::plan::family::Family| {
            let of = |ix| {
                let needs = family.step(ix).needs.iter();
                let mut needs: Vec<String> = needs.map(|need| family.step_ref(*need).to_string()).collect();
                needs.sort();
                (family.step_ref(ix).to_string(), needs)
            };
            family.step_indices().map(of).collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(needs(family), needs(&moved));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_of_drawn_needs_ends_and_keeps_them() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..6 {
        let text = drawn().new_tree(&mut runner).unwrap().current();
        let night = Night::new(Config::default());
        assert_eq!(night.run(&text).await.exit_code(), 0, "{text}");
        let family = night.family(&text);
        let times = times(&night.records());
        for ix in family.step_indices() {
            for before in millrun::plan::order::before(&family, ix) {
                let (step, before) = (family.step_ref(ix), family.step_ref(before));
                let done = times[&before.to_string()].1.unwrap();
                assert!(times[&step.to_string()].0 >= done, "{step} before {before}");
            }
        }
    }
}
