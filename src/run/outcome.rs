//! Outcomes of steps, parts and runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::teeth::{Bug, bites};

/// What became of a step or of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its `when` was false: it does not exist.
    Skipped,
    /// It had succeeded before.
    Reused,
    /// It succeeded in this run.
    Succeeded,
    /// Something before it did not succeed.
    Blocked,
    /// It was not ended: the run stopped first.
    Waiting,
    /// Its run was cancelled before it ended.
    Cancelled,
    /// A check found something wrong.
    Rejected,
    /// It failed.
    Failed,
    /// We can't tell, and a person decides.
    Unresolved,
}

impl Outcome {
    /// All outcomes, from the best to the worst.
    pub const ALL: [Self; 9] = [
        Self::Skipped,
        Self::Reused,
        Self::Succeeded,
        Self::Blocked,
        Self::Waiting,
        Self::Cancelled,
        Self::Rejected,
        Self::Failed,
        Self::Unresolved,
    ];

    /// Whether what waits for it may start.
    #[must_use]
    pub fn is_good(self) -> bool {
        (bites(Bug::UnresolvedIsGood) && self == Self::Unresolved)
            || matches!(self, Self::Skipped | Self::Reused | Self::Succeeded)
    }

    /// Whether it went wrong by itself, and not because of something else.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Rejected | Self::Failed | Self::Unresolved)
    }

    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Reused => "reused",
            Self::Succeeded => "succeeded",
            Self::Blocked => "blocked",
            Self::Waiting => "waiting",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Unresolved => "unresolved",
        }
    }

    /// The outcome of a part whose steps ended like this: the worst of them, where a part that did something new
    /// succeeded and one that did nothing at all was skipped. A blocked step behind a failed one is not worse than it.
    #[must_use]
    pub fn of_part(steps: impl Iterator<Item = Self>) -> Self {
        steps.max().unwrap_or(Self::Skipped)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A reason for a run to end other than with 0, in the order in which they decide the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitReason {
    /// The API refused the key or its scope.
    KeyRefused,
    /// A signal.
    Interrupted,
    /// A person cancelled the run.
    Cancelled,
    /// Nothing was answered for too long.
    Unreachable,
    /// The journal or the content store could not be written.
    StorageFailed,
    /// A send whose fate is unknown.
    Unresolved,
    /// One of our own caps.
    CapReached,
    /// The workspace's balance.
    BalanceTooLow,
    /// A person has to approve something.
    ApprovalNeeded,
    /// Some part failed.
    PartFailed,
    /// Some part was rejected by a check.
    PartRejected,
    /// Some part needs another one that was neither done nor selected.
    PartBlocked,
}

impl ExitReason {
    /// The exit code of the command when this reason decides.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::KeyRefused => 4,
            Self::Interrupted
            | Self::Cancelled
            | Self::Unreachable
            | Self::StorageFailed
            | Self::Unresolved => 5,
            Self::CapReached | Self::BalanceTooLow => 3,
            Self::ApprovalNeeded => 6,
            Self::PartFailed if bites(Bug::FailureExitsZero) => 0,
            Self::PartFailed | Self::PartRejected | Self::PartBlocked => 1,
        }
    }

    /// Whether a run that ends for this reason is finished, so that the next one is a new run.
    #[must_use]
    pub const fn finishes(self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::Unresolved
                | Self::CapReached
                | Self::ApprovalNeeded
                | Self::PartFailed
                | Self::PartRejected
                | Self::PartBlocked
        )
    }

    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyRefused => "the API refused the key or its scope",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::Unreachable => "the service is out of reach",
            Self::StorageFailed => "storage failed",
            Self::Unresolved => "a send is unresolved",
            Self::CapReached => "a cap was reached",
            Self::BalanceTooLow => "the balance is too low",
            Self::ApprovalNeeded => "a person has to approve something",
            Self::PartFailed => "a part failed",
            Self::PartRejected => "a part was rejected",
            Self::PartBlocked => "a part needs one that was not selected",
        }
    }
}

/// How a run ended: all reasons, the deciding one first. None: everything succeeded or was reused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// The reasons, sorted.
    pub reasons: Vec<ExitReason>,
}

impl RunEnd {
    /// An end for these reasons.
    #[must_use]
    pub fn new(mut reasons: Vec<ExitReason>) -> Self {
        reasons.sort_unstable();
        reasons.dedup();
        Self { reasons }
    }

    /// The exit code of the command.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.reasons.first().map_or(0, |reason| reason.exit_code())
    }

    /// Whether the next `run` of the same plan is a new run.
    #[must_use]
    pub fn finishes(&self) -> bool {
        // A cancelled run has no use for money that may come later.
        let is_cancelled = self.reasons.contains(&ExitReason::Cancelled);
        self.reasons.iter().all(|reason| {
            reason.finishes() || (is_cancelled && *reason == ExitReason::BalanceTooLow)
        })
    }
}
