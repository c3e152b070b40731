//! What the service has told us: its ids, a moment of the engine's clock, and the result of a write or a review.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::money::Cents;

macro_rules! remote_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

remote_id! {
    /// A job's id at the service. Text of the service: make it safe before it is shown.
    JobId
}
remote_id! {
    /// The id of a CAD revision.
    RevisionId
}
remote_id! {
    /// The id of an artifact.
    ArtifactId
}
remote_id! {
    /// What the service calls one request; support asks for it.
    RequestId
}

/// A moment on the engine's clock, in milliseconds since the Unix epoch.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `wait` later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long ago `earlier` was; nothing when it is still to come.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A file of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its id at the service.
    pub id: ArtifactId,
    /// What the service calls it; text of the service.
    pub label: String,
    /// `step` for a STEP file.
    pub kind: String,
    /// Whether it is the whole assembly, as the service says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_root: bool,
    /// Where it is at home, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
}

/// A file in the content store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The SHA-256 of its bytes.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
}

/// What a create or an iterate brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteResult {
    /// The job's revision after it.
    pub revision: Option<RevisionId>,
    /// The service's words about it.
    pub explanation: String,
    /// What the job has cost so far, all its runs together; unknown until the billing record is there.
    pub charged: Option<Cents>,
    /// Its files.
    pub artifacts: Vec<Artifact>,
}

impl WriteResult {
    /// The files that are not at home yet.
    pub fn missing(&self) -> impl Iterator<Item = &Artifact> {
        self.artifacts
            .iter()
            .filter(|artifact| artifact.stored.is_none())
    }
}

/// What a review said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewResult {
    /// The assistant's message.
    pub message: String,
    /// The summary of the iteration that it proposes, if any.
    pub proposal: Option<String>,
}
