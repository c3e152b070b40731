//! A user of the web app: somebody who works in the same workspace, behind the client's back.
//!
//! What they start is paid from the same account and ends like any run, but it has no idempotency key, passes no rate
//! limit, and nobody is told when to poll.

use super::effect::{Effect, Write};
use super::errors::ApiError;
use super::ids::JobId;
use super::jobs::{Source, Status, WriteKind};
use super::submit::{self, Submission};
use super::world::World;

/// Starts a job.
pub(crate) fn create(world: &World, prompt: String, now: i64) -> Result<(Effect, JobId), ApiError> {
    submit::can_pay(world, WriteKind::Create, now)?;
    let (write, _) = submit::create(world, said(prompt), now);
    Ok(theirs(write))
}

/// Goes on with a job of anybody's.
pub(crate) fn iterate(
    world: &World,
    job: usize,
    prompt: String,
    now: i64,
) -> Result<(Effect, JobId), ApiError> {
    submit::may_follow(world, &world.jobs[job], now)?;
    submit::can_pay(world, WriteKind::FollowUp, now)?;
    let (write, _) = submit::follow_up(world, job, said(prompt), now);
    Ok(theirs(write))
}

fn said(prompt: String) -> Submission {
    Submission {
        prompt,
        images: Vec::new(),
    }
}

fn theirs(mut write: Write) -> (Effect, JobId) {
    let job = match &mut write {
        Write::Created { job, run } | Write::FollowedUp { job, run } => {
            run.source = Source::Webapp;
            job.clone()
        }
        Write::Reviewed { job, .. } => job.clone(),
    };
    (Effect::WebappWrote(Box::new(write)), job)
}

/// How a job looks to its user.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Seen {
    id: JobId,
    status: Status,
    hidden: bool,
}

impl Seen {
    pub(crate) fn of(world: &World, job: usize, now: i64) -> Self {
        let job = &world.jobs[job];
        Self {
            id: job.id.clone(),
            status: job.status(now),
            hidden: job.hidden,
        }
    }
}
