//! What somebody finds who looks whether all is well.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: a stable name.
    pub name: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found. It may hold text of others.
    pub message: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Good,
    /// Worth knowing: the next run sees to it by itself.
    Note,
    /// Not as it should be.
    Problem,
}

impl Health {
    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

impl Check {
    /// Something that is as it should be.
    #[must_use]
    pub fn good(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Health::Good, message, None)
    }

    /// Something that is worth knowing.
    #[must_use]
    pub fn note(name: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self::new(name, Health::Note, message, Some(hint))
    }

    /// Something that is not as it should be.
    #[must_use]
    pub fn problem(name: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self::new(name, Health::Problem, message, Some(hint))
    }

    fn new(
        name: &'static str,
        health: Health,
        message: impl Into<String>,
        hint: Option<&'static str>,
    ) -> Self {
        Self {
            name,
            health,
            message: message.into(),
            hint,
        }
    }
}
