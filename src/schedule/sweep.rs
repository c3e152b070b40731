//! A page of the job list, taken as polls of the jobs on it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::agenda::Agenda;
use super::answer::{Answer, Ground, Phase, Reply, Verdict};
use super::backoff;
use super::judge::{key_refused, words};
use super::polls::{ByItself, running};
use crate::plan::memory::Memory;
use crate::plan::remote::{JobId, Timestamp};
use crate::plan::send::{SendIx, SendState};
use crate::plan::settings::Settings;
use crate::run::event::{Event, SeenAtWork};

/// A workspace with more pages of jobs than this is not swept any further.
const MAX_PAGES: usize = 200;
/// A page that shows fewer jobs that are due is the last one: those that are left are worth a poll each.
const WORTH_A_PAGE: usize = 2;

/// A job that was on the list is not asked about any sooner than that: three polls in ten seconds are allowed.
const SWEPT_WAIT: Duration = Duration::from_secs(5);

/// An answer to the sweep that is under way. Jobs that it shows at work are as good as polled; the others are polled by
/// themselves.
#[must_use]
pub fn took(
    agenda: &mut Agenda,
    memory: &Memory,
    settings: &Settings,
    reply: Reply,
    now: Timestamp,
) -> Vec<Event> {
    let Some(mut sweep) = agenda.polls.sweep.take() else {
        return Vec::new();
    };
    sweep.is_out = false;
    let call = reply.call;
    let (jobs, next) = match reply.verdict {
        Verdict::Done(Answer::Jobs { jobs, next }) => (jobs, next),
        verdict => {
            let (why, wait, is_key) = trouble(verdict);
            agenda.polls.failures += 1;
            let rest = backoff::exact_retry(agenda.polls.failures, "sweep");
            agenda.polls.not_before = now.after(wait.unwrap_or_default().max(rest));
            let stop = is_key.then(|| key_refused(why.clone()));
            let swept = Event::Swept {
                call,
                why: Some(why),
                at_work: Vec::new(),
            };
            return std::iter::once(swept).chain(stop).collect();
        }
    };
    agenda.polls.failures = 0;
    sweep.pages += 1;
    let (mut at_work, mut found) = (BTreeSet::new(), 0);
    for line in jobs {
        let Some(ix) = ours(memory, &line.id) else {
            continue;
        };
        let Some(job) = running(memory, ix) else {
            continue;
        };
        let is_overdue = now.since(job.since) > settings.job_timeout;
        // Whoever is not due yet is not to be asked about: what is said of it is not used.
        let is_due = !job.polling && job.next_poll_at <= sweep.asked_at;
        if !is_due || !agenda.polls.is_listed(ix, job, is_overdue) {
            continue;
        }
        found += 1;
        match line.phase {
            Phase::AtWork => {
                agenda.polls.was_swept(ix);
                at_work.insert(ix);
            }
            Phase::Ended => agenda.polls.poll_by_itself(ix, ByItself::Ended),
            Phase::Unknown => agenda.polls.poll_by_itself(ix, ByItself::Unseen),
        }
    }
    agenda.polls.pages = sweep.pages;
    let goes_on = found >= WORTH_A_PAGE && sweep.pages < MAX_PAGES;
    match next.filter(|_| goes_on) {
        Some(cursor) => {
            sweep.cursor = Some(cursor);
            agenda.polls.sweep = Some(sweep);
        }
        None => agenda.polls.sweep_ends(memory, sweep.since, &at_work),
    }
    let seen = |ix: SendIx| {
        let wait = running(memory, ix).map_or(SWEPT_WAIT, |job| job.wait.max(SWEPT_WAIT));
        SeenAtWork {
            send: memory.send(ix).id,
            next_poll_at: now.after(wait),
        }
    };
    let (why, at_work) = (None, at_work.into_iter().map(seen).collect());
    vec![Event::Swept { call, why, at_work }]
}

/// The send that `job` is at work for, when it is one of ours.
fn ours(memory: &Memory, job: &JobId) -> Option<SendIx> {
    let lineage = memory.lineages.get(memory.jobs.get(job)?)?;
    let is_running = |ix: &SendIx| matches!(memory.send(*ix).state, SendState::Running(_));
    (lineage.job.as_ref() == Some(job))
        .then(|| lineage.sends.iter().rev().copied().find(is_running))
        .flatten()
}

/// What came instead of a page: in words, how long to wait, and whether it was the API key that was refused.
fn trouble(verdict: Verdict) -> (String, Option<Duration>, bool) {
    match verdict {
        Verdict::Done(_) => ("an answer to another question".to_owned(), None, false),
        Verdict::Unknown { why, retry_after } => (why, retry_after, false),
        Verdict::NotSent { why } => (why, None, false),
        Verdict::Refused(rejection) => {
            let is_key = rejection.ground == Ground::Key;
            (words(&rejection), rejection.retry_after, is_key)
        }
    }
}
