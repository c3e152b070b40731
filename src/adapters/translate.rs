//! The typed client's answers in the engine's words: the one place that says what each of them is to us. And the engine's
//! images in the client's words.

use crate::api::{self, CallError, ErrorCode, JobStatus, Untrusted, UntrustedValue};
use crate::execute::ports::ImageFile;
use crate::plan::content::ImageType;
use crate::plan::money::Cents;
use crate::plan::remote::{
    Artifact, ArtifactId, JobId, RequestId, ReviewResult, RevisionId, Timestamp, WriteResult,
};
use crate::run::call::{Call, Endpoint};
use crate::schedule::answer::{Answer, Ground, JobLine, JobView, Phase, Rejection, Verdict};
use crate::schedule::witness::{ImageFacts, Message};

pub(super) fn job_view(job: api::Job) -> JobView {
    let charged = job
        .cost
        .and_then(|cost| cost.charged)
        .map(|cents| Cents(cents.get()));
    match job.status {
        JobStatus::Completed => JobView::Completed(WriteResult {
            revision: job
                .latest_revision_id
                .map(|id| RevisionId(id.as_str().to_owned())),
            explanation: raw(job.explanation.unwrap_or_default()),
            charged,
            artifacts: {
                let root = job.assembly_tree.and_then(|tree| tree.artifact_id);
                let all = job.artifacts.into_iter();
                all.map(|one| artifact(one, root.as_ref())).collect()
            },
        }),
        // Why a job failed is nowhere on the job; a web page or the message history may tell.
        JobStatus::Failed => JobView::Failed {
            charged,
            why: job
                .explanation
                .map_or_else(|| "the service failed the job".to_owned(), raw),
        },
        status => JobView::Active {
            status: raw(status.to_untrusted()),
            poll_after: job.poll_after,
        },
    }
}

/// A page of the job list.
pub(super) fn job_lines(page: api::JobPage) -> Answer {
    let line = |job: api::JobSummary| JobLine {
        id: JobId(job.id.as_str().to_owned()),
        preview: raw(job.prompt_preview.unwrap_or_default()),
        created_at: moment(job.created_at),
        phase: match job.status {
            JobStatus::Queued | JobStatus::Running => Phase::AtWork,
            JobStatus::Completed | JobStatus::Failed => Phase::Ended,
            JobStatus::Other(_) => Phase::Unknown,
        },
    };
    Answer::Jobs {
        jobs: page.jobs.into_iter().map(line).collect(),
        next: page.next_cursor.map(raw),
    }
}

/// A message of a job's history.
pub(super) fn message(message: api::Message) -> Message {
    let image = |image: api::MessageImage| {
        let (media_type, bytes) = (raw(image.content_type?), image.size_bytes?);
        Some(ImageFacts { media_type, bytes })
    };
    Message {
        by_user: message.role == api::Role::User,
        text: raw(message.content),
        images: message.images.into_iter().map(image).collect(),
        at: moment(message.created_at),
        made_revision: message.revision_id.is_some(),
        review: message.review.map(|note| ReviewResult {
            proposal: proposal(&note.iteration_proposal),
            message: raw(note.message),
        }),
    }
}

/// A moment of the service's clock; `None` when it is not written as the document writes them.
fn moment(text: Option<Untrusted>) -> Option<Timestamp> {
    let moment: jiff::Timestamp = raw(text?).parse().ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

fn artifact(artifact: api::Artifact, root: Option<&api::ArtifactId>) -> Artifact {
    Artifact {
        is_root: root == Some(&artifact.id),
        id: ArtifactId(artifact.id.as_str().to_owned()),
        label: raw(artifact.label.unwrap_or_default()),
        kind: artifact.kind.map_or_else(|| "step".to_owned(), raw),
        stored: None,
    }
}

/// A text of the service, as the journal keeps it: whoever shows it makes it safe.
pub(super) fn raw(text: Untrusted) -> String {
    text.into_raw_untrusted()
}

/// A proposal's summary. Its shape is not documented: what is no object with a `summary` is shown as it came.
pub(super) fn proposal(proposal: &UntrustedValue) -> Option<String> {
    proposal.summary("summary").map(raw)
}

pub(super) fn done_call<T>(endpoint: Endpoint, reply: &api::Reply<T>) -> Call {
    let request_id = reply
        .request_ids
        .preferred()
        .map(|id| RequestId(id.as_str().to_owned()));
    Call {
        endpoint,
        status: Some(reply.status),
        request_id,
        rate_limited: false,
    }
}

/// A call of which nothing is known, not even whether it went out.
pub(super) const fn no_call(endpoint: Endpoint) -> Call {
    Call {
        endpoint,
        status: None,
        request_id: None,
        rate_limited: false,
    }
}

pub(super) fn failed_call(endpoint: Endpoint, error: &CallError) -> Call {
    let request_ids = match error {
        CallError::Refused { request_ids, .. } | CallError::Unknown { request_ids, .. } => {
            request_ids.preferred()
        }
        CallError::NotSent { .. } => None,
    };
    let request_id = request_ids.map(|id| RequestId(id.as_str().to_owned()));
    let rate_limited = match error {
        CallError::Refused { status, code, .. } => ground(*status, code) == Ground::RateLimited,
        CallError::Unknown { status, .. } => *status == Some(429),
        CallError::NotSent { .. } => false,
    };
    Call {
        endpoint,
        status: error.status(),
        request_id,
        rate_limited,
    }
}

pub(super) fn verdict(error: CallError) -> Verdict {
    match error {
        CallError::NotSent { reason } => Verdict::NotSent { why: reason },
        CallError::Refused {
            status,
            code,
            message,
            retry_after,
            ..
        } => Verdict::Refused(Rejection {
            ground: ground(status, &code),
            code: code.as_str().to_owned(),
            message: raw(message),
            retry_after,
        }),
        CallError::Unknown {
            reason,
            status,
            code,
            message,
            retry_after,
            ..
        } => {
            let words = [
                code.map(|code| code.as_str().to_owned()),
                (!message.is_empty()).then(|| raw(message)),
            ];
            let words: Vec<String> = words.into_iter().flatten().collect();
            let status = status.map(|status| format!(" (HTTP {status})"));
            let detail = if words.is_empty() {
                String::new()
            } else {
                format!(": {}", words.join(": "))
            };
            Verdict::Unknown {
                why: format!("{reason}{}{detail}", status.unwrap_or_default()),
                retry_after,
            }
        }
    }
}

/// What a refusal means. The code decides; one that we don't know leaves it to the status.
fn ground(status: u16, code: &ErrorCode) -> Ground {
    match code {
        ErrorCode::RateLimited => Ground::RateLimited,
        ErrorCode::JobAlreadyRunning => Ground::Busy,
        ErrorCode::BillingRequired
        | ErrorCode::BillingNeedsReview
        | ErrorCode::InsufficientBalance
        | ErrorCode::ProjectedBalanceExceeded => Ground::Money,
        ErrorCode::Unauthorized | ErrorCode::InsufficientScope => Ground::Key,
        ErrorCode::NotFound => Ground::NotFound,
        ErrorCode::Other(_) => match status {
            401 | 403 => Ground::Key,
            402 => Ground::Money,
            404 => Ground::NotFound,
            429 => Ground::RateLimited,
            _ => Ground::Request,
        },
        _ => Ground::Request,
    }
}

pub(super) fn api_images(images: Vec<ImageFile>) -> Vec<api::Image> {
    let media_type = |image_type| match image_type {
        ImageType::Jpeg => api::ImageType::Jpeg,
        ImageType::Png => api::ImageType::Png,
        ImageType::Webp => api::ImageType::Webp,
        ImageType::Gif => api::ImageType::Gif,
        ImageType::Heic => api::ImageType::Heic,
        ImageType::Heif => api::ImageType::Heif,
    };
    images
        .into_iter()
        .map(|image| api::Image {
            bytes: image.bytes,
            media_type: media_type(image.image_type),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_code_decides_and_an_unknown_one_leaves_it_to_the_status() {
        for (status, code, expected) in [
            (429, "projected_balance_exceeded", Ground::Money),
            (400, "rate_limited", Ground::RateLimited),
            (409, "job_already_running", Ground::Busy),
            (401, "invalid_api_key", Ground::Key),
            (403, "forbidden", Ground::Key),
            (402, "payment_due", Ground::Money),
            (404, "job_not_found", Ground::NotFound),
            (429, "too_many_requests", Ground::RateLimited),
            (409, "odd_conflict", Ground::Request),
            (400, "prompt_too_long", Ground::Request),
        ] {
            assert_eq!(ground(status, &code.into()), expected, "{status} {code}");
        }
    }
}
