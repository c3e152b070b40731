//! Transcripts: what an answer to the question for a job's conversation means.

use super::answer::{Answer, Ground, Reply, Verdict};
use super::backoff;
use super::judge::{key_refused, words};
use crate::plan::ids::StepRef;
use crate::plan::key::LineageId;
use crate::plan::remote::Timestamp;
use crate::run::event::Event;

/// How often a conversation is asked for before its step fails.
const TRIES: u32 = 5;

/// What became of the question. `failures` counts those before it that brought nothing.
#[must_use]
pub fn transcribed(
    step: StepRef,
    lineage: LineageId,
    reply: Reply,
    failures: u32,
    now: Timestamp,
) -> Vec<Event> {
    let call = reply.call;
    let again = |wait: Option<std::time::Duration>| {
        let wait = wait.unwrap_or_default();
        let wait = wait.max(backoff::exact_retry(failures + 1, "transcript"));
        (failures + 1 < TRIES).then(|| now.after(wait))
    };
    let (why, retry_at, stop) = match reply.verdict {
        Verdict::Done(Answer::File(stored)) => {
            return vec![Event::Transcribed {
                step,
                lineage,
                call,
                stored,
            }];
        }
        Verdict::Done(_) => (
            "an answer to another question".to_owned(),
            again(None),
            None,
        ),
        Verdict::Unknown { why, retry_after } => (why, again(retry_after), None),
        Verdict::NotSent { why } => (why, again(None), None),
        Verdict::Refused(rejection) => {
            let why = words(&rejection);
            match rejection.ground {
                Ground::RateLimited => {
                    let at = now.after(rejection.retry_after.unwrap_or_default());
                    (
                        why,
                        Some(again(None).map_or(at, |later| later.max(at))),
                        None,
                    )
                }
                Ground::Key => (why.clone(), again(None), Some(key_refused(why))),
                _ => (why, None, None),
            }
        }
    };
    let told = Event::NotTranscribed {
        step,
        call,
        why,
        retry_at,
    };
    std::iter::once(told).chain(stop).collect()
}
