//! Judges polls: what a reply means for a job at work, as events.

use std::time::Duration;

use super::answer::{Answer, Ground, JobView, Reply, Verdict};
use super::backoff;
use super::judge::{key_refused, words};
use crate::plan::remote::Timestamp;
use crate::plan::send::{Running, Send, SendId, SendState};
use crate::plan::settings::Settings;
use crate::run::call::Call;
use crate::run::event::Event;
use crate::teeth::{Bug, bites};

/// A job past its timeout is given up after so many polls in a row that told nothing about it.
const UNCLEAR_POLLS: u32 = 10;

/// What became of a poll. `failures` counts the attempts that the service failed in this run, this one not included;
/// `None` when no step of the run wants the job any more, and it is not tried again.
#[must_use]
pub fn polled(
    send: &Send,
    reply: Reply,
    settings: &Settings,
    failures: Option<u32>,
    now: Timestamp,
) -> Vec<Event> {
    let SendState::Running(running) = &send.state else {
        return Vec::new();
    };
    let overdue = Overdue {
        is_so: now.since(running.since) > settings.job_timeout,
        minutes: settings.job_timeout.as_secs() / 60,
    };
    let (id, call) = (send.id, reply.call);
    match reply.verdict {
        Verdict::Done(Answer::Job(JobView::Active { status, poll_after })) => {
            let mut wait = backoff::poll(poll_after, send.key.as_str());
            if bites(Bug::PollTooSoon) {
                wait /= 2;
            }
            let next_poll_at = now.after(wait);
            let words = format!("still {status} at the service");
            let polled = Event::Polled {
                send: id,
                call,
                status,
                unclear: false,
                next_poll_at,
            };
            // Only an answer says that it is still at work: a job that was done while nobody looked is not given up.
            overdue.give_up_after(polled, id, overdue.is_so, &words)
        }
        Verdict::Done(Answer::Job(JobView::Completed(mut result))) => {
            if bites(Bug::ForgetFiles) {
                result.artifacts.clear();
            }
            vec![Event::Completed {
                send: id,
                call,
                result,
            }]
        }
        Verdict::Done(Answer::Job(JobView::Failed { charged, why })) => {
            let retry = &settings.retry;
            let failures = failures.map(|failures| failures + 1);
            let again = failures.filter(|failures| *failures < retry.attempts.get());
            let again_at =
                again.map(|nth| now.after(backoff::new_attempt(retry, nth, send.key.as_str())));
            vec![Event::JobFailed {
                send: id,
                call,
                charged,
                why,
                again_at,
            }]
        }
        Verdict::Refused(rejection) if rejection.ground == Ground::NotFound => {
            let why = format!(
                "the service no longer knows the job ({})",
                words(&rejection)
            );
            vec![Event::Unresolved {
                send: id,
                call: Some(call),
                why,
            }]
        }
        Verdict::Unknown { why, .. } if bites(Bug::UnclearPollIsFailure) => {
            vec![Event::JobFailed {
                send: id,
                call,
                charged: None,
                why,
                again_at: Some(now),
            }]
        }
        verdict => {
            let unclear = Unclear::of(verdict, running.wait);
            let is_hopeless = overdue.is_so && running.unclear + 1 >= UNCLEAR_POLLS;
            let polled = unclear.polled(id, call, running, now);
            let mut events = overdue.give_up_after(polled, id, is_hopeless, &unclear.why);
            events.extend(unclear.refused_key.then(|| key_refused(unclear.why)));
            events
        }
    }
}

/// Whether a job is past its `job_timeout`.
struct Overdue {
    is_so: bool,
    minutes: u64,
}

impl Overdue {
    /// The poll, and that the job is given up when `gives_up` says so.
    fn give_up_after(
        &self,
        polled: Event,
        send: SendId,
        gives_up: bool,
        words: &str,
    ) -> Vec<Event> {
        let why = format!("{words} after job_timeout ({} min)", self.minutes);
        let given_up = Event::Unresolved {
            send,
            call: None,
            why,
        };
        std::iter::once(polled)
            .chain(gives_up.then_some(given_up))
            .collect()
    }
}

/// An answer to a poll that tells nothing about the job.
struct Unclear {
    why: String,
    /// How long the next poll has to wait; `None`: as if this one had not been sent.
    wait: Option<Duration>,
    refused_key: bool,
}

impl Unclear {
    fn of(verdict: Verdict, usual: Duration) -> Self {
        let (why, wait, refused_key) = match verdict {
            // It may have been answered at any moment until now, with a wait that never reached us.
            Verdict::Done(_) => {
                let why = "an answer to another question".to_owned();
                (why, Some(usual), false)
            }
            Verdict::Unknown { why, retry_after } => {
                (why, Some(retry_after.unwrap_or_default().max(usual)), false)
            }
            Verdict::NotSent { why } => (why, None, false),
            Verdict::Refused(rejection) => {
                let is_key = rejection.ground == Ground::Key;
                (words(&rejection), rejection.retry_after, is_key)
            }
        };
        Self {
            why,
            wait,
            refused_key,
        }
    }

    /// The poll, as it is recorded. Where no answer came about, the moment holds that was recorded when it went out.
    fn polled(&self, send: SendId, call: Call, running: &Running, now: Timestamp) -> Event {
        let earliest = self.wait.map(|wait| now.after(wait));
        Event::Polled {
            send,
            call,
            status: self.why.clone(),
            unclear: true,
            next_poll_at: if bites(Bug::PollWaitForgotten) {
                now
            } else {
                running.next_poll_at.max(earliest.unwrap_or_default())
            },
        }
    }
}
