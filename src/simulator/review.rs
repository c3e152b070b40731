//! Reviews: what a client asks, whether it is answered, and what the assistant says.

use serde::Deserialize;
use serde_json::Value;

use super::digest::{Digest, Digester};
use super::directives::{Directives, Propose};
use super::effect::Write;
use super::errors::{ApiError, ReviewFailure};
use super::ids::{JobId, Place, RevisionId};
use super::jobs::{Job, Proposal, Review, Revision, Status};
use super::wire::{Receipt, ReviewBody, Reviewed};
use super::world::World;

/// What a review asks.
#[derive(Debug, Deserialize)]
pub(crate) struct Question {
    pub(crate) prompt: String,
    pub(crate) revision_id: Option<RevisionId>,
    pub(crate) viewer_state: Option<Value>,
}

impl Question {
    /// What makes two reviews the same to the service.
    pub(crate) fn fingerprint(&self, job: &JobId) -> Digest {
        let viewer_state = self.viewer_state.as_ref().unwrap_or(&Value::Null);
        Digester::new("review")
            .text(job.as_str())
            .text(&self.prompt)
            .text(self.revision_id.as_ref().map_or("", RevisionId::as_str))
            .text(&viewer_state.to_string())
            .finish()
    }
}

/// What becomes of a review.
pub(crate) fn review(
    world: &World,
    index: usize,
    question: Question,
    now: i64,
) -> Result<(Write, Receipt), ApiError> {
    let job = &world.jobs[index];
    let revision = reviewed_revision(job, question.revision_id.as_ref(), now)?;
    is_answered(world, &job.id, &question)?;
    let place = Place {
        seed: world.config.seed,
        since_ms: world.since_ms,
        job: index,
        exchange: job.exchanges.len(),
    };
    let review = Review {
        at_ms: now,
        message: place.user_message(),
        revision: revision.id.clone(),
        reply: place.assistant_message(),
        answer: format!(
            "Revision {} is generally straightforward to manufacture. {}",
            revision.letter,
            revision.design.explanation()
        ),
        proposal: proposal(job, revision, &question.prompt, now),
        prompt: question.prompt,
    };
    let receipt = Receipt::Reviewed(Reviewed {
        job_id: job.id.clone(),
        revision_id: review.revision.clone(),
        message_id: review.message.clone(),
        assistant_message_id: review.reply.clone(),
        review: ReviewBody::of(&review, &world.config.switches.visibility),
    });
    let job = job.id.clone();
    Ok((Write::Reviewed { job, review }, receipt))
}

/// The revision asked for, or the latest; only a completed job has one to review.
fn reviewed_revision<'a>(
    job: &'a Job,
    asked: Option<&RevisionId>,
    now: i64,
) -> Result<&'a Revision, ApiError> {
    match (job.status(now), job.latest_revision(now)) {
        (Status::Completed, Some(latest)) => match asked {
            None => Ok(latest),
            Some(id) => job
                .revisions(now)
                .find(|revision| revision.id == *id)
                .ok_or(ApiError::NotFound("Revision not found")),
        },
        (Status::Failed, None) => Err(ApiError::CadRevisionRequired),
        _ => Err(ApiError::JobNotCompleted),
    }
}

/// Whether the assistant answers: a prompt may order that it does not, the first times or ever.
fn is_answered(world: &World, job: &JobId, question: &Question) -> Result<(), ApiError> {
    let directives = Directives::of(&question.prompt);
    let question = question.fingerprint(job);
    let before = world.failed_reviews.get(&question).copied().unwrap_or(0);
    let failed = |how| Err(ApiError::ReviewFailed { how, question });
    if directives.review_fails.covers(before) {
        failed(ReviewFailure::Failed)
    } else if directives.review_unavailable.covers(before) {
        failed(ReviewFailure::Unavailable)
    } else {
        Ok(())
    }
}

fn proposal(job: &Job, revision: &Revision, prompt: &str, now: i64) -> Option<Proposal> {
    let equals = job.reviews().filter(|review| review.prompt == prompt);
    let mut before = equals.filter_map(|review| review.proposal.as_ref());
    let proposes = match Directives::of(prompt).propose {
        Propose::The(first) => first.covers(u32::try_from(before.count()).unwrap_or(u32::MAX)),
        Propose::UntilDone => !before.any(|proposal| is_done(job, proposal, now)),
    };
    proposes.then(|| Proposal {
        summary: format!("Break the sharp edges of revision {}", revision.letter),
        prompt: format!(
            "Break all sharp edges of revision {} with a 0.5 mm chamfer.",
            revision.letter
        ),
    })
}

/// Whether a run that ended well was asked for what was proposed, in its words or in those that are shown of it.
fn is_done(job: &Job, proposal: &Proposal, now: i64) -> bool {
    job.runs().any(|run| {
        let asked = run.prompt.contains(&proposal.prompt) || run.prompt.contains(&proposal.summary);
        asked && run.revision(now).is_some()
    })
}
