//! What people read.

use insta::assert_snapshot;

use super::night::{Night, call, send, step};
use crate::plan::content::StepKind;
use crate::plan::money::Cents;
use crate::plan::remote::{JobId, Timestamp};
use crate::plan::send::{Refusal, RefusalCause};
use crate::report::ledger::LedgerView;
use crate::report::logs::Story;
use crate::report::moment::Zone;
use crate::report::palette::Palette;
use crate::report::runs;
use crate::report::text::{Page, report};
use crate::run::call::Endpoint;
use crate::run::event::Event;
use crate::run::history::History;
use crate::run::outcome::ExitReason;
use crate::run::stop::StopReason;
use crate::untrusted::terminal;

const PAGE: Page<'_> = Page {
    palette: Palette::Plain,
    manifest: "plates.yaml",
    flags: " --sim",
    service: None,
    full: false,
};

fn good_night() -> Night {
    let mut night = Night::new();
    night.start(&["plate-60x40", "plate-80x40"], &[]);
    night.succeed("plate-60x40");
    night.succeed("plate-80x40");
    night.end(&[]);
    night
}

/// One part succeeds with a proposal and a late charge, one is rejected, one fails, one is refused and one is left.
fn bad_night() -> Night {
    let mut night = Night::new();
    night.start(&["good", "cut", "failed", "refused", "left"], &[]);
    night.create("good");
    night.complete("good", None, "A plate.");
    night.review(
        "good",
        "Mind the corners.",
        Some("Round all corners with a radius of 3 mm."),
    );
    night.check("good", &[], &["good.step: the file names no unit"]);
    night.publish("good");
    night.create("cut");
    night.complete("cut", Some(250), "A plate that \u{1b}[2Jends early.");
    night.review("cut", "Fine.", None);
    night.check(
        "cut",
        &["cut.step: the file ends before END-ISO-10303-21"],
        &[],
    );
    night.create("failed");
    night.record(Event::JobFailed {
        send: send("failed", StepKind::Create),
        call: call(Endpoint::Job, 200),
        charged: Some(Cents::ZERO),
        why: "the geometry kernel gave up\u{202e} on a self-intersecting shell, after it had tried three times".to_owned(),
        again_at: None,
    });
    night.intend("refused", StepKind::Create, 0);
    night.record(Event::Refused {
        send: send("refused", StepKind::Create),
        call: call(Endpoint::Create, 400),
        refusal: Refusal {
            cause: RefusalCause::Request,
            code: "prompt_too_long".to_owned(),
            message: "prompt is too long".to_owned(),
        },
    });
    night.record(Event::Stopping {
        reason: StopReason::Cap {
            why: "max_spend is 8.00, the next write could bring it to 9.00".to_owned(),
        },
    });
    night.end(&[
        ExitReason::PartFailed,
        ExitReason::PartRejected,
        ExitReason::CapReached,
    ]);
    night
}

#[test]
fn a_good_night_is_told_in_few_words() {
    assert_snapshot!(report(&good_night().summary(), PAGE));
}

#[test]
fn a_bad_night_says_what_went_wrong_and_what_to_type() {
    assert_snapshot!(report(&bad_night().summary(), PAGE));
}

#[test]
fn a_full_report_has_the_words_of_the_service_made_safe() {
    let full = Page { full: true, ..PAGE };
    assert_snapshot!(report(&bad_night().summary(), full));
}

#[test]
fn a_run_with_nothing_to_do_says_so() {
    let mut night = good_night();
    night.start(
        &["plate-60x40", "plate-80x40"],
        &["plate-60x40", "plate-80x40"],
    );
    night.end(&[]);
    assert_snapshot!(report(&night.summary(), PAGE));
}

#[test]
fn paths_and_commands_are_those_of_the_command_line_and_not_of_the_run() {
    let mut night = good_night();
    night.start(&["left"], &[]);
    night.intend("left", StepKind::Create, 0);
    night.record(Event::Unresolved {
        send: send("left", StepKind::Create),
        call: None,
        why: "no answer for 10 min".to_owned(),
    });
    night.end(&[ExitReason::Unresolved, ExitReason::Interrupted]);
    let page = Page {
        manifest: "my night/plates.yaml",
        flags: " --base-url http://127.0.0.1:1 --state s",
        service: Some(" --base-url http://127.0.0.1:1"),
        ..PAGE
    };
    let text = report(&night.summary(), page);
    for said in [
        "millrun jobs list --base-url http://127.0.0.1:1 ",
        "millrun resume 'my night/plates.yaml' --base-url http://127.0.0.1:1 --state s ",
    ] {
        assert!(text.contains(said), "{said:?} is not said: {text}");
    }
    let text = report(&good_night().summary(), page);
    for said in [
        "files     my night/out/\n",
        "my night/out/plates/plate-60x40.step\n",
        "millrun report 'my night/plates.yaml'",
    ] {
        assert!(text.contains(said), "{said:?} is not said: {text}");
    }
    let simulated = report(&night.summary(), PAGE);
    assert!(!simulated.contains("jobs list"), "{simulated}");
}

#[test]
fn an_interrupted_run_says_how_it_goes_on() {
    let mut night = Night::new();
    night.start(&["a", "b"], &[]);
    night.create("a");
    night.record(Event::Stopping {
        reason: StopReason::Signal {},
    });
    night.end(&[ExitReason::Interrupted]);
    assert_snapshot!(report(&night.summary(), PAGE));
}

#[test]
fn many_parts_that_came_out_are_counted_and_those_that_did_not_are_all_listed() {
    let names: Vec<String> = (0..40).map(|n| format!("plate-{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut night = Night::new();
    night.start(&names, &names[..38]);
    for name in &names[38..] {
        night.intend(name, StepKind::Create, 0);
        night.record(Event::Unresolved {
            send: send(name, StepKind::Create),
            call: None,
            why: "no answer for 10 min".to_owned(),
        });
    }
    night.end(&[ExitReason::Unresolved]);
    let text = report(&night.summary(), PAGE);
    assert!(text.contains("… and 18 more that came out"), "{text}");
    assert!(
        text.contains("plate-38") && text.contains("plate-39"),
        "{text}"
    );
}

#[test]
fn no_report_has_a_character_that_a_terminal_acts_on() {
    let mut night = Night::new();
    let evil = "\u{1b}]52;c;AAAA\u{7}\u{9b}2J\r\u{202e}\u{200b}";
    night.start(&["a"], &[]);
    night.intend("a", StepKind::Create, 0);
    night.record(Event::Accepted {
        send: send("a", StepKind::Create),
        call: call(Endpoint::Create, 202),
        job: JobId(format!("cadjob_{evil}")),
        next_poll_at: Timestamp(0),
    });
    night.complete("a", Some(150), evil);
    night.review("a", evil, Some(evil));
    night.check("a", &[], &[evil]);
    night.record(Event::StepFailed {
        step: step("a", StepKind::Download),
        error: evil.to_owned(),
    });
    night.record(Event::Stopping {
        reason: StopReason::Key {
            why: evil.to_owned(),
        },
    });
    let full = Page { full: true, ..PAGE };
    let mut text = report(&night.summary(), full);
    let zone = Zone::named("UTC");
    let mut story = Story::default();
    for record in &night.records {
        text.push_str(&story.line(record, &zone, Palette::Plain));
        text.push_str(&story.json_line(record));
    }
    let history = History::of(&night.records);
    let ledger = LedgerView::new(&history.memory, None);
    text.push_str(&ledger.text(&zone, Palette::Plain));
    text.push_str(&ledger.json());
    text.push_str(&crate::report::json::report(&night.summary()));
    assert_eq!(text, terminal::lines(&text));
}

#[test]
fn the_ledger_shows_each_movement_and_their_sums() {
    let history = History::of(&bad_night().records);
    let text = LedgerView::new(&history.memory, None).text(&Zone::named("UTC"), Palette::Plain);
    assert_snapshot!(text);
}

#[test]
fn the_ledger_of_a_run_that_cost_nothing_says_which_and_what_all_cost() {
    let mut night = good_night();
    let text = |night: &Night| {
        let history = History::of(&night.records);
        let run = history.run.as_ref().map(|run| run.id);
        let view = LedgerView::new(&history.memory, run);
        (view.text(&Zone::named("UTC"), Palette::Plain), view.json())
    };
    let (first, _) = text(&night);
    assert!(first.ends_with("\nrun-1: 3.60 usd charged\n"), "{first}");
    night.start(&["plate-60x40"], &["plate-60x40"]);
    night.end(&[]);
    let (second, json) = text(&night);
    assert_eq!(
        second,
        "run-2: nothing was held or charged; all runs together: 3.60 usd charged\n"
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["run_id"], "run-2");
    assert_eq!(json["totals"]["charged_cents"], 0);
    assert_eq!(json["all_runs"]["charged_cents"], 360);
}

#[test]
fn the_log_tells_the_story_line_by_line() {
    let zone = Zone::named("UTC");
    let mut story = Story::default();
    let night = bad_night();
    let lines = night.records.iter();
    let text: String = lines
        .map(|record| story.line(record, &zone, Palette::Plain))
        .collect();
    assert_snapshot!(text);
}

#[test]
fn a_process_that_goes_on_knows_the_steps_of_what_was_begun_before_it() {
    let mut night = Night::new();
    night.start(&["a"], &[]);
    night.create("a");
    let begun = night.records.len();
    night.complete("a", Some(180), "A box.");
    let mut story = Story::default();
    story.learn(&History::of(&night.records[..begun]).memory);
    for record in &night.records[begun..] {
        assert_eq!(story.tell(record).step, Some(step("a", StepKind::Create)));
    }
}

#[test]
fn runs_are_listed_oldest_first() {
    let mut night = good_night();
    night.start(&["plate-60x40", "plate-80x40"], &["plate-60x40"]);
    night.record(Event::Stopping {
        reason: StopReason::Signal {},
    });
    night.end(&[ExitReason::Interrupted]);
    assert_snapshot!(runs::text(&runs::summaries(&night.records), Palette::Plain));
}

#[test]
fn colours_come_only_when_they_are_asked_for() {
    let summary = bad_night().summary();
    let colored = Page {
        palette: Palette::Colored,
        ..PAGE
    };
    assert!(!report(&summary, PAGE).contains('\u{1b}'));
    let colored = report(&summary, colored);
    assert!(colored.contains('\u{1b}'));
    assert_eq!(
        anstream::adapter::strip_str(&colored).to_string(),
        report(&summary, PAGE)
    );
}
