//! What can happen to the world. The world is the fold of these; they are what the log keeps.

use serde::{Deserialize, Serialize};

use super::billing::BillingState;
use super::cents::Cents;
use super::config::KeyState;
use super::digest::Digest;
use super::ids::{ArtifactId, JobId};
use super::jobs::{Review, Run};
use super::keys::{Endpoint, Refusal};
use super::limits::{Bucket, Class};
use super::wire::Receipt;

/// An effect with the time it happened at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) at_ms: i64,
    pub(crate) effect: Effect,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    Wrote(Box<Written>),
    /// A user of the web app changed something, without a key.
    WebappWrote(Box<Write>),
    ToppedUp {
        cents: Cents,
    },
    /// The billing changed its mind about the workspace.
    BillingBecame {
        state: BillingState,
    },
    /// An API key ended, or began again; it is told by its digest.
    KeyBecame {
        key: Digest,
        state: KeyState,
    },
    /// The charges of a job's ended runs came.
    ChargeKnown {
        job: JobId,
    },
    /// A job was hidden from lists, or shown again.
    HiddenBecame {
        job: JobId,
        hidden: bool,
    },
    /// A signed URL that works once was used.
    LinkUsed {
        signature: String,
    },
    /// The review assistant did not answer.
    ReviewFailed {
        question: Digest,
    },
    /// A write was refused, and that is remembered.
    Refused(Box<Refused>),
    /// A remembered answer was given again.
    Replayed {
        class: Class,
    },
    /// A key came with another body than its first.
    KeyConflict {
        class: Class,
    },
    RateLimited {
        class: Class,
    },
    PolledEarly {
        job: JobId,
        told_ms: i64,
    },
    /// Storage was shown what is the API's alone to see.
    Leaked,
    Downloaded {
        artifact: ArtifactId,
    },
}

/// An accepted write with its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) write: Write,
    pub(crate) key: KeyUse,
}

/// A refused write with its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) endpoint: Endpoint,
    pub(crate) key: String,
    pub(crate) fingerprint: Digest,
    pub(crate) refusal: Refusal,
}

/// What a client changed for good.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Write {
    Created { job: JobId, run: Run },
    FollowedUp { job: JobId, run: Run },
    Reviewed { job: JobId, review: Review },
}

/// A successful write's idempotency key, what it was used for, and what was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeyUse {
    pub(crate) key: String,
    pub(crate) fingerprint: Digest,
    pub(crate) answer: Receipt,
}

impl Write {
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Created { .. } => Endpoint::Create,
            Self::FollowedUp { .. } => Endpoint::FollowUp,
            Self::Reviewed { .. } => Endpoint::Review,
        }
    }
}

impl Effect {
    /// The limit a request with this effect was counted in, if the log alone can tell.
    pub(crate) fn bucket(&self) -> Option<Bucket> {
        let class = match self {
            Self::Wrote(written) => written.write.endpoint().class(),
            Self::Refused(refused) => refused.endpoint.class(),
            Self::Replayed { class } | Self::KeyConflict { class } => *class,
            Self::WebappWrote(_)
            | Self::Leaked
            | Self::ToppedUp { .. }
            | Self::BillingBecame { .. }
            | Self::KeyBecame { .. }
            | Self::ChargeKnown { .. }
            | Self::HiddenBecame { .. }
            | Self::LinkUsed { .. }
            | Self::ReviewFailed { .. }
            | Self::RateLimited { .. }
            | Self::PolledEarly { .. }
            | Self::Downloaded { .. } => return None,
        };
        workspace_bucket(class)
    }

    /// The limit a request with this effect was refused by, if the log alone can tell.
    pub(crate) fn refused_bucket(&self) -> Option<Bucket> {
        match self {
            Self::RateLimited { class } => workspace_bucket(*class),
            _ => None,
        }
    }
}

/// The one limit of a class of writes; those of reads are too many to tell apart.
fn workspace_bucket(class: Class) -> Option<Bucket> {
    match class {
        Class::CadWrites => Some(Bucket::CadWrites),
        Class::Reviews => Some(Bucket::Reviews),
        Class::JobPolls | Class::Reads | Class::Artifacts | Class::Balance => None,
    }
}
