//! The state of the workspace: a pure fold of [`Effect`]s. It takes the time as a value and decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::billing::{Account, Settlement};
use super::books::{EarlyPoll, EarlyPolls, KeyTally};
use super::cents::Cents;
use super::config::Config;
use super::design;
use super::digest::Digest;
use super::effect::{Effect, Entry, KeyUse, Write, Written};
use super::ids::{ArtifactId, JobId};
use super::jobs::{End, Exchange, Job, Revision, Run, Source};
use super::limits::{Class, Gate};

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
    /// In order of creation.
    pub(crate) jobs: Vec<Job>,
    pub(crate) gate: Gate,
    pub(crate) downloads: BTreeMap<ArtifactId, u64>,
    pub(crate) tallies: Tallies,
    keys: BTreeMap<String, KeyUse>,
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
            jobs: Vec::new(),
            gate: Gate::default(),
            downloads: BTreeMap::new(),
            tallies: Tallies::default(),
            keys: BTreeMap::new(),
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
                self.write(at, write);
                self.tallies.keys.seen += 1;
                self.keys.insert(key.key.clone(), key);
            }
            Effect::WebappWrote(write) => self.write(at, *write),
            Effect::Hidden { job, hidden } => {
                if let Some(index) = self.job_index(&job) {
                    self.jobs[index].hidden = hidden;
                }
            }
            Effect::ToppedUp { cents } => self.account.top_up(cents),
            Effect::Replayed { .. } => self.tallies.keys.replays += 1,
            Effect::KeyConflict { .. } => self.tallies.keys.conflicts += 1,
            Effect::RateLimited { class } => {
                *self.tallies.rate_limited.entry(class).or_default() += 1;
            }
            Effect::PolledEarly { job, told_ms } => {
                let early = &mut self.tallies.early_polls;
                early.count += 1;
                if early.details.len() < EARLY_POLLS_KEPT {
                    early.details.push(EarlyPoll {
                        job,
                        at_ms: at,
                        told_ms,
                    });
                }
            }
            Effect::Leaked => self.tallies.leaks += 1,
            Effect::Downloaded { artifact } => *self.downloads.entry(artifact).or_default() += 1,
        }
    }

    pub(crate) fn job_index(&self, id: &JobId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The revision an artifact belongs to, and which of its files it is, once the run has ended.
    pub(crate) fn artifact(&self, id: &ArtifactId, now: i64) -> Option<(&Revision, usize)> {
        let place = self.artifacts.get(id)?;
        match self.jobs.get(place.job)?.exchanges.get(place.exchange)? {
            Exchange::Run(run) => Some((run.revision(now)?, place.file)),
            Exchange::Review(_) => None,
        }
    }

    /// What an idempotency key was used for.
    pub(crate) fn key(&self, key: &str) -> Option<&KeyUse> {
        self.keys.get(key)
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
                    next_poll_ms: None,
                    hidden: false,
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

    fn add_run(&mut self, index: usize, run: Run) {
        let charge = match run.end {
            End::Completed { charge, .. } => charge,
            End::Failed => Cents(0),
        };
        let settlement = Settlement {
            hold: run.hold,
            charge,
        };
        self.account.hold(settlement, run.settles_ms());
        *self.attempts.entry(run.lineage).or_default() += 1;
        let told_ms = self
            .config
            .scaled_ms(i64::from(self.config.poll_after_seconds) * 1_000);
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
        if run.source == Source::Api {
            job.next_poll_ms = Some(run.queued_ms.saturating_add(told_ms));
        }
        job.exchanges.push(Exchange::Run(run));
    }
}
