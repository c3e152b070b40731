//! What comes back from the service, in the engine's own words.

use std::time::Duration;

use super::witness::Message;
use crate::plan::money::Cents;
use crate::plan::remote::{JobId, ReviewResult, Stored, Timestamp, WriteResult};
use crate::run::call::Call;

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The facts of the request.
    pub call: Call,
    /// What came of it.
    pub verdict: Verdict,
}

impl Reply {
    /// How long the service asks us to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.verdict {
            Verdict::Refused(rejection) => rejection.retry_after,
            Verdict::Unknown { retry_after, .. } => *retry_after,
            Verdict::Done(_) | Verdict::NotSent { .. } => None,
        }
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It was done.
    Done(Answer),
    /// A clear answer: it was not done.
    Refused(Rejection),
    /// We can't tell.
    Unknown {
        /// What came instead of an answer.
        why: String,
        /// How long the service asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Nothing left this machine.
    NotSent {
        /// What stood in the way.
        why: String,
    },
}

/// What a request brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A create or follow-up is queued.
    Accepted {
        /// The job.
        job: JobId,
        /// Not to be polled sooner.
        poll_after: Option<Duration>,
    },
    /// A review.
    Reviewed(ReviewResult),
    /// A job.
    Job(JobView),
    /// The balance.
    Balance {
        /// What is available.
        available: Cents,
        /// What a job reserves.
        hold: Cents,
        /// The currency.
        currency: String,
    },
    /// A page of the job list.
    Jobs {
        /// The jobs.
        jobs: Vec<JobLine>,
        /// What to ask the next page with.
        next: Option<String>,
    },
    /// A job's history.
    History(Vec<Message>),
    /// A file is in the content store.
    File(Stored),
}

/// How far a job is, as the list says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It is queued or at work.
    AtWork,
    /// It is done, or failed.
    Ended,
    /// In a state that we don't know, or none.
    Unknown,
}

/// A job, as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLine {
    /// Which.
    pub id: JobId,
    /// The beginning of its first prompt; text of the service.
    pub preview: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// How far it is.
    pub phase: Phase,
}

/// A job, as a poll shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum JobView {
    /// It is queued, at work, or in a state that we don't know.
    Active {
        /// What the service calls it.
        status: String,
        /// Not to be polled sooner.
        poll_after: Option<Duration>,
    },
    /// It is done.
    Completed(WriteResult),
    /// The service failed it.
    Failed {
        /// What it was charged so far.
        charged: Option<Cents>,
        /// The service's words, if there are any.
        why: String,
    },
}

/// A clear refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// What it means for us.
    pub ground: Ground,
    /// The service's error code.
    pub code: String,
    /// The service's words.
    pub message: String,
    /// How long the service asks us to wait.
    pub retry_after: Option<Duration>,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Too many requests: later.
    RateLimited,
    /// The job has a run that is not ours: later.
    Busy,
    /// The workspace lacks money.
    Money,
    /// The API key or its scope.
    Key,
    /// There is no such thing.
    NotFound,
    /// The request itself.
    Request,
}
