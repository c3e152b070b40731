//! Bugs on purpose: each is a promise broken in one place, so that the tests can show that they would see it.
//!
//! Without the feature `teeth`, which nothing but `tests/teeth.sh` turns on, [`bites`] is a constant and the bugs are gone.

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A bug that can be planted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Bug {
            $($(#[$doc])* $name,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name, as the command line spells it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

bugs! {
    /// A request leaves before its intent is on the disk.
    SendBeforeIntent,
    /// A request leaves before its slot is on the disk.
    SendBeforeSlot,
    /// An exact retry takes no slot.
    RetryWithoutSlot,
    /// A slot counts from the send, not from the reply.
    SlotEndsAtSend,
    /// An exact retry has a new key.
    NewKeyOnRetry,
    /// What the service failed is tried again as the same attempt.
    SameAttemptAfterFailure,
    /// A poll whose answer is lost may be sent again at once.
    PollWaitForgotten,
    /// An exact retry leaves the images out.
    RetryWithoutImages,
    /// A refusal of a tainted key is believed.
    TrustTaintedRefusal,
    /// No clear answer counts as the service's failure, and gets a new key.
    NewAttemptWithoutAnswer,
    /// A request that was not sent makes a tainted key clean.
    PostponeForgetsTaint,
    /// A job is polled after half the wait that was told.
    PollTooSoon,
    /// A poll that tells nothing counts as the service's failure.
    UnclearPollIsFailure,
    /// A job's files are forgotten when it is done.
    ForgetFiles,
    /// A hold is not booked.
    ForgetHold,
    /// What is left of a hold is never let go.
    NeverRelease,
    /// A job's earlier charges are booked again with each run of it.
    ChargeAgain,
    /// The whole hold is booked as charged.
    CaptureWholeHold,
    /// `keep_balance` is not asked about.
    ForgetKeepBalance,
    /// `max_spend` does not see open holds.
    ForgetOpenHolds,
    /// `max_per_part` is not asked about.
    ForgetPartCap,
    /// A balance is taken to know of every send.
    ForgetUnseenHolds,
    /// A file counts as stored before it is.
    StoredBeforePut,
    /// A file is stored before its content is synced.
    StoreBeforeSync,
    /// A file is published before its content is synced.
    PublishBeforeSync,
    /// A file's name is told of before its folder is synced.
    ForgetFolderSync,
    /// What is no whole STEP file is taken for one.
    TakeAnyFile,
    /// A part that failed leaves the exit code at 0.
    FailureExitsZero,
    /// What is unresolved counts as done.
    UnresolvedIsGood,
    /// A run that was interrupted is not gone on with, and its budget is given again.
    ForgetUnfinishedRun,
    /// A new attempt has the old key.
    KeyWithoutAttempt,
    /// Twins share their keys.
    KeyWithoutOrdinal,
    /// What was out when the last process died counts as never sent.
    ForgetTaintAtStart,
    /// What was polled when the last process died is polled again at once.
    PollAtOnceAtStart,
    /// A 5xx is taken for a clear refusal.
    ServerErrorIsRefusal,
    /// That a job was accepted is not written down.
    ForgetToWrite,
}

/// Whether `bug` is planted.
#[cfg(not(feature = "teeth"))]
#[must_use]
pub const fn bites(_: Bug) -> bool {
    false
}

#[cfg(feature = "teeth")]
pub use planted::{bites, plant};

#[cfg(feature = "teeth")]
mod planted {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Bug;

    /// No bug has this number.
    const NONE: u8 = u8::MAX;

    static PLANTED: AtomicU8 = AtomicU8::new(NONE);

    /// Whether `bug` is planted.
    #[must_use]
    pub fn bites(bug: Bug) -> bool {
        PLANTED.load(Ordering::Relaxed) == bug as u8
    }

    /// Plants one bug in the whole process, or none.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.store(bug.map_or(NONE, |bug| bug as u8), Ordering::Relaxed);
    }
}
