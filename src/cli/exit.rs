//! What the exit codes of `millrun` mean.

use crate::run::outcome::RunEnd;

/// An exit code. When several apply to a run, the first of 70, 4, 5, 3, 6, 1 wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything succeeded or was reused.
    Success = 0,
    /// Some part failed or was rejected.
    PartFailed = 1,
    /// A usage or manifest error; nothing was sent.
    Usage = 2,
    /// Stopped or waiting for money.
    Money = 3,
    /// The API refused the key or its scope.
    Key = 4,
    /// Interrupted, storage failed, the service out of reach, or a send unresolved: it can go on.
    Resumable = 5,
    /// Waiting for a person.
    Person = 6,
    /// Another run holds the state.
    Locked = 7,
    /// The saved plan is stale.
    StalePlan = 8,
    /// `plan --detailed-exitcode`: there is something to do.
    SomethingToDo = 9,
    /// A bug in millrun.
    Bug = 70,
}

impl ExitCode {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl From<&RunEnd> for ExitCode {
    fn from(end: &RunEnd) -> Self {
        match end.exit_code() {
            0 => Self::Success,
            1 => Self::PartFailed,
            3 => Self::Money,
            4 => Self::Key,
            5 => Self::Resumable,
            6 => Self::Person,
            _ => Self::Bug,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::outcome::ExitReason;

    #[test]
    fn every_reason_for_a_run_to_end_has_its_code() {
        for reason in [
            ExitReason::KeyRefused,
            ExitReason::Interrupted,
            ExitReason::Cancelled,
            ExitReason::StorageFailed,
            ExitReason::Unresolved,
            ExitReason::CapReached,
            ExitReason::BalanceTooLow,
            ExitReason::ApprovalNeeded,
            ExitReason::PartFailed,
            ExitReason::PartRejected,
            ExitReason::PartBlocked,
        ] {
            let code = ExitCode::from(&RunEnd::new(vec![reason]));
            assert_eq!(code.number(), reason.exit_code());
        }
        assert_eq!(ExitCode::from(&RunEnd::default()), ExitCode::Success);
    }
}
