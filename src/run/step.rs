//! What a run's state is made of: how far a step and a part came, and a balance that was read.

use std::time::Duration;

use super::outcome::Outcome;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::memory::{Claim, Published};
use crate::plan::money::Cents;
use crate::plan::remote::Timestamp;

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Something before it has not ended.
    Waiting,
    /// It may start.
    Ready,
    /// It was started; the memory knows how far its send came.
    Active,
    /// A person is asked: it ends with their word.
    Asking,
    /// It ended.
    Done(Outcome),
}

/// One step of a run.
#[derive(Debug, Clone)]
pub struct StepRun {
    /// How far it came.
    pub state: StepState,
    /// How often it was sent with a new key in this run.
    pub attempts: u32,
    /// How many of its attempts the service failed in this run.
    pub failures: u32,
    /// What went wrong, in our words and the service's.
    pub error: Option<String>,
    /// What is odd about its files.
    pub warnings: Vec<String>,
    /// The files that it published.
    pub files: Vec<Published>,
    pub(super) needs: Needs,
}

/// What a step waits for beside its part, and what waits for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Needs {
    /// How many steps of other parts have not ended.
    pub(super) left: u32,
    /// Whether one of them did not succeed.
    pub(super) failed: bool,
    /// The steps of other parts that wait for it.
    pub(super) dependents: Vec<StepIx>,
}

/// A balance that was read and not used yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// When it was recorded.
    pub at: Timestamp,
    /// What the service showed.
    pub available: Cents,
    /// The hold that it showed.
    pub hold: Cents,
    /// The holds of our sends that had been answered when it was asked for.
    pub settled: Cents,
}

impl Reading {
    /// How long a balance is worth anything: others spend too.
    const FRESH: Duration = Duration::from_secs(60);

    /// Whether it may still be relied on.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.at) <= Self::FRESH
    }
}

/// How far a part came.
#[derive(Debug, Clone)]
pub(super) struct PartRun {
    pub(super) first: u32,
    pub(super) end: u32,
    /// The step that is next to end.
    pub(super) cursor: u32,
    pub(super) needs_left: u32,
    /// A part that it needs did not succeed.
    pub(super) needs_failed: bool,
    /// A step of its own did not succeed.
    pub(super) failed: bool,
    pub(super) dependents: Vec<PartIx>,
}

impl PartRun {
    /// A part with the steps from `first` to before `end`, none of which was looked at.
    pub(super) const fn new(first: u32, end: u32) -> Self {
        Self {
            first,
            end,
            cursor: first,
            needs_left: 0,
            needs_failed: false,
            failed: false,
            dependents: Vec::new(),
        }
    }
}

/// What is said of a create whose job may be there already.
#[must_use]
pub(super) fn claim_error(claim: &Claim) -> String {
    let jobs: Vec<&str> = claim.jobs.iter().map(|job| job.0.as_str()).collect();
    format!("{}: {}", claim.why, jobs.join(", "))
}

/// What a review's proposal says to somebody who wanted none.
#[must_use]
pub(super) fn proposal_error(summary: &str) -> String {
    format!("the review proposes an iteration: {summary}")
}
