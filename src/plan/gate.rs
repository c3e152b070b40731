//! Gates: what a person was asked, and said.

use serde::{Deserialize, Serialize};

use super::remote::Timestamp;

/// What a person says to a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The part goes on.
    Approved,
    /// It does not.
    Rejected,
}

impl Verdict {
    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// A person's word on a gate. It is bound to what was looked at: the job, and the key of the write before the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// What was said.
    pub verdict: Verdict,
    /// The user of the operating system.
    pub user: String,
    /// The machine.
    pub host: String,
    /// Why, in that person's words.
    pub reason: Option<String>,
    /// When it was recorded.
    pub at: Timestamp,
}

impl Approval {
    /// Who said what, and why.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { user, host, .. } = self;
        let why = self.reason.as_ref();
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        format!("{} by {user}@{host}{why}", self.verdict.as_str())
    }
}
