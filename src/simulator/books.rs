//! The books: what was created, charged and downloaded, told by content and lineage and never by a client's keys.
//! Tests hold a client's own account against them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cents::Cents;
use super::ids::{ArtifactId, JobId, MessageId, RevisionId};
use super::jobs::{Exchange, Job, Review, Run, Source, Status, WriteKind};
use super::limits::Class;
use super::world::World;

/// Everything that happened in a simulated workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Books {
    /// When they were opened, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// In order of creation.
    pub jobs: Vec<JobBook>,
    /// Sums.
    pub totals: Totals,
    /// Refused requests by class; a class without any is absent.
    pub rate_limited: BTreeMap<Class, u64>,
    /// Status reads that came sooner than the job's last answer told.
    pub early_polls: EarlyPolls,
    /// How idempotency keys were used.
    pub idempotency: KeyTally,
    /// Requests to storage that brought an API key, a cookie or an idempotency key along.
    #[serde(default)]
    pub leaks: u64,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobBook {
    /// The job's id.
    pub id: JobId,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Its first prompt.
    pub prompt: String,
    /// The SHA-256 of each image of its create, in order.
    pub images: Vec<String>,
    /// The create, then each follow-up.
    pub writes: Vec<WriteBook>,
    /// In order.
    pub reviews: Vec<ReviewBook>,
    /// How often each downloaded artifact was fetched from storage.
    pub downloads: BTreeMap<ArtifactId, u64>,
}

/// A create or follow-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteBook {
    /// Which of the two.
    pub kind: WriteKind,
    /// Who asked for it.
    #[serde(default)]
    pub source: Source,
    /// The user's message it is in the history.
    pub message_id: MessageId,
    /// What was asked.
    pub prompt: String,
    /// The SHA-256 of each image, in order.
    pub images: Vec<String>,
    /// A digest of this write's content and of the successful writes before it: equal writes have equal lineages.
    pub lineage: String,
    /// The run's own status.
    pub status: Status,
    /// What it was charged, once known; a run that failed free of charge has none.
    pub charged_cents: Option<Cents>,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewBook {
    /// The user's message it is in the history.
    pub message_id: MessageId,
    /// What was asked.
    pub prompt: String,
    /// About which revision.
    pub revision_id: RevisionId,
    /// Whether an iteration was proposed.
    pub proposed: bool,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Sums over the workspace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Jobs ever created.
    pub jobs: usize,
    /// Creates and follow-ups.
    pub writes: usize,
    /// Runs queued or running.
    pub active: usize,
    /// Runs that ended well.
    pub completed: usize,
    /// Runs that failed.
    pub failed: usize,
    /// Reviews.
    pub reviews: usize,
    /// Files fetched from storage.
    pub downloads: u64,
    /// All charges so far.
    pub charged_cents: Cents,
    /// All open holds.
    pub held_cents: Cents,
    /// All money ever paid in.
    pub topped_up_cents: Cents,
    /// Paid in less charged.
    pub balance_cents: Cents,
}

/// Polls sooner than told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EarlyPolls {
    /// All of them.
    pub count: u64,
    /// The first thousand.
    pub details: Vec<EarlyPoll>,
}

/// A poll sooner than told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlyPoll {
    /// Of which job.
    pub job: JobId,
    /// When it came, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The earliest time the last answer allowed.
    pub told_ms: i64,
}

/// Uses of idempotency keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyTally {
    /// Keys of successful writes.
    pub seen: u64,
    /// Exact retries that were answered as the first time.
    pub replays: u64,
    /// Keys that came again with another body.
    pub conflicts: u64,
}

impl Books {
    /// Opens the books of a world that was advanced to `now`.
    pub(crate) fn of(world: &World, now: i64) -> Self {
        let jobs: Vec<JobBook> = world
            .jobs
            .iter()
            .map(|job| JobBook::of(world, job, now))
            .collect();
        let writes = || jobs.iter().flat_map(|job| &job.writes);
        let having =
            |status: fn(Status) -> bool| writes().filter(|write| status(write.status)).count();
        let totals = Totals {
            jobs: jobs.len(),
            writes: writes().count(),
            active: having(Status::is_active),
            completed: having(|status| status == Status::Completed),
            failed: having(|status| status == Status::Failed),
            reviews: jobs.iter().map(|job| job.reviews.len()).sum(),
            downloads: world.downloads.values().sum(),
            charged_cents: world.account.charged,
            held_cents: world.account.held,
            topped_up_cents: world.account.topped_up,
            balance_cents: world.account.balance(),
        };
        Self {
            now_ms: now,
            jobs,
            totals,
            rate_limited: world.tallies.rate_limited.clone(),
            early_polls: world.tallies.early_polls.clone(),
            idempotency: world.tallies.keys.clone(),
            leaks: world.tallies.leaks,
        }
    }
}

impl JobBook {
    fn of(world: &World, job: &Job, now: i64) -> Self {
        let mut writes = Vec::new();
        let mut reviews = Vec::new();
        for exchange in &job.exchanges {
            match exchange {
                Exchange::Run(run) => writes.push(WriteBook::of(run, now)),
                Exchange::Review(review) => reviews.push(ReviewBook::of(review)),
            }
        }
        let artifacts = job.revisions(now).flat_map(|revision| &revision.artifacts);
        let downloads = artifacts
            .filter_map(|artifact| Some((artifact.id.clone(), *world.downloads.get(&artifact.id)?)))
            .collect();
        Self {
            id: job.id.clone(),
            created_ms: job.created_ms,
            prompt: job.first_run().prompt.clone(),
            images: image_digests(job.first_run()),
            writes,
            reviews,
            downloads,
        }
    }
}

impl WriteBook {
    fn of(run: &Run, now: i64) -> Self {
        Self {
            kind: run.kind,
            source: run.source,
            message_id: run.message.clone(),
            prompt: run.prompt.clone(),
            images: image_digests(run),
            lineage: run.lineage.hex(),
            status: run.status(now),
            charged_cents: run.charge(now),
            at_ms: run.queued_ms,
        }
    }
}

impl ReviewBook {
    fn of(review: &Review) -> Self {
        Self {
            message_id: review.message.clone(),
            prompt: review.prompt.clone(),
            revision_id: review.revision.clone(),
            proposed: review.proposal.is_some(),
            at_ms: review.at_ms,
        }
    }
}

fn image_digests(run: &Run) -> Vec<String> {
    run.images
        .iter()
        .map(|attached| attached.image.sha256.hex())
        .collect()
}
