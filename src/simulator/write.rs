//! How a write is answered: as the first time if its key is known, otherwise by what becomes of it.

use axum::http::StatusCode;

use super::app::Turn;
use super::digest::{Digest, Digester};
use super::effect::{Effect, KeyUse, Refused, Write, Written};
use super::errors::ApiError;
use super::ids::JobId;
use super::jobs::WriteKind;
use super::keys::{Answered, Endpoint, Known, Refusal};
use super::review::{self, Question};
use super::submit::{self, Submission};
use super::switches::{AcceptedStatus, Checked, Remembered, ReviewedStatus, Visibility};
use super::wire::Receipt;
use super::world::World;

/// What a client asks to be changed.
#[derive(Debug)]
pub(crate) enum WriteRequest {
    Create(Submission),
    FollowUp(JobId, Submission),
    Review(JobId, Question),
}

/// What tells a request from another: its meaning, or the digest of its body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Identity {
    Meaning,
    Bytes(Digest),
}

impl WriteRequest {
    fn endpoint(&self) -> Endpoint {
        match self {
            Self::Create(_) => Endpoint::Create,
            Self::FollowUp(..) => Endpoint::FollowUp,
            Self::Review(..) => Endpoint::Review,
        }
    }

    fn job(&self) -> Option<&JobId> {
        match self {
            Self::Create(_) => None,
            Self::FollowUp(job, _) | Self::Review(job, _) => Some(job),
        }
    }

    fn fingerprint(&self, identity: Identity) -> Digest {
        match (identity, self) {
            (Identity::Bytes(body), _) => Digester::new("bytes")
                .text(self.endpoint().name())
                .text(self.job().map_or("", JobId::as_str))
                .digest(&body)
                .finish(),
            (Identity::Meaning, Self::Create(submission)) => submission.fingerprint(None),
            (Identity::Meaning, Self::FollowUp(job, submission)) => {
                submission.fingerprint(Some(job))
            }
            (Identity::Meaning, Self::Review(job, question)) => question.fingerprint(job),
        }
    }

    /// Checks what is to be checked on this side of the key.
    fn check(
        &self,
        world: &World,
        job: Option<usize>,
        side: Checked,
        now: i64,
    ) -> Result<(), ApiError> {
        let switches = world.config.switches.idempotency;
        match (self, job) {
            (Self::FollowUp(..), Some(job)) if switches.active_run == side => {
                submit::may_follow(world, &world.jobs[job], now)?;
            }
            _ => {}
        }
        match self {
            Self::Create(_) if switches.billing == side => {
                submit::can_pay(world, WriteKind::Create, now)
            }
            Self::FollowUp(..) if switches.billing == side => {
                submit::can_pay(world, WriteKind::FollowUp, now)
            }
            Self::Create(_) | Self::FollowUp(..) | Self::Review(..) => Ok(()),
        }
    }

    fn decide(
        self,
        world: &World,
        job: Option<usize>,
        now: i64,
    ) -> Result<(Write, Receipt), ApiError> {
        match (self, job) {
            (Self::FollowUp(_, submission), Some(job)) => {
                Ok(submit::follow_up(world, job, submission, now))
            }
            (Self::Review(_, question), Some(job)) => review::review(world, job, question, now),
            (Self::Create(submission), _) => Ok(submit::create(world, submission, now)),
            (Self::FollowUp(..) | Self::Review(..), None) => Err(ApiError::NO_JOB),
        }
    }
}

impl Turn<'_> {
    /// Answers a write whose body could be read.
    pub(crate) fn write(
        &mut self,
        key: String,
        identity: Identity,
        request: WriteRequest,
    ) -> Result<(StatusCode, Receipt), ApiError> {
        let (endpoint, fingerprint) = (request.endpoint(), request.fingerprint(identity));
        let job = request.job().map(|id| self.job(id)).transpose()?;
        request.check(self.world, job, Checked::BeforeKey, self.now)?;
        let known = self
            .world
            .keys
            .find(&self.world.config, endpoint, &key, self.now);
        if let Some(known) = known.cloned() {
            return self.repeat(endpoint, fingerprint, known);
        }
        let decided = request
            .check(self.world, job, Checked::AfterKey, self.now)
            .and_then(|()| request.decide(self.world, job, self.now));
        match decided {
            Ok((write, receipt)) => {
                let key = KeyUse {
                    key,
                    fingerprint,
                    answer: receipt.clone(),
                };
                self.record(Effect::Wrote(Box::new(Written { write, key })));
                Ok(receipt.with_status(&self.world.config.switches.visibility))
            }
            Err(error) => {
                if let ApiError::ReviewFailed { question, .. } = &error {
                    let question = *question;
                    self.record(Effect::ReviewFailed { question });
                }
                let switches = &self.world.config.switches;
                if switches.idempotency.remembered == Remembered::Refusals {
                    self.record(Effect::Refused(Box::new(Refused {
                        endpoint,
                        key,
                        fingerprint,
                        refusal: Refusal::of(&error, &switches.visibility),
                    })));
                }
                Err(error)
            }
        }
    }

    fn repeat(
        &mut self,
        endpoint: Endpoint,
        fingerprint: Digest,
        known: Known,
    ) -> Result<(StatusCode, Receipt), ApiError> {
        let class = endpoint.class();
        if known.fingerprint != fingerprint {
            self.record(Effect::KeyConflict { class });
            return Err(ApiError::IdempotencyKeyConflict);
        }
        self.record(Effect::Replayed { class });
        match known.answer {
            Answered::Accepted(receipt) => {
                Ok(receipt.with_status(&self.world.config.switches.visibility))
            }
            Answered::Refused(refusal) => Err(ApiError::Repeated(refusal)),
        }
    }
}

impl Receipt {
    fn with_status(self, switches: &Visibility) -> (StatusCode, Self) {
        let status = match &self {
            Self::Accepted(_) => match switches.accepted {
                AcceptedStatus::Accepted => StatusCode::ACCEPTED,
                AcceptedStatus::Ok => StatusCode::OK,
                AcceptedStatus::Created => StatusCode::CREATED,
            },
            Self::Reviewed(_) => match switches.reviewed {
                ReviewedStatus::Ok => StatusCode::OK,
                ReviewedStatus::Created => StatusCode::CREATED,
            },
        };
        (status, self)
    }
}
