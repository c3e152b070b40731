//! Creates and follow-ups: whether one is accepted, and what becomes of its run.
//!
//! A run's fate (duration, failure, charge) is drawn from the seed, its content and how often that content was asked
//! for before: who asks, and with which key, plays no part.

use super::attachment::{Attachment, Image};
use super::billing::{BillingState, Shortage};
use super::cents::Cents;
use super::design::Design;
use super::digest::{Digest, Digester};
use super::directives::Directives;
use super::effect::Write;
use super::errors::ApiError;
use super::ids::{JobId, MessageId, Place};
use super::jobs::{self, Artifact, End, Job, Revision, Run, Source, Status, WriteKind};
use super::step;
use super::switches::{AfterFailure, Charges, FailedRuns, FollowUpHold};
use super::wire::{Accepted, Receipt, Seconds};
use super::world::World;

/// What charges start at, in cents.
const LEAST_CHARGE: i64 = 120;

/// What a create or follow-up asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Submission {
    pub(crate) prompt: String,
    pub(crate) images: Vec<Image>,
}

impl Submission {
    /// What makes two writes the same to the service: endpoint, job, prompt and images; not their framing.
    pub(crate) fn fingerprint(&self, job: Option<&JobId>) -> Digest {
        let endpoint = job.map_or("create", |_| "follow_up");
        let digester = Digester::new("write")
            .text(endpoint)
            .text(job.map_or("", JobId::as_str));
        self.digested(digester)
    }

    fn lineage(&self, kind: WriteKind, parent: Option<&Run>) -> Digest {
        let digester = Digester::new("lineage").text(kind.name());
        let digester = match parent {
            Some(run) => digester.digest(&run.lineage),
            None => digester,
        };
        self.digested(digester)
    }

    fn digested(&self, digester: Digester) -> Digest {
        let prompted = digester.text(&self.prompt).number(self.images.len() as u64);
        let images = self.images.iter().fold(prompted, |digester, image| {
            digester
                .digest(&image.sha256)
                .text(image.content_type.mime())
                .text(&image.filename)
        });
        images.finish()
    }
}

/// What becomes of an accepted create.
pub(crate) fn create(world: &World, submission: Submission, now: i64) -> (Write, Receipt) {
    let place = Place {
        seed: world.config.seed,
        since_ms: world.since_ms,
        job: world.jobs.len(),
        exchange: 0,
    };
    let job = place.job_id();
    let receipt = accepted(world, job.clone(), None);
    let run = run(world, place, None, submission, now);
    (Write::Created { job, run }, receipt)
}

/// Whether a job takes a follow-up.
pub(crate) fn may_follow(world: &World, job: &Job, now: i64) -> Result<(), ApiError> {
    let after_failure = world.config.switches.visibility.after_failure;
    match job.status(now) {
        Status::Queued | Status::Running => Err(ApiError::JobAlreadyRunning),
        Status::Failed if after_failure == AfterFailure::Refused => Err(ApiError::JobNotCompleted),
        Status::Completed | Status::Failed => Ok(()),
    }
}

/// What becomes of an accepted follow-up.
pub(crate) fn follow_up(
    world: &World,
    index: usize,
    submission: Submission,
    now: i64,
) -> (Write, Receipt) {
    let job = &world.jobs[index];
    let place = Place {
        seed: world.config.seed,
        since_ms: world.since_ms,
        job: index,
        exchange: job.exchanges.len(),
    };
    let receipt = accepted(world, job.id.clone(), Some(place.user_message()));
    let run = run(world, place, Some(job), submission, now);
    let job = job.id.clone();
    (Write::FollowedUp { job, run }, receipt)
}

/// What a client is told to wait before its next poll of an active job.
pub(crate) fn poll_after(world: &World) -> Option<Seconds> {
    world.config.poll_after_ms().map(Seconds::from_ms)
}

fn accepted(world: &World, id: JobId, message_id: Option<MessageId>) -> Receipt {
    Receipt::Accepted(Accepted {
        id,
        status: Status::Queued,
        message_id,
        poll_after_seconds: poll_after(world),
    })
}

/// Whether the billing lets another run start, and whether there is money for it.
pub(crate) fn can_pay(world: &World, kind: WriteKind, now: i64) -> Result<(), ApiError> {
    if world.billing != BillingState::Open {
        return Err(ApiError::Billing(world.billing));
    }
    let switches = world.config.switches.billing;
    if kind == WriteKind::FollowUp && switches.follow_ups == FollowUpHold::Free {
        return Ok(());
    }
    world
        .account
        .can_hold(world.config.hold_cents, switches.insufficient, now)
        .map_err(|shortage| match shortage {
            Shortage::Empty => ApiError::InsufficientBalance,
            Shortage::Held {
                first_settles_in_ms,
            } => ApiError::ProjectedBalanceExceeded {
                wait_ms: first_settles_in_ms,
            },
        })
}

/// Writes the whole timetable of a run.
fn run(world: &World, place: Place, job: Option<&Job>, submission: Submission, now: i64) -> Run {
    let kind = if job.is_some() {
        WriteKind::FollowUp
    } else {
        WriteKind::Create
    };
    let parent = job.and_then(|job| job.latest_success(now));
    let lineage = submission.lineage(kind, parent);
    let directives = Directives::of(&submission.prompt);
    let fate = Fate::draw(world, &directives, &lineage);
    let ends_ms = now.saturating_add(world.config.scaled_ms(fate.duration_ms));
    let switches = world.config.switches.billing;
    let late_ms = directives
        .charge_late_ms
        .unwrap_or(i64::from(switches.late_seconds) * 1_000);
    let charge_known_ms = ends_ms.saturating_add(world.config.scaled_ms(late_ms));
    let end = if fate.fails {
        match switches.failed_runs {
            FailedRuns::Free => End::Failed,
            FailedRuns::Charged => End::FailedAtACost {
                charge: fate.charge,
                charge_known_ms,
            },
        }
    } else {
        let design = match parent.and_then(|run| run.revision(now)) {
            Some(revision) => revision.design.iterate(&submission.prompt),
            None => Design::create(&submission.prompt),
        };
        let number = job.map_or(0, |job| job.revisions(now).count());
        End::Completed {
            revision: revision(world, place, number, design, &lineage),
            charge: fate.charge,
            charge_known_ms,
        }
    };
    let attach = |(index, image)| Attachment {
        id: place.file(index),
        image,
    };
    Run {
        kind,
        source: Source::Api,
        message: place.user_message(),
        prompt: submission.prompt,
        images: submission
            .images
            .into_iter()
            .enumerate()
            .map(attach)
            .collect(),
        lineage,
        hold: match (kind, switches.follow_ups) {
            (WriteKind::FollowUp, FollowUpHold::Free) => Cents(0),
            (WriteKind::Create | WriteKind::FollowUp, _) => world.config.hold_cents,
        },
        queued_ms: now,
        started_ms: now.saturating_add(world.config.scaled_ms(fate.duration_ms / 10)),
        ends_ms,
        reply: place.assistant_message(),
        end,
    }
}

/// What the seed has in store for a run.
struct Fate {
    /// Before division.
    duration_ms: i64,
    fails: bool,
    charge: Cents,
}

impl Fate {
    fn draw(world: &World, directives: &Directives, lineage: &Digest) -> Self {
        let config = &world.config;
        let attempt = world.attempts(lineage);
        let luck = Digester::new("fate")
            .number(config.seed)
            .digest(lineage)
            .number(u64::from(attempt))
            .finish();
        let between = |index, least: i64, most: i64| {
            let span = u64::try_from(most - least + 1).unwrap_or(0);
            least + i64::try_from(luck.draw(index, span)).unwrap_or(0)
        };
        let (shortest, longest) = (*config.job_seconds.start(), *config.job_seconds.end());
        Self {
            duration_ms: directives.duration_ms.unwrap_or_else(|| {
                between(0, i64::from(shortest) * 1_000, i64::from(longest) * 1_000)
            }),
            fails: directives.fail.covers(attempt)
                || luck.draw(1, 100) < u64::from(config.failure_percent),
            charge: directives.cost.unwrap_or_else(|| {
                let hold = config.hold_cents.0.max(0);
                Cents(match config.switches.billing.charges {
                    Charges::WithinHold => between(2, LEAST_CHARGE.min(hold), hold),
                    Charges::BeyondHold => between(2, hold + 1, hold * 2 + 1),
                })
            }),
        }
    }
}

fn revision(
    world: &World,
    place: Place,
    number: usize,
    design: Design,
    lineage: &Digest,
) -> Revision {
    let file_number = Digester::new("filename")
        .number(world.config.seed)
        .digest(lineage)
        .finish()
        .draw(0, 900);
    let whole = design.label.clone();
    let labels = (1..=design.parts().len()).map(|part| step::part_label(&design.label, part));
    let artifacts = std::iter::once(whole)
        .chain(labels)
        .enumerate()
        .map(|(index, label)| Artifact {
            id: place.artifact(index),
            filename: format!("{}_{label}.step", 100 + file_number),
            label,
        })
        .collect();
    Revision {
        id: place.revision(),
        letter: jobs::letters(number),
        artifacts,
        design,
    }
}
