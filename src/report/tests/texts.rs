//! What people read.

use insta::assert_snapshot;

use super::night::{Night, call, send, step};
use crate::plan::content::StepKind;
use crate::plan::memory::{Refusal, RefusalCause};
use crate::plan::money::Cents;
use crate::plan::remote::{JobId, Timestamp};
use crate::report::ledger::LedgerView;
use crate::report::logs::Story;
use crate::report::moment::Zone;
use crate::report::palette::Palette;
use crate::report::runs;
use crate::report::text::{Page, report};
use crate::run::call::Endpoint;
use crate::run::event::{Event, StopReason};
use crate::run::history::History;
use crate::run::outcome::ExitReason;
use crate::untrusted::terminal;

const PAGE: Page<'_> = Page {
    palette: Palette::Plain,
    flags: " --sim",
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
