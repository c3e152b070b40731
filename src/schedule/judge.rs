//! Judges replies: what a reply means for a send, as events. The money rules of the failure model live here:
//! a reply that is not clear taints the key, and a later refusal of a tainted key proves nothing.

use std::time::Duration;

use super::answer::{Answer, Ground, Rejection, Reply, Verdict};
use super::backoff;
use super::looks::is_accepted;
use crate::plan::content::StepKind;
use crate::plan::family::OnProposal;
use crate::plan::money::Cents;
use crate::plan::remote::{ArtifactId, Timestamp};
use crate::plan::send::{Refusal, RefusalCause, Send, SendState};
use crate::run::call::Call;
use crate::run::event::Event;
use crate::run::outcome::{ExitReason, Outcome, RunEnd};
use crate::run::progress::Run;
use crate::run::step::{StepRun, StepState};
use crate::run::stop::StopReason;
use crate::teeth::{Bug, bites};

/// How often a file is asked for before the step fails.
const FILE_TRIES: u32 = 5;
/// How long we wait for somebody else's run on our job.
const BUSY_WAIT: Duration = Duration::from_secs(60);

/// What became of a POST. `on_proposal` is the policy of a review.
#[must_use]
pub fn sent(send: &Send, reply: Reply, on_proposal: OnProposal, now: Timestamp) -> Vec<Event> {
    let SendState::Open(open) = &send.state else {
        return Vec::new();
    };
    let id = send.id;
    let call = reply.call;
    let later = |wait: Option<Duration>| {
        let backoff = backoff::exact_retry(open.sends, send.key.as_str());
        now.after(wait.unwrap_or_default().max(backoff))
    };
    // Whether it was executed is not known: the same bytes go out again.
    let unanswered = |why: String, wait: Option<Duration>| Event::Unanswered {
        send: id,
        call: call.clone(),
        why,
        retry_at: later(wait),
    };
    // This try was clearly not executed. If no earlier one may have been, nothing was, and its step may start anew.
    let tainted = open.tainted && !bites(Bug::PostponeForgetsTaint);
    let not_executed = |why: String, wait: Option<Duration>| match tainted {
        true => unanswered(why, wait),
        false => Event::Postponed {
            send: id,
            call: call.clone(),
            why,
            again_at: later(wait),
        },
    };
    match reply.verdict {
        Verdict::Done(Answer::Accepted { job, poll_after }) if send.content.kind().is_write() => {
            let next_poll_at = now.after(backoff::poll(poll_after, &job.0));
            vec![Event::Accepted {
                send: id,
                call,
                job,
                next_poll_at,
            }]
        }
        Verdict::Done(Answer::Reviewed(review)) if send.content.kind() == StepKind::Review => {
            let accepted = is_accepted(&review, on_proposal);
            vec![Event::Reviewed {
                send: id,
                call,
                review,
                accepted,
            }]
        }
        Verdict::Done(_) => vec![unanswered("an answer to another question".to_owned(), None)],
        Verdict::Unknown { why, .. } if bites(Bug::NewAttemptWithoutAnswer) => {
            vec![Event::JobFailed {
                send: id,
                call,
                charged: None,
                why,
                again_at: Some(later(None)),
            }]
        }
        Verdict::Unknown { why, retry_after } => vec![unanswered(why, retry_after)],
        Verdict::NotSent { why } => vec![not_executed(why, None)],
        Verdict::Refused(rejection) => {
            let text = words(&rejection);
            match (rejection.ground, open.tainted) {
                (Ground::RateLimited, _) => vec![not_executed(text, rejection.retry_after)],
                (Ground::Busy, false) => vec![not_executed(text, Some(BUSY_WAIT))],
                (Ground::Key, true) => vec![unanswered(text.clone(), None), key_refused(text)],
                (_, true) if !bites(Bug::TrustTaintedRefusal) => {
                    let why = format!(
                        "refused ({text}), but an earlier try had no answer and may have been carried out"
                    );
                    vec![Event::Doubted {
                        send: id,
                        call: Some(call),
                        why,
                    }]
                }
                (ground, _) => refused(send, call, ground, rejection),
            }
        }
    }
}

fn refused(send: &Send, call: Call, ground: Ground, rejection: Rejection) -> Vec<Event> {
    let text = words(&rejection);
    let (cause, stop) = match ground {
        // A review costs nothing: that is no answer which money could change.
        Ground::Money if send.content.kind().is_write() => {
            (RefusalCause::Money, Some(StopReason::Balance { why: text }))
        }
        Ground::Key => (RefusalCause::Key, Some(StopReason::Key { why: text })),
        Ground::RateLimited | Ground::Busy | Ground::Money | Ground::NotFound | Ground::Request => {
            (RefusalCause::Request, None)
        }
    };
    let refusal = Refusal {
        cause,
        code: rejection.code,
        message: rejection.message,
    };
    let refused = Event::Refused {
        send: send.id,
        call,
        refusal,
    };
    std::iter::once(refused)
        .chain(stop.map(|reason| Event::Stopping { reason }))
        .collect()
}

/// What became of a balance read; `settled` are the holds that waited for no answer when it went out, `failures` the reads
/// in a row before it that brought nothing.
#[must_use]
pub fn balance(reply: Reply, settled: Cents, failures: u32, now: Timestamp) -> Vec<Event> {
    let call = reply.call;
    let later = |why: String, wait: Option<Duration>| {
        let retry_at = now.after(
            wait.unwrap_or_default()
                .max(backoff::exact_retry(failures + 1, "balance")),
        );
        Event::BalanceNotRead {
            call: call.clone(),
            why,
            retry_at,
        }
    };
    match reply.verdict {
        Verdict::Done(Answer::Balance {
            available,
            hold,
            currency,
        }) => {
            vec![Event::BalanceRead {
                call,
                available,
                hold,
                currency,
                settled,
            }]
        }
        Verdict::Done(_) => vec![later("an answer to another question".to_owned(), None)],
        Verdict::Unknown { why, retry_after } => vec![later(why, retry_after)],
        Verdict::NotSent { why } => vec![later(why, None)],
        Verdict::Refused(rejection) => {
            let text = words(&rejection);
            let stop = match rejection.ground {
                Ground::Key => Some(key_refused(text.clone())),
                Ground::RateLimited | Ground::Money | Ground::Busy => None,
                // It will not be answered otherwise next time: this is no service that we know.
                Ground::NotFound | Ground::Request => Some(Event::Stopping {
                    reason: StopReason::Unreachable {
                        why: format!("the balance can't be read: {text}"),
                    },
                }),
            };
            std::iter::once(later(text, rejection.retry_after))
                .chain(stop)
                .collect()
        }
    }
}

/// What became of a file on its way home.
#[must_use]
pub fn fetched(send: &Send, artifact: &ArtifactId, reply: Reply, now: Timestamp) -> Vec<Event> {
    let SendState::Collecting(collecting) = &send.state else {
        return Vec::new();
    };
    let (id, call, artifact) = (send.id, reply.call, artifact.clone());
    let tries = collecting.tries_of(&artifact) + 1;
    let others = collecting
        .result
        .missing()
        .filter(|other| other.id != artifact);
    // One bad file does not keep the others away.
    let mut tries_left = others
        .map(|other| collecting.tries_of(&other.id))
        .chain([tries]);
    let may_go_on = tries_left.any(|tries| tries < FILE_TRIES);
    // What never reached the service says nothing about the file.
    let not_stored = |why: String, wait: Option<Duration>, counts: bool| {
        let wait = wait
            .unwrap_or_default()
            .max(backoff::exact_retry(tries, &artifact.0));
        let retry_at = (!counts || may_go_on).then(|| now.after(wait));
        Event::FileNotStored {
            send: id,
            call: call.clone(),
            artifact: artifact.clone(),
            why,
            retry_at,
        }
    };
    match reply.verdict {
        Verdict::Done(Answer::File(stored)) => vec![Event::FileStored {
            send: id,
            call,
            artifact: artifact.clone(),
            stored,
        }],
        Verdict::Done(_) => vec![not_stored(
            "an answer to another question".to_owned(),
            None,
            true,
        )],
        Verdict::Unknown { why, retry_after } => vec![not_stored(why, retry_after, true)],
        Verdict::NotSent { why } => vec![not_stored(why, None, false)],
        Verdict::Refused(rejection) => {
            let text = words(&rejection);
            match rejection.ground {
                Ground::RateLimited => vec![not_stored(text, rejection.retry_after, false)],
                Ground::Key => vec![not_stored(text.clone(), None, false), key_refused(text)],
                _ => vec![not_stored(text, rejection.retry_after, true)],
            }
        }
    }
}

/// How a run ends that has nothing more to do.
#[must_use]
pub fn end(run: &Run) -> RunEnd {
    let of_stop = |stop: &StopReason| match stop {
        StopReason::Key { .. } => Some(ExitReason::KeyRefused),
        StopReason::Signal {} => Some(ExitReason::Interrupted),
        StopReason::Unreachable { .. } => Some(ExitReason::Unreachable),
        StopReason::Cap { .. } => Some(ExitReason::CapReached),
        StopReason::Balance { .. } => Some(ExitReason::BalanceTooLow),
        StopReason::Cancelled { .. } => Some(ExitReason::Cancelled),
        StopReason::FailFast { .. } => None,
    };
    let capped = run.capped.then_some(ExitReason::CapReached);
    let stray = (!run.strays.is_empty()).then_some(ExitReason::Unresolved);
    let unmet = run.has_unmet().then_some(ExitReason::PartBlocked);
    let of_step = |step: &StepRun| match step.state {
        StepState::Done(Outcome::Unresolved) => Some(ExitReason::Unresolved),
        StepState::Done(Outcome::Failed) => Some(ExitReason::PartFailed),
        StepState::Done(Outcome::Rejected) => Some(ExitReason::PartRejected),
        // Of a run that was cancelled nothing is asked any more.
        StepState::Asking if !run.is_cancelled() => Some(ExitReason::ApprovalNeeded),
        StepState::Done(Outcome::Cancelled) => Some(ExitReason::Cancelled),
        _ => None,
    };
    RunEnd::new(
        (run.stops.iter().filter_map(of_stop))
            .chain(capped)
            .chain(stray)
            .chain(unmet)
            .chain(run.steps.iter().filter_map(of_step))
            .collect(),
    )
}

pub(super) fn key_refused(why: String) -> Event {
    Event::Stopping {
        reason: StopReason::Key { why },
    }
}

pub(super) fn words(rejection: &Rejection) -> String {
    if rejection.message.is_empty() {
        rejection.code.clone()
    } else {
        format!("{}: {}", rejection.code, rejection.message)
    }
}
