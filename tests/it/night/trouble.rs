//! Nights on which the wire, the service or the money makes trouble.

use std::time::Duration;

use http::{Method, Request};
use millrun::execute::engine::EngineError;
use millrun::execute::ports::StopLevel;
use millrun::run::outcome::ExitReason::{self, CapReached, Interrupted, Unreachable, Unresolved};
use millrun::simulator::{Cents, Config};

use super::harness::{Ending, Night, assert_clean, let_pass};
use super::wire::Fate;

const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn boxes(settings: &str, count: u32, steps: &str) -> String {
    let numbers: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
    format!(
        "{{version: 1, name: f, uid: u, {settings} parts: [{{id: 'p{{{{ n }}}}', matrix: {{n: [{}]}}, steps: [{steps}]}}]}}",
        numbers.join(", ")
    )
}

const CREATE: &str = "{create: {prompt: 'A box {{ n }} mm'}}";

pub(super) fn is_create(request: &Request<bytes::Bytes>) -> bool {
    request.method() == Method::POST && request.uri().path().ends_with("/cad/jobs")
}

pub(super) fn reasons(ending: Ending) -> Vec<ExitReason> {
    ending.history().run.unwrap().end.unwrap().reasons
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_again_with_the_same_key() {
    for fate in [Fate::LostThere, Fate::LostBack, Fate::NotSent] {
        let night = Night::new(Config::default());
        let mut left = 3;
        night.beset(move |request| {
            if !is_create(request) || left == 0 {
                return Fate::Arrives;
            }
            left -= 1;
            fate
        });
        assert_eq!(night.run(&boxes("", 3, CREATE)).await.exit_code(), 0);
        let books = night.books();
        assert_clean(&books);
        assert_eq!(
            (books.totals.jobs, books.idempotency.seen),
            (3, 3),
            "{fate:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_clear_answer_and_no_witness_is_unresolved_and_asked_about_in_the_next_run() {
    let night = Night::new(Config::default());
    // Its history can't be read: whether it is the job that was asked for can't be told.
    night.beset(|request| match is_create(request) {
        true => Fate::LostBack,
        false if request.uri().path().ends_with("/messages") => Fate::Answered(404, "not_found"),
        false => Fate::Arrives,
    });
    let manifest = boxes("", 1, CREATE);
    assert_eq!(reasons(night.run(&manifest).await), [Unresolved]);
    let before = night.books().idempotency.replays;
    assert_eq!(reasons(night.run(&manifest).await), [Unresolved]);
    let books = night.books();
    assert_eq!((books.totals.jobs, books.idempotency.replays), (1, before));
    night.beset(|_| Fate::Arrives);
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    let books = night.books();
    assert_eq!((books.totals.jobs, books.idempotency.replays), (1, before));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_tainted_key_proves_nothing_and_the_run_still_ends() {
    // Enough for one job: the first that was sent never arrived, though its repetition was refused for money.
    let night = Night::new(Config {
        balance_cents: Cents(350),
        ..Config::default()
    });
    let mut creates = 0;
    night.beset(move |request| {
        creates += u32::from(is_create(request));
        match creates {
            1 if is_create(request) => Fate::LostThere,
            2 if is_create(request) => Fate::Answered(402, "insufficient_balance"),
            _ => Fate::Arrives,
        }
    });
    let manifest = boxes("limits: {active_jobs: 1},", 3, CREATE);
    let history = night.run(&manifest).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(
        run.end.as_ref().unwrap().reasons,
        [ExitReason::BalanceTooLow]
    );
    assert_eq!(night.books().totals.jobs, 1);
    let asked_for = run.requests[&millrun::run::call::Endpoint::Create];
    assert_eq!(asked_for, 3, "the refused one counts as well");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_done_while_nobody_looked_comes_home() {
    let night = Night::new(Config::default());
    let manifest = boxes(
        "job_timeout: 1h,",
        3,
        &format!("{CREATE}, {{download: {{}}}}"),
    );
    let (ending, ()) = tokio::join!(night.run(&manifest), async {
        let_pass(Duration::from_secs(30)).await;
        night.stop(StopLevel::Settle);
    });
    assert_eq!(reasons(ending), [Interrupted]);
    night.stop(StopLevel::Go);
    let_pass(HOUR * 9).await;
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    assert_eq!(night.books().totals.jobs, 3);
    assert_eq!(night.files().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_too_long_is_looked_at_again_by_the_next_run() {
    let night = Night::new(Config::default());
    let steps = "{create: {prompt: 'A box {{ n }} mm [sim:duration=20000]'}}, {download: {}}";
    let manifest = boxes("job_timeout: 1h, limits: {active_jobs: 1},", 2, steps);
    // Its slot is free after the hour: the second part starts although only one job may be at work.
    assert_eq!(reasons(night.run(&manifest).await), [Unresolved]);
    assert_eq!(night.books().totals.jobs, 2);
    let_pass(HOUR * 5).await;
    let history = night.run(&manifest).await.history();
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
    assert_eq!(night.files().len(), 2);
    assert_eq!(history.memory.ledger.held().0, 0);
    assert_clean(&night.books());
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_any_answer_ends_a_run_that_can_go_on() {
    let night = Night::new(Config::default());
    let manifest = boxes("", 2, CREATE);
    night.beset(|_| Fate::NotSent);
    assert_eq!(reasons(night.run(&manifest).await), [Unreachable]);
    night.beset(|_| Fate::Arrives);
    let history = night.run(&manifest).await.history();
    let run = history.run.unwrap();
    assert_eq!((run.id.0, run.end.unwrap().exit_code()), (1, 0));
    assert_eq!(night.books().totals.jobs, 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_knows_nothing_of_balances_ends_the_run() {
    let night = Night::new(Config::default());
    night.beset(|_| Fate::Answered(404, "no_such_route"));
    assert_eq!(
        reasons(night.run(&boxes("", 2, CREATE)).await),
        [Unreachable]
    );
    night.beset(|_| Fate::Answered(401, "invalid_api_key"));
    let refused = night.run(&boxes("", 2, CREATE)).await;
    assert_eq!(reasons(refused), [ExitReason::KeyRefused]);
    assert_eq!(night.books().totals.jobs, 0);
}

#[tokio::test(start_paused = true)]
async fn all_reasons_to_stop_are_told_and_the_first_decides() {
    let night = Night::new(Config::default());
    let manifest = boxes("budget: {max_spend: 2.00 usd},", 2, CREATE);
    let (ending, ()) = tokio::join!(night.run(&manifest), async {
        let_pass(Duration::from_secs(30)).await;
        night.stop(StopLevel::Settle);
    });
    assert_eq!(reasons(ending), [Interrupted, CapReached]);
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_ends_the_run_at_once_and_loses_nothing() {
    let night = Night::new(Config::default());
    let manifest = boxes("", 2, CREATE);
    let (ending, ()) = tokio::join!(night.run(&manifest), async {
        let_pass(Duration::from_secs(30)).await;
        night.stop(StopLevel::Now);
    });
    assert!(
        matches!(ending, Ending::Failed(EngineError::Abandoned)),
        "{ending:?}"
    );
    night.stop(StopLevel::Go);
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    assert_eq!(night.books().totals.jobs, 2);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_would_cost_too_much_holds_back_nobody_else() {
    let night = Night::new(Config::default());
    let steps =
        format!("{CREATE}, {{iterate: {{when: n == 1, prompt: Bigger}}}}, {{download: {{}}}}");
    let manifest = boxes("budget: {max_per_part: 3.00 usd},", 3, &steps);
    for _ in 0..2 {
        assert_eq!(reasons(night.run(&manifest).await), [CapReached]);
        let books = night.books();
        assert_eq!((books.totals.jobs, books.totals.writes), (3, 3));
        assert_eq!(night.files(), ["p2.step", "p3.step"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_money_costs_no_attempt() {
    let night = Night::new(Config::default());
    let mut refused = false;
    night.beset(move |request| {
        let first = is_create(request) && !std::mem::replace(&mut refused, true);
        if first {
            Fate::Answered(402, "insufficient_balance")
        } else {
            Fate::Arrives
        }
    });
    let manifest = boxes("", 1, "{create: {prompt: 'A box [sim:fail=2]'}}");
    assert_eq!(
        reasons(night.run(&manifest).await),
        [ExitReason::BalanceTooLow]
    );
    let run = night.run(&manifest).await.history().run.unwrap();
    assert_eq!((run.id.0, run.end.unwrap().exit_code()), (1, 0));
    assert_eq!((run.steps[0].attempts, run.steps[0].failures), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn one_bad_file_does_not_keep_the_others_away() {
    let night = Night::new(Config::default());
    let mut bad: Option<String> = None;
    night.beset(move |request| {
        let path = request.uri().path();
        if !path.ends_with("/download") {
            return Fate::Arrives;
        }
        if bad.get_or_insert_with(|| path.to_owned()) == path {
            Fate::Answered(500, "internal_error")
        } else {
            Fate::Arrives
        }
    });
    let manifest = boxes(
        "",
        1,
        "{create: {prompt: 'A box [sim:files=3]'}}, {download: {}}",
    );
    assert_eq!(
        reasons(night.run(&manifest).await),
        [ExitReason::PartFailed]
    );
    let stored = night
        .records()
        .iter()
        .filter(|record| record.event.name() == "file_stored")
        .count();
    assert_eq!(stored, 2);
    night.beset(|_| Fate::Arrives);
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    assert_eq!(night.files().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_balance_and_at_the_full_rate_the_limits_are_kept_all_the_same() {
    let night = Night::new(Config::default());
    let settings = "limits: {profile: window}, budget: {balance: unchecked},";
    let manifest = boxes(
        settings,
        25,
        &format!("{CREATE}, {{review: {{prompt: Look}}}}"),
    );
    let history = night.run(&manifest).await.history();
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
    let books = night.books();
    assert_clean(&books);
    assert_eq!((books.totals.jobs, books.totals.reviews), (25, 25));
}

#[tokio::test(start_paused = true)]
async fn fail_fast_sends_nothing_after_the_failure_is_known() {
    let night = Night::new(Config::default());
    let settings = "retry: {attempts: 1, backoff: 2s..2m}, limits: {active_jobs: 1}, budget: {balance: unchecked},";
    let manifest = boxes(
        settings,
        3,
        "{create: {prompt: 'A box {{ n }} mm [sim:fail]'}}",
    );
    assert_eq!(night.run_fail_fast(&manifest).await.exit_code(), 1);
    assert_eq!(night.books().totals.writes, 1);
}

#[tokio::test(start_paused = true)]
async fn half_an_hour_without_network_costs_half_an_hour() {
    let night = Night::new(Config::default());
    let manifest = boxes("", 3, &format!("{CREATE}, {{download: {{}}}}"));
    for (from, to) in [(60, 1_860), (200, 2_000), (0, 1_700)] {
        let night = &night;
        let clock = tokio::time::Instant::now();
        night.beset(move |_| {
            let now = clock.elapsed().as_secs();
            if (from..to).contains(&now) {
                Fate::NotSent
            } else {
                Fate::Arrives
            }
        });
        let manifest = manifest.replace("A box", &format!("Box {from}"));
        assert_eq!(night.run(&manifest).await.exit_code(), 0);
    }
    assert_eq!(night.books().totals.jobs, 9);
    assert_clean(&night.books());
}

#[tokio::test(start_paused = true)]
async fn a_job_of_which_nothing_can_be_learnt_is_given_up_after_its_timeout() {
    let night = Night::new(Config::default());
    let mut first: Option<String> = None;
    night.beset(move |request| {
        let path = request.uri().path();
        let is_poll = request.method() == Method::GET && path.contains("/cad/jobs/");
        if is_poll && first.get_or_insert_with(|| path.to_owned()) == path {
            Fate::Answered(400, "odd_request")
        } else {
            Fate::Arrives
        }
    });
    let manifest = boxes(
        "job_timeout: 1h,",
        2,
        &format!("{CREATE}, {{download: {{}}}}"),
    );
    assert_eq!(reasons(night.run(&manifest).await), [Unresolved]);
    assert_eq!(night.files().len(), 1);
    night.beset(|_| Fate::Arrives);
    assert_eq!(night.run(&manifest).await.exit_code(), 0);
    assert_eq!((night.files().len(), night.books().totals.jobs), (2, 2));
    assert_clean(&night.books());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_down_for_an_hour_ends_the_run() {
    let night = Night::new(Config::default());
    night.beset(|_| Fate::Answered(503, "service_unavailable"));
    assert_eq!(
        reasons(night.run(&boxes("", 2, CREATE)).await),
        [Unreachable]
    );
    night.beset(|_| Fate::Arrives);
    assert_eq!(night.run(&boxes("", 2, CREATE)).await.exit_code(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_review_that_is_refused_for_money_fails_and_is_not_asked_again_and_again() {
    let night = Night::new(Config::default());
    night.beset(|request| match request.uri().path().ends_with("/review") {
        true => Fate::Answered(402, "billing_required"),
        false => Fate::Arrives,
    });
    let manifest = boxes("", 1, &format!("{CREATE}, {{review: {{prompt: Look}}}}"));
    let run = night.run(&manifest).await.history().run.unwrap();
    assert_eq!(run.end.unwrap().reasons, [ExitReason::PartFailed]);
    assert_eq!(run.requests[&millrun::run::call::Endpoint::Review], 1);
}

#[tokio::test(start_paused = true)]
async fn a_429_that_somebody_else_caused_is_waited_out_with_the_same_key() {
    let night = Night::new(Config::default());
    let mut refusals = 2;
    night.beset(move |request| {
        if !is_create(request) || refusals == 0 {
            return Fate::Arrives;
        }
        refusals -= 1;
        Fate::Answered(429, "rate_limited")
    });
    let history = night.run(&boxes("", 2, CREATE)).await.history();
    let run = history.run.as_ref().unwrap();
    assert_eq!(
        (run.end.as_ref().unwrap().exit_code(), run.rate_limited),
        (0, 2)
    );
    assert_eq!(run.steps.iter().map(|step| step.attempts).max(), Some(1));
    let books = night.books();
    assert_eq!((books.totals.jobs, books.idempotency.seen), (2, 2));
    assert_eq!(history.memory.ledger.held().0, 0);
}
