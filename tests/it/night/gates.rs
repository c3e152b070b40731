//! Gates: a person is asked, everything else goes on, and nobody is asked twice about the same.

use std::time::Duration;

use millrun::plan::action::{Action, Blocker};
use millrun::plan::gate::Verdict;
use millrun::plan::ids::StepRef;
use millrun::run::audit::audit;
use millrun::run::control::Order;
use millrun::run::event::{Event, Record};
use millrun::run::history::History;
use millrun::run::outcome::ExitReason::{ApprovalNeeded, PartFailed, PartRejected};
use millrun::run::outcome::Outcome::{self, Blocked, Rejected, Reused, Succeeded, Waiting};
use millrun::run::progress::Run;
use millrun::simulator::Config;

use super::harness::{Dies, Ending, Night, assert_clean, let_pass};

/// A frame that waits for a person in its middle, a bracket that needs it, and a plate that has nothing to do with both.
const FRAMES: &str = r#"
version: 1
name: frames
uid: u
budget: { max_spend: 90.00 usd }
parts:
  - id: frame
    steps:
      - create: { prompt: A welded frame. }
      - approve: { message: "Look at {{ part.id }}." }
      - iterate: { prompt: Add gussets. }
      - download: {}
  - id: bracket
    needs: [frame]
    steps:
      - create: { prompt: A bracket for the frame. }
      - download: {}
  - id: plate
    steps:
      - create: { prompt: "A plate 80 x 40 x 6 mm." }
      - iterate: { prompt: Make it 8 mm thick. }
      - download: {}
"#;

fn outcomes(run: &Run) -> Vec<Outcome> {
    let steps = (0..).map(millrun::plan::family::StepIx);
    steps
        .take(run.steps.len())
        .map(|ix| run.outcome(ix))
        .collect()
}

/// What `verdict` says to the gate of the frame, as the last run asks it.
fn answer(night: &Night, verdict: Verdict, why: Option<&str>) -> Order {
    match answer_to(night, "frame/approve", verdict) {
        Order::Approve {
            step,
            gate,
            verdict,
            ..
        } => Order::Approve {
            step,
            gate,
            verdict,
            reason: why.map(str::to_owned),
        },
        other => other,
    }
}

/// What `verdict` says to the gate `step`, as the last run asks it.
pub(super) fn answer_to(night: &Night, step: &str, verdict: Verdict) -> Order {
    let run = History::of(&night.records()).run.unwrap();
    let step: StepRef = step.parse().unwrap();
    let gate = run.find(&step).and_then(|ix| run.send_id(ix)).unwrap();
    Order::Approve {
        step,
        gate,
        verdict,
        reason: None,
    }
}

fn reasons(run: &Run) -> Vec<millrun::run::outcome::ExitReason> {
    run.end.as_ref().unwrap().reasons.clone()
}

#[tokio::test(start_paused = true)]
async fn everything_else_goes_on_and_a_run_ends_with_6_when_only_gates_are_left() {
    let night = Night::new(Config::default());
    let ending = night.run(FRAMES).await;
    assert_eq!(ending.exit_code(), 6);
    let run = ending.history().run.unwrap();
    assert_eq!(reasons(&run), [ApprovalNeeded]);
    assert!(run.is_finished());
    assert_eq!(
        outcomes(&run),
        [
            Succeeded, Waiting, Waiting, Waiting, // frame
            Waiting, Waiting, // bracket
            Succeeded, Succeeded, Succeeded // plate
        ]
    );
    assert_eq!(run.asking().count(), 1);
    assert_eq!(night.files(), ["plate.step"]);

    // Nobody said anything: it is asked again, and nothing is sent.
    let writes = night.books().totals.writes;
    assert_eq!(night.run(FRAMES).await.exit_code(), 6);
    assert_eq!(night.books().totals.writes, writes);

    night.record(answer(&night, Verdict::Approved, None));
    let ending = night.run(FRAMES).await;
    assert_eq!(ending.exit_code(), 0);
    let run = ending.history().run.unwrap();
    assert_eq!(outcomes(&run)[..4], [Reused, Reused, Succeeded, Succeeded]);
    // A rerun does not ask again, and sends nothing.
    let writes = night.books().totals.writes;
    let run = night.run(FRAMES).await.history().run.unwrap();
    assert!(outcomes(&run).iter().all(|outcome| *outcome == Reused));
    assert_eq!(night.books().totals.writes, writes);
    assert_clean(&night.books());
    assert_eq!(night.books().totals.jobs, 3);
}

#[tokio::test(start_paused = true)]
async fn a_word_beside_the_run_lets_it_go_on_at_once_and_is_recorded_with_who_said_it() {
    let night = Night::new(Config::default());
    let slow = FRAMES.replace("A plate", "[sim:duration=3600] A plate");
    let (ending, ()) = tokio::join!(night.run(&slow), async {
        let_pass(Duration::from_secs(1800)).await;
        night.order(answer(&night, Verdict::Approved, Some("looks right")));
        let_pass(Duration::from_secs(1500)).await;
        assert!(night.files().contains(&"bracket.step".to_owned()));
    });
    assert_eq!(ending.exit_code(), 0);
    let records = night.records();
    let said = records.iter().find_map(|record| match &record.event {
        Event::Approval {
            by,
            reason,
            command,
            ..
        } => Some((by, reason, command, record.run)),
        _ => None,
    });
    let (by, reason, command, run) = said.unwrap();
    assert!(!by.user.is_empty() && !by.host.is_empty());
    assert_eq!(reason.as_deref(), Some("looks right"));
    assert!(command.is_some() && run.is_some());
    // Without that word the journal would tell of a promise that was broken.
    assert_eq!(audit(&records), Vec::<String>::new());
    let is_word = |record: &&Record| matches!(record.event, Event::Approval { .. });
    let silent: Vec<Record> = records
        .iter()
        .filter(|record| !is_word(record))
        .cloned()
        .collect();
    let broken = audit(&silent);
    let told = "frame/iterate was sent before frame/approve had ended well";
    assert!(
        broken.iter().any(|broken| broken.contains(told)),
        "{broken:?}"
    );
    assert_clean(&night.books());
}

#[tokio::test(start_paused = true)]
async fn a_rejection_ends_the_part_and_what_needs_it_and_a_later_word_holds() {
    let night = Night::new(Config::default());
    let slow = FRAMES.replace("A plate", "[sim:duration=3600] A plate");
    let (ending, ()) = tokio::join!(night.run(&slow), async {
        let_pass(Duration::from_secs(1800)).await;
        night.order(answer(&night, Verdict::Rejected, Some("too thin")));
    });
    assert_eq!(ending.exit_code(), 1);
    let run = ending.history().run.unwrap();
    assert_eq!(reasons(&run), [PartRejected]);
    assert_eq!(
        outcomes(&run)[..6],
        [Succeeded, Rejected, Blocked, Blocked, Blocked, Blocked]
    );
    let error = run.steps[1].error.as_deref().unwrap();
    assert!(
        error.starts_with("rejected by ") && error.ends_with(": too thin"),
        "{error}"
    );

    // It stays rejected: nobody is asked again, and a plan says why.
    let plan = night.plan(&slow);
    assert!(
        matches!(&plan.actions[1], Action::Blocked(Blocker::Rejected { why }) if why.contains("too thin"))
    );
    assert!(matches!(
        plan.actions[2],
        Action::Blocked(Blocker::Before { .. })
    ));
    assert_eq!(night.run(&slow).await.exit_code(), 1);
    night.record(answer(&night, Verdict::Approved, None));
    assert_eq!(night.run(&slow).await.exit_code(), 0);
    assert_clean(&night.books());
}

#[tokio::test(start_paused = true)]
async fn what_was_approved_is_asked_anew_when_it_changes() {
    let night = Night::new(Config::default());
    night.run(FRAMES).await.history();
    night.record(answer(&night, Verdict::Approved, None));
    // The write before it is another one: the gate asks about another frame, and the iterate waits.
    let wider = FRAMES.replace("A welded frame.", "A wider welded frame.");
    let ending = night.run(&wider).await;
    assert_eq!(ending.exit_code(), 6);
    assert_eq!(
        outcomes(&ending.history().run.unwrap())[..2],
        [Succeeded, Waiting]
    );
    // What was approved is still approved.
    assert_eq!(night.run(FRAMES).await.exit_code(), 0);
    // Another question.
    let other = FRAMES.replace("Look at", "Look closely at");
    assert_eq!(night.run(&other).await.exit_code(), 6);
    assert_clean(&night.books());
}

#[tokio::test(start_paused = true)]
async fn a_failure_beside_a_gate_gives_way_to_the_gate() {
    let night = Night::new(Config::default());
    let failing = FRAMES.replace("A plate", "[sim:fail=9] A plate");
    let ending = night.run(&failing).await;
    assert_eq!(ending.exit_code(), 6);
    assert_eq!(
        reasons(&ending.history().run.unwrap()),
        [ApprovalNeeded, PartFailed]
    );
}

#[tokio::test(start_paused = true)]
async fn a_word_survives_the_process_that_recorded_it_wherever_that_dies() {
    let slow = FRAMES.replace("A plate", "[sim:duration=3600] A plate");
    for dies in [Dies::BeforeCommit, Dies::AfterCommit] {
        for commits in [60, 61, 62, 63, 64, 65] {
            let mut night = Night::new(Config::default());
            night.run(&slow).await.history();
            night.record(answer(&night, Verdict::Approved, None));
            let ending = night.run_and_die(&slow, commits - 55, dies).await;
            if let Ending::Failed(error) = ending {
                panic!("{error}");
            }
            assert_eq!(night.run(&slow).await.exit_code(), 0);
            let books = night.books();
            assert_eq!((books.totals.jobs, books.totals.writes), (3, 5));
        }
    }
}
