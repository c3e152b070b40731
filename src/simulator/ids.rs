//! The ids the API hands out. Each is drawn from the seed, the world's first moment and its place in the world, so that
//! the same requests in the same order get the same ids in worlds that begin at the same time, and no two worlds of one
//! seed call different jobs the same.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digest::Digester;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as the API shows it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// `cadjob_` and a UUID.
    JobId
}
id! {
    /// `rev_` and 22 characters.
    RevisionId
}
id! {
    /// `art_` and 22 characters.
    ArtifactId
}
id! {
    /// `file_` and 22 characters: an image attached to a message.
    FileId
}
id! {
    /// A UUID.
    MessageId
}

/// A place in the world ids are drawn for: one exchange (a run or a review) of one job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) seed: u64,
    /// When the world began, in milliseconds since the Unix epoch.
    pub(crate) since_ms: i64,
    /// The job's number in order of creation.
    pub(crate) job: usize,
    /// The exchange's number within its job.
    pub(crate) exchange: usize,
}

impl Place {
    pub(crate) fn job_id(self) -> JobId {
        JobId(format!(
            "cadjob_{}",
            self.digester("job", 0).finish().uuid()
        ))
    }

    pub(crate) fn user_message(self) -> MessageId {
        MessageId(self.digester("user", 0).finish().uuid())
    }

    pub(crate) fn assistant_message(self) -> MessageId {
        MessageId(self.digester("assistant", 0).finish().uuid())
    }

    pub(crate) fn revision(self) -> RevisionId {
        RevisionId(format!(
            "rev_{}",
            self.digester("revision", 0).finish().token()
        ))
    }

    pub(crate) fn artifact(self, index: usize) -> ArtifactId {
        ArtifactId(format!(
            "art_{}",
            self.digester("artifact", index).finish().token()
        ))
    }

    pub(crate) fn file(self, index: usize) -> FileId {
        FileId(format!(
            "file_{}",
            self.digester("file", index).finish().token()
        ))
    }

    fn digester(self, kind: &str, index: usize) -> Digester {
        Digester::new("id")
            .text(kind)
            .number(self.seed)
            .number(self.since_ms.cast_unsigned())
            .number(self.job as u64)
            .number(self.exchange as u64)
            .number(index as u64)
    }
}
