//! What can happen to the world. The world is the fold of these; they are what the log keeps.

use serde::{Deserialize, Serialize};

use super::cents::Cents;
use super::digest::Digest;
use super::ids::{ArtifactId, JobId};
use super::jobs::{Review, Run};
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
    /// A user of the web app hid a job, or showed it again.
    Hidden {
        job: JobId,
        hidden: bool,
    },
    ToppedUp {
        cents: Cents,
    },
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
    fn class(&self) -> Class {
        match self {
            Self::Created { .. } | Self::FollowedUp { .. } => Class::CadWrites,
            Self::Reviewed { .. } => Class::Reviews,
        }
    }
}

impl Effect {
    /// The limit a request with this effect was counted in, if the log alone can tell.
    pub(crate) fn bucket(&self) -> Option<Bucket> {
        let class = match self {
            Self::Wrote(written) => written.write.class(),
            Self::Replayed { class } | Self::KeyConflict { class } => *class,
            Self::WebappWrote(_)
            | Self::Leaked
            | Self::Hidden { .. }
            | Self::ToppedUp { .. }
            | Self::RateLimited { .. }
            | Self::PolledEarly { .. }
            | Self::Downloaded { .. } => return None,
        };
        match class {
            Class::CadWrites => Some(Bucket::CadWrites),
            Class::Reviews => Some(Bucket::Reviews),
            Class::JobPolls | Class::Reads | Class::Artifacts | Class::Balance => None,
        }
    }
}
