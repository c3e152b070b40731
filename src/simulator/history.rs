//! The JSON of a job's conversation (section "Read message history").

use serde::Serialize;

use super::ids::{FileId, JobId, MessageId, RevisionId};
use super::jobs::{Exchange, Job, Run, Status};
use super::sanitize;
use super::switches::Visibility;
use super::wire::{ArtifactBody, ReviewBody, artifact_bodies, timestamp};

/// What is said of a failed run.
pub(crate) const REGRET: &str = "The CAD model could not be generated for this request.";

#[derive(Serialize)]
pub(crate) struct History {
    job_id: JobId,
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Message {
    id: MessageId,
    role: &'static str,
    content: String,
    created_at: String,
    images: Vec<ImageBody>,
    revision_id: Option<RevisionId>,
    revision: Option<String>,
    artifacts: Vec<ArtifactBody>,
    review: Option<ReviewBody>,
}

#[derive(Serialize)]
struct ImageBody {
    id: FileId,
    filename: String,
    content_type: &'static str,
    size_bytes: u64,
}

impl History {
    pub(crate) fn of(switches: &Visibility, job: &Job, now: i64) -> Self {
        let mut messages = Vec::new();
        for exchange in &job.exchanges {
            match exchange {
                Exchange::Run(run) => {
                    messages.push(Message::asked(switches, run));
                    messages.extend(Message::made(switches, job, run, now));
                }
                Exchange::Review(review) => {
                    messages.push(Message::text(
                        "user",
                        &review.message,
                        &sanitize::content(&review.prompt, switches.history),
                        review.at_ms,
                    ));
                    messages.push(Message {
                        review: Some(ReviewBody::of(review, switches)),
                        ..Message::text("assistant", &review.reply, &review.answer, review.at_ms)
                    });
                }
            }
        }
        Self {
            job_id: job.id.clone(),
            messages,
        }
    }
}

impl Message {
    fn text(role: &'static str, id: &MessageId, content: &str, at_ms: i64) -> Self {
        Self {
            id: id.clone(),
            role,
            content: content.to_owned(),
            created_at: timestamp(at_ms),
            images: Vec::new(),
            revision_id: None,
            revision: None,
            artifacts: Vec::new(),
            review: None,
        }
    }

    fn asked(switches: &Visibility, run: &Run) -> Self {
        let images = run.images.iter().map(|attached| ImageBody {
            id: attached.id.clone(),
            filename: attached.image.filename.clone(),
            content_type: attached.image.content_type.mime(),
            size_bytes: attached.image.size_bytes,
        });
        Self {
            images: images.collect(),
            ..Self::text(
                "user",
                &run.message,
                &sanitize::content(&run.prompt, switches.history),
                run.queued_ms,
            )
        }
    }

    /// The assistant's message at the end of a run.
    fn made(switches: &Visibility, job: &Job, run: &Run, now: i64) -> Option<Self> {
        match run.status(now) {
            Status::Queued | Status::Running => None,
            Status::Failed => Some(Self::text("assistant", &run.reply, REGRET, run.ends_ms)),
            Status::Completed => {
                let revision = run.revision(now)?;
                let explanation = revision.design.explanation();
                let said = Self::text("assistant", &run.reply, &explanation, run.ends_ms);
                if job.hides(revision, switches.during_follow_up, now) {
                    return Some(said);
                }
                Some(Self {
                    revision_id: Some(revision.id.clone()),
                    revision: Some(revision.letter.clone()),
                    artifacts: artifact_bodies(revision),
                    ..said
                })
            }
        }
    }
}
