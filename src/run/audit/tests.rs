//! Each broken promise is found, and a night without any has none.

use super::*;
use crate::plan::content::Prompt;
use crate::plan::ids::{PartId, RunId, StepId, StepRef};
use crate::plan::key::{Salt, StepKey};
use crate::plan::remote::{Timestamp, WriteResult};
use crate::plan::send::{Refusal, RefusalCause};
use crate::run::call::{Call, Endpoint};

fn content(prompt: &str) -> Content {
    Content::Create {
        prompt: Prompt::new(prompt),
        images: Vec::new(),
    }
}

fn send(prompt: &str) -> SendId {
    let key = StepKey::new(&content(prompt), None);
    let lineage = LineageId {
        create: key,
        ordinal: 0,
        generation: 0,
    };
    SendId { lineage, key }
}

fn key(prompt: &str, attempt: u32) -> IdempotencyKey {
    let salt = Salt {
        name: "plates".to_owned(),
        uid: String::new(),
    };
    IdempotencyKey::new(&salt, send(prompt).key, send(prompt).lineage, attempt)
}

fn call() -> Call {
    Call {
        endpoint: Endpoint::Create,
        status: Some(200),
        request_id: None,
        rate_limited: false,
    }
}

fn intended(prompt: &str, attempt: u32, key: IdempotencyKey) -> Event {
    Event::Intended {
        send: send(prompt),
        step: StepRef {
            part: PartId::new(prompt).unwrap(),
            step: StepId::new("create").unwrap(),
        },
        content: content(prompt),
        target: None,
        attempt,
        key,
        hold: Cents(200),
    }
}

fn accepted(prompt: &str, job: &str) -> Event {
    Event::Accepted {
        send: send(prompt),
        call: call(),
        job: JobId(job.to_owned()),
        next_poll_at: Timestamp(5),
    }
}

fn completed(prompt: &str) -> Event {
    Event::Completed {
        send: send(prompt),
        call: call(),
        result: WriteResult {
            revision: None,
            explanation: String::new(),
            charged: Some(Cents(150)),
            artifacts: Vec::new(),
        },
    }
}

fn refused(prompt: &str) -> Event {
    Event::Refused {
        send: send(prompt),
        call: call(),
        refusal: Refusal {
            cause: RefusalCause::Request,
            code: "no".to_owned(),
            message: String::new(),
        },
    }
}

fn unanswered(prompt: &str) -> Event {
    Event::Unanswered {
        send: send(prompt),
        call: call(),
        why: "nothing came".to_owned(),
        retry_at: Timestamp(9),
    }
}

fn failed(prompt: &str) -> Event {
    Event::JobFailed {
        send: send(prompt),
        call: call(),
        charged: None,
        why: String::new(),
        again_at: None,
    }
}

fn findings(events: Vec<Event>) -> Vec<String> {
    let record = |event| Record {
        at: Timestamp(1),
        run: Some(RunId(1)),
        event,
    };
    audit(&events.into_iter().map(record).collect::<Vec<_>>())
}

#[test]
fn a_night_in_which_every_promise_was_kept_has_no_findings() {
    let found = findings(vec![
        intended("a", 0, key("a", 0)),
        unanswered("a"),
        Event::Resent { send: send("a") },
        accepted("a", "one"),
        failed("a"),
        intended("a", 1, key("a", 1)),
        accepted("a", "two"),
        completed("a"),
        intended("b", 0, key("b", 0)),
        refused("b"),
        intended("b", 0, key("b", 0)),
        accepted("b", "three"),
    ]);
    assert_eq!(found, [] as [&str; 0]);
}

#[test]
fn each_broken_promise_is_found() {
    let first = || intended("a", 0, key("a", 0));
    for (events, said) in [
        (vec![accepted("a", "one")], "never intended"),
        (vec![first(), first()], "may have been carried out already"),
        (
            vec![first(), accepted("a", "one"), completed("a"), first()],
            "may have been carried out already",
        ),
        (
            vec![first(), intended("b", 0, key("a", 0))],
            "used for something else",
        ),
        (
            vec![
                first(),
                Event::Postponed {
                    send: send("a"),
                    call: call(),
                    why: String::new(),
                    again_at: Timestamp(2),
                },
                intended("a", 1, key("a", 1)),
            ],
            "new key",
        ),
        (
            vec![
                first(),
                accepted("a", "one"),
                completed("a"),
                completed("a"),
            ],
            "done already",
        ),
        (vec![first(), unanswered("a"), refused("a")], "believed"),
        (
            vec![first(), accepted("a", "one"), refused("a")],
            "had its answer already",
        ),
        (
            vec![
                first(),
                accepted("a", "one"),
                intended("b", 0, key("b", 0)),
                accepted("b", "one"),
            ],
            "belongs to two parts",
        ),
    ] {
        let found = findings(events);
        // What follows from it may be found as well.
        let first = found.first();
        assert!(
            first.is_some_and(|first| first.contains(said)),
            "{said}: {found:?}"
        );
    }
}

#[test]
fn a_total_that_its_entries_do_not_add_up_to_is_found() {
    let events = [intended("a", 0, key("a", 0))];
    let record = |event: &Event| Record {
        at: Timestamp(1),
        run: Some(RunId(1)),
        event: event.clone(),
    };
    let records: Vec<Record> = events.iter().map(record).collect();
    let mut memory = History::of(&records).memory;
    assert_eq!(totals(&memory), [] as [&str; 0]);
    memory.open_holds = Cents(1);
    assert_eq!(totals(&memory).len(), 1);
    memory.sends[0].hold = Cents(7);
    assert_eq!(totals(&memory).len(), 2);
}

/// `prompt` as an iterate of the job of `a`, on top of `parent`.
fn iterated(prompt: &str, parent: StepKey) -> Event {
    let content = Content::Iterate {
        prompt: Prompt::new(prompt),
        images: Vec::new(),
    };
    let send = SendId {
        key: StepKey::new(&content, Some(parent)),
        ..send("a")
    };
    let salt = Salt {
        name: "plates".to_owned(),
        uid: String::new(),
    };
    Event::Intended {
        send,
        step: StepRef {
            part: PartId::new("a").unwrap(),
            step: StepId::new("iterate").unwrap(),
        },
        content,
        target: None,
        attempt: 0,
        key: IdempotencyKey::new(&salt, send.key, send.lineage, 0),
        hold: Cents(200),
    }
}

#[test]
fn an_iterate_on_a_job_that_went_on_otherwise_is_found() {
    let made = || {
        vec![
            intended("a", 0, key("a", 0)),
            accepted("a", "one"),
            completed("a"),
        ]
    };
    let create = send("a").key;
    let good = [made(), vec![iterated("thicker", create)]].concat();
    assert_eq!(findings(good), [] as [&str; 0]);
    let bad = [
        made(),
        vec![iterated("thicker", create), iterated("thinner", create)],
    ]
    .concat();
    let found = findings(bad);
    assert!(found[0].contains("seen something else"), "{found:?}");
}
