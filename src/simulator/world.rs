//! The state of the workspace: a pure fold of [`Effect`]s. It takes the time as a value and decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::billing::{Account, BillingState, Settlement};
use super::books::{EarlyPoll, EarlyPolls, KeyTally};
use super::cents::Cents;
use super::config::{Config, KeyState};
use super::design;
use super::digest::Digest;
use super::effect::{Effect, Entry, Refused, Write, Written};
use super::gate::Gate;
use super::ids::{ArtifactId, JobId};
use super::jobs::{End, Exchange, Job, Revision, Run, Source};
use super::keys::{Answered, Keyring, Known};
use super::limits::Class;

/// How many early polls are kept in full; all are counted.
const EARLY_POLLS_KEPT: usize = 1_000;

/// Everything the simulated service knows.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: Arc<Config>,
    /// The time of the last effect.
    pub(crate) last_ms: Option<i64>,
    /// The time of the first.
    pub(crate) since_ms: i64,
    pub(crate) account: Account,
    pub(crate) billing: BillingState,
    /// What became of API keys, by their digest.
    pub(crate) key_states: BTreeMap<Digest, KeyState>,
    /// In order of creation.
    pub(crate) jobs: Vec<Job>,
    pub(crate) gate: Gate,
    pub(crate) downloads: BTreeMap<ArtifactId, u64>,
    pub(crate) keys: Keyring,
    /// The signatures of URLs that worked once.
    pub(crate) used_links: BTreeSet<String>,
    /// How often each question to the review assistant was not answered.
    pub(crate) failed_reviews: BTreeMap<Digest, u32>,
    pub(crate) tallies: Tallies,
    by_id: BTreeMap<JobId, usize>,
    artifacts: BTreeMap<ArtifactId, ArtifactPlace>,
    /// How often each content was asked for.
    attempts: BTreeMap<Digest, u32>,
}

/// Counts that the books show beside the jobs.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) rate_limited: BTreeMap<Class, u64>,
    pub(crate) early_polls: EarlyPolls,
    pub(crate) keys: KeyTally,
    pub(crate) leaks: u64,
}

impl Tallies {
    fn polled_early(&mut self, poll: EarlyPoll) {
        self.early_polls.count += 1;
        if self.early_polls.details.len() < EARLY_POLLS_KEPT {
            self.early_polls.details.push(poll);
        }
    }
}

/// Where an artifact is found.
#[derive(Debug, Clone, Copy)]
struct ArtifactPlace {
    job: usize,
    exchange: usize,
    file: usize,
}

impl World {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            last_ms: None,
            since_ms: 0,
            account: Account::default(),
            billing: BillingState::default(),
            key_states: BTreeMap::new(),
            jobs: Vec::new(),
            gate: Gate::default(),
            downloads: BTreeMap::new(),
            tallies: Tallies::default(),
            keys: Keyring::default(),
            used_links: BTreeSet::new(),
            failed_reviews: BTreeMap::new(),
            by_id: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            attempts: BTreeMap::new(),
        }
    }

    /// Takes one effect in. An effect on a job that is not there changes nothing.
    pub(crate) fn apply(&mut self, entry: Entry) {
        let at = entry.at_ms;
        self.account.advance(at);
        if self.last_ms.is_none() {
            self.since_ms = at;
        }
        self.last_ms = Some(at);
        match entry.effect {
            Effect::Wrote(written) => {
                let Written { write, key } = *written;
                let known = Known {
                    at_ms: at,
                    fingerprint: key.fingerprint,
                    answer: Answered::Accepted(key.answer),
                };
                self.keys.learn(key.key, write.endpoint(), known);
                self.tallies.keys.seen += 1;
                self.write(at, write);
            }
            Effect::Refused(refused) => {
                let Refused {
                    endpoint,
                    key,
                    fingerprint,
                    refusal,
                } = *refused;
                let known = Known {
                    at_ms: at,
                    fingerprint,
                    answer: Answered::Refused(refusal),
                };
                self.keys.learn(key, endpoint, known);
            }
            Effect::WebappWrote(write) => self.write(at, *write),
            Effect::ToppedUp { cents } => self.account.top_up(cents),
            Effect::BillingBecame { state } => self.billing = state,
            Effect::KeyBecame { key, state } => {
                self.key_states.insert(key, state);
            }
            Effect::HiddenBecame { job, hidden } => {
                if let Some(index) = self.job_index(&job) {
                    self.jobs[index].hidden = hidden;
                }
            }
            Effect::LinkUsed { signature } => {
                self.used_links.insert(signature);
            }
            Effect::ReviewFailed { question } => {
                *self.failed_reviews.entry(question).or_default() += 1;
            }
            Effect::ChargeKnown { job } => self.tell_charges(at, &job),
            Effect::Replayed { .. } => self.tallies.keys.replays += 1,
            Effect::KeyConflict { .. } => self.tallies.keys.conflicts += 1,
            Effect::RateLimited { class } => {
                *self.tallies.rate_limited.entry(class).or_default() += 1;
            }
            Effect::PolledEarly { job, told_ms } => self.tallies.polled_early(EarlyPoll {
                job,
                at_ms: at,
                told_ms,
            }),
            Effect::Leaked => self.tallies.leaks += 1,
            Effect::Downloaded { artifact } => *self.downloads.entry(artifact).or_default() += 1,
        }
    }

    pub(crate) fn job_index(&self, id: &JobId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Whether an artifact is of its job's latest revision.
    pub(crate) fn is_latest(&self, id: &ArtifactId, now: i64) -> bool {
        let job = self.artifacts.get(id).map(|place| &self.jobs[place.job]);
        job.and_then(|job| job.latest_revision(now))
            .is_some_and(|revision| revision.artifacts.iter().any(|artifact| artifact.id == *id))
    }

    /// Whether an artifact is of a revision that is out of sight for now.
    pub(crate) fn hides(&self, id: &ArtifactId, now: i64) -> bool {
        let during = self.config.switches.visibility.during_follow_up;
        let place = self.artifacts.get(id);
        place
            .zip(self.artifact(id, now))
            .is_some_and(|(place, (revision, _))| self.jobs[place.job].hides(revision, during, now))
    }

    /// The revision an artifact belongs to, and which of its files it is, once the run has ended.
    pub(crate) fn artifact(&self, id: &ArtifactId, now: i64) -> Option<(&Revision, usize)> {
        let place = self.artifacts.get(id)?;
        match self.jobs.get(place.job)?.exchanges.get(place.exchange)? {
            Exchange::Run(run) => Some((run.revision(now)?, place.file)),
            Exchange::Review(_) => None,
        }
    }

    /// How many equal writes came before.
    pub(crate) fn attempts(&self, lineage: &Digest) -> u32 {
        self.attempts.get(lineage).copied().unwrap_or(0)
    }

    fn write(&mut self, at: i64, write: Write) {
        match write {
            Write::Created { job, run } => {
                let index = self.jobs.len();
                let title = design::title(&run.prompt);
                self.by_id.insert(job.clone(), index);
                self.jobs.push(Job {
                    id: job,
                    created_ms: at,
                    search: format!("{title}\n{}", run.prompt).to_lowercase(),
                    title,
                    exchanges: Vec::new(),
                    hidden: false,
                    next_poll_ms: None,
                });
                self.add_run(index, run);
            }
            Write::FollowedUp { job, run } => {
                if let Some(index) = self.job_index(&job) {
                    self.add_run(index, run);
                }
            }
            Write::Reviewed { job, review } => {
                if let Some(index) = self.job_index(&job) {
                    self.jobs[index].exchanges.push(Exchange::Review(review));
                }
            }
        }
    }

    fn tell_charges(&mut self, at: i64, job: &JobId) {
        let Some(index) = self.job_index(job) else {
            return;
        };
        for (exchange, asked) in self.jobs[index].exchanges.iter_mut().enumerate() {
            if let Exchange::Run(run) = asked
                && run.ends_ms <= at
            {
                run.tell_charge(at);
                self.account.settle((index, exchange), at);
            }
        }
    }

    fn add_run(&mut self, index: usize, run: Run) {
        let settlement = Settlement {
            run: (index, self.jobs[index].exchanges.len()),
            hold: run.hold,
            charge: run.bill().map_or(Cents(0), |bill| bill.charge),
        };
        self.account.hold(settlement, run.settles_ms());
        *self.attempts.entry(run.lineage).or_default() += 1;
        let told_ms = self.config.poll_after_ms();
        let job = &mut self.jobs[index];
        if let End::Completed { revision, .. } = &run.end {
            for (file, artifact) in revision.artifacts.iter().enumerate() {
                let place = ArtifactPlace {
                    job: index,
                    exchange: job.exchanges.len(),
                    file,
                };
                self.artifacts.insert(artifact.id.clone(), place);
            }
        }
        // The web app is told nothing, and what clients were told before still holds.
        if run.source == Source::Api {
            job.next_poll_ms = told_ms.map(|told_ms| run.queued_ms.saturating_add(told_ms));
        }
        job.exchanges.push(Exchange::Run(run));
    }
}
