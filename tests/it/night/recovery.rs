//! Sends whose answers never came, on services that forget, refuse too early, or show little: the service's own records
//! say what was executed, and what they can't say is asked about.

use std::time::Duration;

use http::Method;
use millrun::run::call::Endpoint;
use millrun::run::outcome::ExitReason::Unresolved;
use millrun::simulator::{
    Billing, Charges, Checked, Config, HistoryContent, Idempotency, KeyLife, ListOrder, Switches,
    Visibility,
};

use super::harness::{Dies, Ending, Night, assert_clean, let_pass};
use super::trouble::{boxes, is_create, reasons};
use super::wire::Fate;

const HOUR: Duration = Duration::from_secs(3600);
const STEPS: &str = "{create: {prompt: 'A box {{ n }} mm'}}, {iterate: {prompt: 'Make it {{ n }} mm taller.'}}, \
                     {review: {prompt: 'Is it any good?'}}, {download: {}}";

fn with(switches: Switches) -> Config {
    Config {
        switches,
        ..Config::default()
    }
}

/// A service that forgets keys at once.
fn forgetful() -> Switches {
    Switches {
        idempotency: Idempotency {
            life: KeyLife::None,
            ..Idempotency::default()
        },
        ..Switches::default()
    }
}

/// The first create is carried out and its answer is lost; no other comes about.
fn only_the_first_create_arrives() -> impl FnMut(&http::Request<bytes::Bytes>) -> Fate + Send {
    let mut creates = 0;
    move |request| {
        if !is_create(request) {
            return Fate::Arrives;
        }
        creates += 1;
        if creates == 1 {
            Fate::LostBack
        } else {
            Fate::NotSent
        }
    }
}

fn is_post(request: &http::Request<bytes::Bytes>) -> bool {
    request.method() == Method::POST
}

#[tokio::test(start_paused = true)]
async fn what_had_no_answer_for_ten_minutes_is_found_in_the_services_records() {
    let night = Night::new(with(forgetful()));
    night.beset(only_the_first_create_arrives());
    let history = night.run(&boxes("", 1, STEPS)).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.end.as_ref().unwrap().exit_code(), 0, "{:?}", run.steps);
    assert!(run.requests[&Endpoint::Messages] >= 1);
    let books = night.books();
    assert_clean(&books);
    assert_eq!((books.totals.jobs, books.totals.reviews), (1, 1));
    assert_eq!(
        books.totals.charged_cents.0,
        history.memory.ledger.charged().0
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_that_died_an_hour_ago_pays_nothing_twice_though_the_service_forgot_its_keys() {
    // Whatever was out last when it died: the create, the iterate, the review.
    let mut found = 0;
    for commits in 3.. {
        let mut night = Night::new(with(forgetful()));
        let manifest = boxes("", 1, STEPS);
        if !matches!(
            night
                .run_and_die(&manifest, commits, Dies::AfterCommit)
                .await,
            Ending::Died
        ) {
            break;
        }
        let_pass(Duration::from_secs(1)).await;
        night.deliver_what_was_out().await;
        let_pass(HOUR).await;
        let history = night.run(&manifest).await.history();
        let run = history.run.as_ref().unwrap();
        assert_eq!(
            run.end.as_ref().unwrap().exit_code(),
            0,
            "{commits}: {:?}",
            run.steps
        );
        found += u32::from(run.requests.contains_key(&Endpoint::Messages));
        let books = night.books();
        assert_clean(&books);
        assert_eq!(
            (books.totals.jobs, books.totals.writes, books.totals.reviews),
            (1, 2, 1),
            "{commits}"
        );
        assert_eq!(
            books.totals.charged_cents.0,
            history.memory.ledger.charged().0,
            "{commits}"
        );
    }
    assert!(found >= 3, "only {found} were looked for");
}

#[tokio::test(start_paused = true)]
async fn what_never_arrived_is_sent_again_with_the_same_key_once_it_was_not_there_twice() {
    for switches in [forgetful(), Switches::default()] {
        let night = Night::new(with(switches));
        let clock = tokio::time::Instant::now();
        night.beset(move |request| {
            let is_early = clock.elapsed() < Duration::from_secs(1_000);
            if is_post(request) && is_early {
                Fate::LostThere
            } else {
                Fate::Arrives
            }
        });
        assert_eq!(night.run(&boxes("", 2, STEPS)).await.exit_code(), 0);
        let books = night.books();
        assert_clean(&books);
        assert_eq!((books.totals.jobs, books.totals.writes), (2, 4));
        assert_eq!(books.idempotency.seen, 6, "a key was changed without need");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_write_that_was_executed_is_seen_through() {
    // Money and running jobs are checked before the key is looked up: our own job stands in the way of its own replay.
    let night = Night::new(Config {
        balance_cents: millrun::simulator::Cents(450),
        switches: Switches {
            idempotency: Idempotency {
                billing: Checked::BeforeKey,
                active_run: Checked::BeforeKey,
                ..Idempotency::default()
            },
            billing: Billing {
                charges: Charges::default(),
                ..Billing::default()
            },
            ..Switches::default()
        },
        ..Config::default()
    });
    let mut seen = std::collections::BTreeSet::new();
    night.beset(move |request| {
        let path = request.uri().path().to_owned();
        if is_post(request) && seen.insert(path) {
            Fate::LostBack
        } else {
            Fate::Arrives
        }
    });
    let steps = "{create: {prompt: 'A box {{ n }} mm'}}, {iterate: {prompt: 'Taller.'}}";
    let history = night.run(&boxes("", 1, steps)).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.end.as_ref().unwrap().exit_code(), 0, "{:?}", run.steps);
    let books = night.books();
    assert_eq!((books.totals.jobs, books.totals.writes), (1, 2));
    assert_eq!(
        books.totals.charged_cents.0,
        history.memory.ledger.charged().0
    );
}

#[tokio::test(start_paused = true)]
async fn a_history_that_is_trimmed_or_normalised_or_in_any_order_is_a_witness_all_the_same() {
    for (history, order) in [
        (HistoryContent::Trimmed, ListOrder::default()),
        (HistoryContent::Normalized, ListOrder::default()),
    ] {
        let mut switches = forgetful();
        switches.visibility = Visibility {
            history,
            order,
            ..Visibility::default()
        };
        let night = Night::new(with(switches));
        night.beset(only_the_first_create_arrives());
        let steps = "{create: {prompt: 'A box\n\n  of   cafe\u{301}, {{ n }} mm'}}";
        assert_eq!(
            night.run(&boxes("", 1, steps)).await.exit_code(),
            0,
            "{history:?}"
        );
        assert_eq!(night.books().totals.jobs, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_that_was_cut_short_is_asked_about_until_a_person_says_that_it_was_not_sent() {
    let mut switches = forgetful();
    switches.visibility.history = HistoryContent::Shortened;
    let mut night = Night::new(with(switches));
    night.beset(only_the_first_create_arrives());
    let prompt = "A box. ".repeat(200);
    let manifest = boxes(
        "",
        1,
        &format!("{{create: {{prompt: '{prompt}{{{{ n }}}} mm'}}}}"),
    );
    let ending = night.run(&manifest).await;
    assert_eq!(reasons(ending), [Unresolved]);
    night.beset(|_| Fate::Arrives);
    // Asked again, it is the same; and nothing is sent.
    assert_eq!(reasons(night.run(&manifest).await), [Unresolved]);
    assert_eq!(night.books().totals.jobs, 1);
    assert_eq!(night.books().idempotency.seen, 1);
    night.confirm_absent(&manifest, "p1");
    assert_eq!(night.resume(&manifest).await.exit_code(), 0);
    let books = night.books();
    assert_eq!(
        (books.totals.jobs, books.idempotency.seen),
        (2, 2),
        "a person's word makes a new key"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fresh_state_asks_before_it_pays_for_what_is_there_and_adopts_it() {
    let mut night = Night::new(with(forgetful()));
    let manifest = boxes("", 3, STEPS);
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    let before = night.books();
    night.forget();
    let more = boxes("", 4, STEPS);
    let history = night.run(&more).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.end.as_ref().unwrap().reasons, [Unresolved]);
    // The fourth is new, and is made.
    let books = night.books();
    assert_eq!(books.totals.jobs, before.totals.jobs + 1);
    assert_eq!(history.memory.claims.len(), 3);
    // Nothing is sent for the others until somebody says what they are.
    assert_eq!(reasons(night.run(&more).await), [Unresolved]);
    assert_eq!(night.books().totals.jobs, 4);

    assert_eq!(
        night.adopt_what_was_found(&more).await,
        [Ok(2), Ok(2), Ok(2)]
    );
    let history = night.run(&more).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(run.end.as_ref().unwrap().exit_code(), 0, "{:?}", run.steps);
    let books = night.books();
    assert_eq!((books.totals.jobs, books.totals.writes), (4, 8));
    // What the adopted jobs had cost before is no charge of this state.
    let new: i64 = books.totals.charged_cents.0 - before.totals.charged_cents.0;
    assert_eq!(history.memory.ledger.charged().0, new);
    assert_eq!(night.files().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_went_on_otherwise_is_not_adopted() {
    let mut night = Night::new(Config::default());
    let steps = "{create: {prompt: 'A box {{ n }} mm'}}, {iterate: {prompt: 'Taller.'}}";
    assert_eq!(night.run(&boxes("", 1, steps)).await.exit_code(), 0);
    night.forget();
    let other = boxes("", 1, &steps.replace("Taller", "Wider"));
    assert_eq!(reasons(night.run(&other).await), [Unresolved]);
    let outcome = night.adopt_what_was_found(&other).await;
    let why = outcome[0].as_ref().unwrap_err();
    assert!(
        why.contains("went on otherwise") && why.contains("Taller."),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn twins_are_found_as_many_as_they_are() {
    for (executed, reasons_of_end) in [(2, vec![]), (1, vec![Unresolved])] {
        let night = Night::new(with(forgetful()));
        let mut creates = 0;
        night.beset(move |request| {
            if !is_create(request) {
                return Fate::Arrives;
            }
            creates += 1;
            match creates {
                1 | 2 if creates <= executed => Fate::LostBack,
                1 | 2 => Fate::LostThere,
                _ => Fate::NotSent,
            }
        });
        let manifest = "{version: 1, name: f, uid: u, limits: {profile: window}, parts: [
            {id: a, steps: [{create: {prompt: 'A box.'}}, {download: {}}]},
            {id: b, steps: [{create: {prompt: 'A box.'}}, {download: {}}]}]}";
        let history = night.run(manifest).await.history();
        let run = history.run.as_ref().unwrap();
        assert_eq!(
            run.end.as_ref().unwrap().reasons,
            reasons_of_end,
            "{:?}",
            run.steps
        );
        assert_eq!(night.books().totals.jobs, executed);
        assert_eq!(night.files().len(), if executed == 2 { 2 } else { 0 });
    }
}
