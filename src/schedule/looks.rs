//! Looks for witnesses: when the service's records are read, and what follows from what they show.

use std::collections::BTreeMap;
use std::time::Duration;

use super::agenda::{Agenda, Item, Lane};
use super::answer::{Answer, Ground, Reply, Verdict};
use super::backoff;
use super::decide::{Decision, Turn};
use super::errand::Errand;
use super::judge::{key_refused, words};
use super::search::{Ask, Finding, Search};
use super::slot::Class;
use super::witness::Subject;
use crate::plan::family::OnProposal;
use crate::plan::key::StepKey;
use crate::plan::memory::{Claim, Memory};
use crate::plan::remote::{ReviewResult, Timestamp};
use crate::plan::send::{Send, SendId, SendState};
use crate::run::event::Event;
use crate::run::stop::StopReason;

/// A send that the records don't show is looked for again after so long: a write may take three minutes as a whole, and
/// a request that was delayed on its way may still arrive.
const QUIET: Duration = Duration::from_secs(480);
/// A send that went out again so often after it was not there, and had no answer again, is a person's to settle.
const MAX_ABSENCES: u32 = 2;

impl Turn<'_> {
    /// Starts a search for what is in doubt, or asks the next question of the one that is under way.
    pub(super) fn looks(&mut self, agenda: &mut Agenda) {
        let now = self.moment.now;
        let Some(search) = &agenda.search else {
            let scan = !self.memory.scanned && agenda.has_any([Lane::Write]);
            let sends: Vec<_> = agenda
                .ready(Lane::Look, now)
                .filter_map(|item| match item {
                    Item::Send(send) => Some(send),
                    Item::Step(_) => None,
                })
                .collect();
            if scan || !sends.is_empty() {
                self.decisions.push(Decision::Search { sends, scan });
            }
            return;
        };
        if !search.is_out && search.not_before <= now && agenda.is_free(&Class::Reads, now) {
            self.decisions.push(Decision::Send(Errand::Look));
        }
    }
}

/// An answer to the question of the search in `slot`. After its last one the search is over, and the events say what
/// became of everything that was looked for. `on_proposal` is the policy of a review.
#[must_use]
pub fn took(
    slot: &mut Option<Search>,
    memory: &Memory,
    reply: Reply,
    on_proposal: impl Fn(&SendId) -> OnProposal,
    now: Timestamp,
) -> Vec<Event> {
    let Some(search) = slot else {
        return Vec::new();
    };
    search.is_out = false;
    let call = reply.call;
    let trouble = match (search.ask(), reply.verdict) {
        (Some(Ask::Page(_)), Verdict::Done(Answer::Jobs { jobs, next })) => {
            search.took_page(&jobs, next);
            None
        }
        (Some(Ask::History(_)), Verdict::Done(Answer::History(history))) => {
            search.took_history(Some(&history));
            None
        }
        // It was hidden or removed since it was listed: nothing can be read there any more.
        (Some(Ask::History(_)), Verdict::Refused(rejection))
            if matches!(rejection.ground, Ground::NotFound | Ground::Request) =>
        {
            search.took_history(None);
            None
        }
        (_, verdict) => Some(Trouble::of(verdict)),
    };
    let mut events = vec![Event::Searched {
        call,
        why: trouble.as_ref().map(|trouble| trouble.why.clone()),
    }];
    if let Some(trouble) = trouble {
        search.failures += 1;
        let wait = backoff::exact_retry(search.failures, "search");
        search.not_before = now.after(trouble.wait.unwrap_or_default().max(wait));
        events.extend(trouble.stop);
        return events;
    }
    search.failures = 0;
    if search.ask().is_none() {
        events.extend(conclude(search, memory, on_proposal, now));
        *slot = None;
    }
    events
}

/// What a search that is over says about everything that it was for.
fn conclude(
    search: &Search,
    memory: &Memory,
    on_proposal: impl Fn(&SendId) -> OnProposal,
    now: Timestamp,
) -> Vec<Event> {
    let (mut events, mut claims, mut claimed) =
        (Vec::new(), BTreeMap::<StepKey, Claim>::new(), Vec::new());
    for (subject, finding) in search.findings() {
        match subject {
            Subject::Send(ix) => {
                events.extend(of_send(memory, memory.send(ix), finding, &on_proposal, now));
            }
            Subject::Create { step, key } => {
                let (jobs, why) = match finding {
                    Finding::Absent => continue,
                    Finding::Present(job, _) => {
                        (vec![job], "there is a job with this prompt".to_owned())
                    }
                    Finding::Unclear(jobs, why) => (jobs, why),
                };
                let claim = claims.entry(key).or_insert_with(|| Claim {
                    create: key,
                    jobs: Vec::new(),
                    why,
                });
                claim.jobs.extend(jobs);
                claim.jobs.sort_unstable();
                claim.jobs.dedup();
                claimed.push((step, key));
            }
        }
    }
    if search.is_scan {
        events.push(Event::Scanned {
            claims: claims.values().cloned().collect(),
        });
        let claimed = claimed.into_iter();
        events.extend(claimed.map(|(step, key)| Event::Claimed {
            step,
            claim: claims[&key].clone(),
        }));
    }
    events
}

/// What was found of a send that is in doubt.
fn of_send(
    memory: &Memory,
    send: &Send,
    finding: Finding,
    on_proposal: impl Fn(&SendId) -> OnProposal,
    now: Timestamp,
) -> Option<Event> {
    let SendState::Open(open) = &send.state else {
        return None;
    };
    let doubt = open.doubt.as_ref()?;
    let id = send.id;
    let unresolved = |why: String| Event::Unresolved {
        send: id,
        call: None,
        why: format!("{}; {why}", doubt.why),
    };
    Some(match finding {
        Finding::Present(job, _) if send.content.kind().is_write() => match memory.jobs.get(&job) {
            Some(lineage) if *lineage != id.lineage => {
                unresolved(format!("{job} has its prompt, and is another part's"))
            }
            _ => Event::Witnessed {
                send: id,
                next_poll_at: now.after(backoff::poll(None, &job.0)),
                job,
            },
        },
        Finding::Present(_, Some(review)) => {
            let accepted = is_accepted(&review, on_proposal(&id));
            Event::ReviewWitnessed {
                send: id,
                review,
                accepted,
            }
        }
        Finding::Present(_, None) => match doubt.unseen_since {
            Some(since) if now.since(since) >= QUIET => {
                unresolved("it was asked, and its job's history has no answer".to_owned())
            }
            since => look_again(id, since, now),
        },
        Finding::Absent => match doubt.unseen_since {
            Some(since) if now.since(since) >= QUIET => {
                if open.absences >= MAX_ABSENCES {
                    unresolved("it is not there however often it is sent".to_owned())
                } else {
                    Event::Absent {
                        send: id,
                        look_again_at: None,
                    }
                }
            }
            since => look_again(id, since, now),
        },
        Finding::Unclear(jobs, why) => {
            let jobs: Vec<&str> = jobs.iter().map(|job| job.0.as_str()).collect();
            unresolved(format!("{why}: {}", jobs.join(", ")))
        }
    })
}

fn look_again(send: SendId, unseen_since: Option<Timestamp>, now: Timestamp) -> Event {
    Event::Absent {
        send,
        look_again_at: Some(unseen_since.unwrap_or(now).after(QUIET)),
    }
}

/// Whether a review's step is content with it.
pub(super) fn is_accepted(review: &ReviewResult, on_proposal: OnProposal) -> bool {
    review.proposal.is_none() || on_proposal == OnProposal::Ignore
}

/// A question of the search that had no answer.
struct Trouble {
    why: String,
    wait: Option<Duration>,
    stop: Option<Event>,
}

impl Trouble {
    fn of(verdict: Verdict) -> Self {
        let (why, wait, stop) = match verdict {
            Verdict::Done(_) => ("an answer to another question".to_owned(), None, None),
            Verdict::Unknown { why, retry_after } => (why, retry_after, None),
            Verdict::NotSent { why } => (why, None, None),
            Verdict::Refused(rejection) => {
                let why = words(&rejection);
                let stop = match rejection.ground {
                    Ground::Key => Some(key_refused(why.clone())),
                    Ground::RateLimited | Ground::Busy | Ground::Money => None,
                    // It will not be answered otherwise next time: this is no service that we know.
                    Ground::NotFound | Ground::Request => Some(Event::Stopping {
                        reason: StopReason::Unreachable {
                            why: format!("the job list can't be read: {why}"),
                        },
                    }),
                };
                (why, rejection.retry_after, stop)
            }
        };
        Self { why, wait, stop }
    }
}
