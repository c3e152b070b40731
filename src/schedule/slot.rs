//! Slots: what a request counts against, and whether it may go out.

use std::fmt;

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
    /// Status polls of all jobs and sweeps of the job list: a share of the reads, so that the rest is there for recovery
    /// and for files. No limit of the service: one of ours.
    Polls,
    /// Reads. Every GET counts as one: the service may take them so.
    Reads,
    /// Artifact lists and downloads.
    Artifacts,
    /// Balance reads.
    Balance,
}

/// As the manifest names it; polls with their job.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CadWrites => f.write_str("cad_writes"),
            Self::Reviews => f.write_str("reviews"),
            Self::JobPolls(job) => write!(f, "job:{job}"),
            Self::Polls => f.write_str("polls"),
            Self::Reads => f.write_str("reads"),
            Self::Artifacts => f.write_str("artifacts"),
            Self::Balance => f.write_str("balance"),
        }
    }
}

/// What a poll counts as beside itself.
const POLL: &[Class] = &[Class::Polls, Class::Reads];
const READ: &[Class] = &[Class::Reads];

impl Class {
    /// The other classes that a request of this one counts against.
    #[must_use]
    pub const fn also(&self) -> &'static [Self] {
        match self {
            Self::JobPolls(_) => POLL,
            Self::Polls | Self::Artifacts | Self::Balance => READ,
            Self::CadWrites | Self::Reviews | Self::Reads => &[],
        }
    }

    /// All classes that a request of this one counts against.
    pub fn counted(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.also())
    }

    /// The classes that a 429 to a request of this one may be about.
    pub fn blamed(&self) -> impl Iterator<Item = &Self> {
        let is_blamed = move |class: &&Self| match self {
            Self::JobPolls(_) => **class != Self::Polls,
            Self::Polls => **class == Self::Reads,
            own => *class == own,
        };
        self.counted().filter(is_blamed)
    }

    /// The class whose [`Display`](fmt::Display) is `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "cad_writes" => Self::CadWrites,
            "reviews" => Self::Reviews,
            "polls" => Self::Polls,
            "reads" => Self::Reads,
            "artifacts" => Self::Artifacts,
            "balance" => Self::Balance,
            job => Self::JobPolls(JobId(job.strip_prefix("job:")?.to_owned())),
        })
    }
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
        /// Then it has arrived, answered or not; `None`: only a reply can tell.
        or_at: Option<Timestamp>,
    },
}
