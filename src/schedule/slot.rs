//! Slots: what a request counts against, and whether it may go out.

use crate::plan::remote::{JobId, Timestamp};

/// What a request counts against (API document, "Rate limits").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Creates and follow-ups.
    CadWrites,
    /// Review messages.
    Reviews,
    /// Status polls of one job.
    JobPolls(JobId),
    /// Reads.
    Reads,
    /// Artifact lists and downloads.
    Artifacts,
    /// Balance reads.
    Balance,
}

/// One slot of one class, from its request's send to its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u64);

/// A slot, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Which.
    pub id: SlotId,
    /// Of which class.
    pub class: Class,
    /// When its request went out.
    pub sent_at: Timestamp,
    /// When its reply came; `None` while it is out.
    pub replied_at: Option<Timestamp>,
}

/// Whether a request may go out now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admittance {
    /// It may, and has these slots.
    Granted(Vec<SlotId>),
    /// Not before `at`, because of `class`.
    NotBefore {
        /// The moment.
        at: Timestamp,
        /// What is full.
        class: Class,
    },
    /// Not before a reply to an earlier request of `class`.
    WhenAnswered {
        /// What is full.
        class: Class,
    },
}
