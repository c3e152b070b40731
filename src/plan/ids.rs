//! Names that a manifest gives to its parts and steps.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest id of a part or step, in bytes: it becomes a file name with a suffix.
pub const MAX_ID_BYTES: usize = 120;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("an id can't be empty")]
    Empty,
    /// Longer than [`MAX_ID_BYTES`].
    #[error("an id has at most {MAX_ID_BYTES} bytes, this one has {0}")]
    TooLong(usize),
    /// Something that a path, a selector or a terminal would take for more than a name.
    #[error(
        "an id is made of letters, digits, `-`, `_` and `.`, and starts with a letter or digit; found {0:?}"
    )]
    BadChar(char),
}

fn validate(text: &str) -> Result<(), IdError> {
    let first = text.chars().next().ok_or(IdError::Empty)?;
    if text.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong(text.len()));
    }
    if !first.is_alphanumeric() {
        return Err(IdError::BadChar(first));
    }
    match text
        .chars()
        .find(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.'))
    {
        Some(c) => Err(IdError::BadChar(c)),
        None => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Validates `text`.
            ///
            /// # Errors
            /// When `text` is empty, too long, or has a character that ids don't have.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                validate(&text).map(|()| Self(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
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
    /// The id of a part, unique in its family.
    PartId
}
id! {
    /// The id of a step, unique in its part; its kind when nothing was written.
    StepId
}

/// One step of one part, written `part/step`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepRef {
    /// The part.
    pub part: PartId,
    /// The step in it.
    pub step: StepId,
}

impl fmt::Display for StepRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.step)
    }
}

impl FromStr for StepRef {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (part, step) = text
            .split_once('/')
            .ok_or_else(|| format!("{text:?} is not a step: write `plate/approve`"))?;
        let wrong = |error: IdError| format!("{text:?} is not a step: {error}");
        Ok(Self {
            part: PartId::new(part).map_err(wrong)?,
            step: StepId::new(step).map_err(wrong)?,
        })
    }
}

/// A run of a family: the first is 1. Written `run-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u32);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run-{}", self.0)
    }
}

impl FromStr for RunId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("run-").unwrap_or(text);
        digits
            .parse()
            .map(Self)
            .map_err(|_| format!("{text:?} is not a run: write `run-1` or `1`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_name_and_nothing_more() {
        for good in ["plate-60x40", "a", "9", "Ø12.5_mm", &"x".repeat(120)] {
            assert!(PartId::new(good).is_ok(), "{good:?} was refused");
        }
        for bad in [
            "",
            ".hidden",
            "-x",
            "a/b",
            "a b",
            "a\u{202e}b",
            "..",
            "a\\b",
            &"x".repeat(121),
        ] {
            assert!(PartId::new(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
