//! The identifiers the service hands out: opaque, and never empty.

use serde::{Deserialize, Serialize};

use crate::untrusted::terminal;

/// A text that cannot be an identifier: it is empty, or a dot segment that no URL path can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an identifier is not empty and not a dot segment")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes the identifier as the service wrote it.
            ///
            /// # Errors
            ///
            /// [`InvalidId`] when it is empty, `.` or `..`.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                if matches!(text.as_str(), "" | "." | "..") {
                    return Err(InvalidId);
                }
                Ok(Self(text))
            }

            /// The identifier as the service wrote it: untrusted text, which only `Display` makes safe
            /// for a terminal.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&terminal::line(&self.0))
            }
        }
    )+ };
}

ids! {
    /// A CAD job, `cadjob_…`.
    JobId,
    /// A revision of a job's model, `rev_…`.
    RevisionId,
    /// A message of a job's conversation.
    MessageId,
    /// A file of a revision, `art_…`.
    ArtifactId,
    /// One request as the service logged it, `req_…`; support asks for it.
    RequestId,
}

/// Percent-encodes everything but RFC 3986's unreserved characters, so that the text stays one path
/// segment or one query value.
pub(super) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("a String takes every write"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_never_empty_nor_a_dot_segment() {
        for text in ["", ".", ".."] {
            assert_eq!(JobId::new(text), Err(InvalidId), "{text:?}");
        }
        assert!(serde_json::from_str::<JobId>("\"\"").is_err());
        assert_eq!(JobId::new("cadjob_1").unwrap().as_str(), "cadjob_1");
    }

    #[test]
    fn an_encoded_text_has_no_way_out_of_its_segment() {
        assert_eq!(
            percent_encoded("a/../b?c#d%2e é"),
            "a%2F..%2Fb%3Fc%23d%252e%20%C3%A9"
        );
        assert_eq!(percent_encoded("art_pW89-~."), "art_pW89-~.");
    }
}
