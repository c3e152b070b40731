//! Charges that come late: when they are asked for, how long a run waits for them, and what an answer means.

use std::collections::BTreeSet;
use std::time::Duration;

use super::agenda::Agenda;
use super::answer::{Answer, Ground, JobView, Reply, Verdict};
use super::decide::{Decision, Turn};
use super::errand::Errand;
use super::judge::{key_refused, words};
use super::slot::Class;
use crate::plan::bill::{Bill, Unbilled};
use crate::plan::key::LineageId;
use crate::plan::memory::Memory;
use crate::plan::remote::{JobId, Timestamp};
use crate::plan::send::{Send, SendState};
use crate::run::event::Event;
use crate::run::stop::StopReason;

/// A run that has nothing else to do waits so long after the end of a job for its charge.
const PATIENCE: Duration = Duration::from_secs(900);
/// A charge of a failed run that was not named for so long will not come: such a run is free.
const FREE_AFTER: Duration = Duration::from_secs(2 * 3600);
/// Questions of one turn: they share their limit with the polls of jobs at work.
const AT_ONCE: usize = 16;

impl Turn<'_> {
    /// Asks for charges that are due.
    pub(super) fn charges(&mut self, agenda: &Agenda) {
        let now = self.moment.now;
        if !may_ask(&self.run.stops) || !agenda.is_free(&Class::Reads, now) {
            return;
        }
        let starting: BTreeSet<LineageId> = (self.decisions.iter())
            .filter_map(|decision| match decision {
                Decision::Send(Errand::Start(step, _)) => self.lineage_of(*step),
                _ => None,
            })
            .collect();
        let starts = |bill: &Bill| {
            let lineage = self.memory.jobs.get(&bill.job);
            lineage.is_some_and(|lineage| starting.contains(lineage))
        };
        let due = self.memory.bills.due(now);
        let askable = due.filter(|(_, bill)| !is_at_work(self.memory, bill) && !starts(bill));
        let asks = askable.take(AT_ONCE.min(self.room()));
        let asks: Vec<Decision> = asks
            .map(|(bill, _)| Decision::Send(Errand::AskCharge(bill)))
            .collect();
        self.decisions.extend(asks);
    }
}

/// Whether a run with these stops still asks.
fn may_ask(stops: &[StopReason]) -> bool {
    stops.iter().all(|stop| match stop {
        StopReason::Key { .. } | StopReason::Signal {} | StopReason::Unreachable { .. } => false,
        StopReason::Cap { .. }
        | StopReason::Balance { .. }
        | StopReason::FailFast { .. }
        | StopReason::Cancelled { .. } => true,
    })
}

/// Whether the service works on the job, or may: then its polls tell what it costs, and nobody else may ask.
fn is_at_work(memory: &Memory, bill: &Bill) -> bool {
    let lineage = memory.jobs.get(&bill.job);
    let lineage = lineage.and_then(|lineage| memory.lineages.get(lineage));
    lineage.is_some_and(|lineage| {
        let mut sends = lineage.sends.iter().map(|ix| memory.send(*ix));
        // One that was given up may still be at work.
        let is_at_work = |send: &Send| {
            let is_given_up = matches!(send.state, SendState::Unresolved { .. });
            send.is_active() || (is_given_up && send.content.kind().is_write())
        };
        lineage.job.as_ref() == Some(&bill.job) && sends.any(is_at_work)
    })
}

/// Whether the charge of a job is asked for just now: a write that starts on it meanwhile would tell when it is to be
/// polled, and the question could arrive sooner than that.
pub(super) fn is_asked(memory: &Memory, job: &JobId) -> bool {
    let asking = memory.bills.of(job).and_then(|bill| bill.asking);
    asking.is_some_and(|asking| asking.is_out)
}

/// Whether a run that has nothing else to do goes on for the sake of charges: it asks once for each that is due, and is
/// patient with those of jobs that ended a short while ago.
#[must_use]
pub fn are_awaited(memory: &Memory, stops: &[StopReason], now: Timestamp) -> bool {
    may_ask(stops)
        && memory.bills.iter().any(|bill| {
            let Some(asking) = bill.asking.filter(|_| !is_at_work(memory, bill)) else {
                return false;
            };
            let is_fresh = bill.is_pending() && now.since(asking.since) < PATIENCE;
            asking.ask_at <= now || is_fresh
        })
}

/// What became of a question for the charge of `bill`.
#[must_use]
pub fn told(bill: &Bill, reply: Reply, now: Timestamp) -> Vec<Event> {
    let Some(asking) = bill.asking else {
        return Vec::new();
    };
    let (job, call) = (bill.job.clone(), reply.call);
    let unknown = |why: String, wait: Option<Duration>| Event::ChargeUnknown {
        job: job.clone(),
        call: call.clone(),
        why,
        ask_at: asking.ask_at.max(now.after(wait.unwrap_or_default())),
    };
    match reply.verdict {
        Verdict::Done(Answer::Job(view)) => {
            let charged = match view {
                JobView::Completed(result) => result.charged,
                JobView::Failed { charged, .. } => charged,
                JobView::Active { status, poll_after } => {
                    return vec![unknown(format!("it is {status} again"), poll_after)];
                }
            };
            if let Some(charged) = charged {
                return vec![Event::ChargeKnown { job, call, charged }];
            }
            let has_failed = bill.unbilled.iter().any(|run: &Unbilled| run.failed);
            let is_free = has_failed && now.since(asking.since) >= FREE_AFTER;
            std::iter::once(unknown("the service names none".to_owned(), None))
                .chain(is_free.then(|| Event::NotCharged { job: job.clone() }))
                .collect()
        }
        Verdict::Done(_) => vec![unknown("an answer to another question".to_owned(), None)],
        Verdict::Unknown { why, retry_after } => vec![unknown(why, retry_after)],
        Verdict::NotSent { why } => vec![unknown(why, None)],
        Verdict::Refused(rejection) => {
            let text = words(&rejection);
            let stop = (rejection.ground == Ground::Key).then(|| key_refused(text.clone()));
            std::iter::once(unknown(text, rejection.retry_after))
                .chain(stop)
                .collect()
        }
    }
}
