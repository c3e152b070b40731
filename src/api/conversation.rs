//! A job's conversation: its messages, and what the review assistant says.

use serde::Deserialize;
use serde_json::Number;

use super::artifact::Artifact;
use super::id::{JobId, MessageId, RevisionId};
use super::lenient;
use crate::untrusted::{Untrusted, UntrustedValue};

/// What the assistant answered ("Ask the review assistant").
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Review {
    /// The job. Essential.
    pub job_id: JobId,
    /// The revision that was looked at.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub revision_id: Option<RevisionId>,
    /// Our question in the conversation.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub message_id: Option<MessageId>,
    /// The answer in the conversation.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub assistant_message_id: Option<MessageId>,
    /// The answer itself. Essential.
    pub review: ReviewNote,
}

/// What the review assistant says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ReviewNote {
    /// The assistant's mode, such as `review`.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub mode: Option<Untrusted>,
    /// What it says.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub message: Untrusted,
    /// Which assistant it is.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub model: Option<Untrusted>,
    /// An iteration it proposes: null, a text, an object of `summary` and `prompt`, or anything; the
    /// document gives no shape, so it is kept as it is.
    #[serde(default)]
    pub iteration_proposal: UntrustedValue,
    /// What a viewer should do, kept as it is.
    #[serde(default)]
    pub viewer_actions: UntrustedValue,
}

/// A job's conversation ("Read message history"), in the service's order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct History {
    /// The job. Essential.
    pub job_id: JobId,
    /// The messages of users and assistants. Essential.
    pub messages: Vec<Message>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Message {
    /// The message. Essential.
    pub id: MessageId,
    /// Who wrote it.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub role: Role,
    /// What it says, "sanitized" by the service.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub content: Untrusted,
    /// ISO 8601, as the service wrote it.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub created_at: Option<Untrusted>,
    /// The images a user attached.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub images: Vec<MessageImage>,
    /// The revision that this message produced.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub revision_id: Option<RevisionId>,
    /// That revision's letter.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub revision: Option<Untrusted>,
    /// That revision's files.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub artifacts: Vec<Artifact>,
    /// The review, in a message of the review assistant.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub review: Option<ReviewNote>,
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Role {
    /// A person, or a program with their key.
    User,
    /// The service.
    Assistant,
    /// A role this client does not know, or none: empty.
    Other(Untrusted),
}

/// What the history tells of an attached image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MessageImage {
    /// The image's id.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub id: Option<Untrusted>,
    /// The name it was attached under.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub filename: Option<Untrusted>,
    /// Its media type.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub content_type: Option<Untrusted>,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "size")]
    pub size_bytes: Option<u64>,
}

impl Default for Role {
    fn default() -> Self {
        Self::Other(Untrusted::default())
    }
}

impl From<String> for Role {
    fn from(text: String) -> Self {
        match text.as_str() {
            "user" => Self::User,
            "assistant" => Self::Assistant,
            _ => Self::Other(text.into()),
        }
    }
}

fn size<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number: Option<Number> = lenient::if_valid(deserializer)?;
    Ok(number.and_then(|number| u64::try_from(lenient::whole(&number)?).ok()))
}
