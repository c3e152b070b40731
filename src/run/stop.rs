//! Why a run starts nothing new.

use serde::{Deserialize, Serialize};

use crate::plan::ids::StepRef;

/// Why nothing new is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum StopReason {
    /// One of our own caps.
    Cap {
        /// Which, and by how much.
        why: String,
    },
    /// The workspace's balance.
    Balance {
        /// What is short.
        why: String,
    },
    /// The service refused the API key or its scope.
    Key {
        /// The service's words.
        why: String,
    },
    /// Ctrl-C or TERM.
    Signal {},
    /// Nothing was answered for too long.
    Unreachable {
        /// What came instead.
        why: String,
    },
    /// A person cancelled the run.
    Cancelled {
        /// The user of the operating system.
        user: String,
        /// Why, in that person's words.
        why: Option<String>,
    },
    /// A part did not succeed and `--fail-fast` was given.
    FailFast {
        /// The step.
        step: StepRef,
    },
}

impl StopReason {
    /// Whether the two are of one kind, whatever their words are.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}
