//! Rate limits: the documented classes, their quotas, and what each is counted by.

use serde::{Deserialize, Serialize};

use super::config_file;

/// A class of requests with a limit of its own (section "Rate limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Creates and follow-ups, per workspace.
    CadWrites,
    /// Reviews, per workspace.
    Reviews,
    /// Status reads of one job, per API key.
    JobPolls,
    /// Status, list and message reads, per workspace.
    Reads,
    /// Artifact lists and downloads, per API key.
    Artifacts,
    /// Balance reads, per API key.
    Balance,
}

/// So many requests in so long a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Quota {
    /// How many requests fit.
    pub count: u32,
    /// The window, in milliseconds.
    pub window_ms: i64,
}

/// The limit of each class; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Limits {
    /// [`Class::CadWrites`]
    #[serde(deserialize_with = "config_file::quota")]
    pub cad_writes: Option<Quota>,
    /// [`Class::Reviews`]
    #[serde(deserialize_with = "config_file::quota")]
    pub reviews: Option<Quota>,
    /// [`Class::JobPolls`]
    #[serde(deserialize_with = "config_file::quota")]
    pub job_polls: Option<Quota>,
    /// [`Class::Reads`]
    #[serde(deserialize_with = "config_file::quota")]
    pub reads: Option<Quota>,
    /// [`Class::Artifacts`]
    #[serde(deserialize_with = "config_file::quota")]
    pub artifacts: Option<Quota>,
    /// [`Class::Balance`]
    #[serde(deserialize_with = "config_file::quota")]
    pub balance: Option<Quota>,
}

impl Default for Limits {
    /// The documented default tier.
    fn default() -> Self {
        let per_minute = |count| {
            Some(Quota {
                count,
                window_ms: 60_000,
            })
        };
        Self {
            cad_writes: per_minute(10),
            reviews: per_minute(20),
            job_polls: Some(Quota {
                count: 3,
                window_ms: 10_000,
            }),
            reads: per_minute(600),
            artifacts: per_minute(120),
            balance: per_minute(60),
        }
    }
}

impl Limits {
    /// No limits at all.
    #[must_use]
    pub fn off() -> Self {
        Self {
            cad_writes: None,
            reviews: None,
            job_polls: None,
            reads: None,
            artifacts: None,
            balance: None,
        }
    }

    pub(crate) fn of(&self, class: Class) -> Option<Quota> {
        match class {
            Class::CadWrites => self.cad_writes,
            Class::Reviews => self.reviews,
            Class::JobPolls => self.job_polls,
            Class::Reads => self.reads,
            Class::Artifacts => self.artifacts,
            Class::Balance => self.balance,
        }
    }
}

/// Which accepted API key: its place in the configuration.
pub(crate) type KeyIndex = usize;

/// What a request is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    CadWrites,
    Reviews,
    JobPolls { key: KeyIndex, job: usize },
    Reads,
    Artifacts { key: KeyIndex },
    Balance { key: KeyIndex },
}

impl Bucket {
    pub(crate) fn class(self) -> Class {
        match self {
            Self::CadWrites => Class::CadWrites,
            Self::Reviews => Class::Reviews,
            Self::JobPolls { .. } => Class::JobPolls,
            Self::Reads => Class::Reads,
            Self::Artifacts { .. } => Class::Artifacts,
            Self::Balance { .. } => Class::Balance,
        }
    }
}
