//! What a step asks for: the part of a step that its key sees.

use std::fmt;
use std::num::NonZeroU32;

use super::digest::Digest;
use serde::{Deserialize, Serialize};

use super::view::View;

/// A prompt as it is sent: LF line ends, no trailing blanks, no outer blank lines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Prompt(String);

impl Prompt {
    /// The longest prompt, in Unicode scalar values (API document, "Create a CAD job").
    pub const MAX_CHARS: usize = 60_000;

    /// Normalises `text`. These are the bytes that the key sees and the service gets.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let unix = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = unix.split('\n').map(str::trim_end).collect();
        let start = lines.iter().take_while(|line| line.is_empty()).count();
        let end = lines.len()
            - lines[start..]
                .iter()
                .rev()
                .take_while(|line| line.is_empty())
                .count();
        Self(lines[start..end].join("\n"))
    }

    /// Whether the service takes it.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self) -> Result<(), BadPrompt> {
        let chars = self.0.chars().count();
        match chars {
            0 => Err(BadPrompt::Empty),
            1..=Self::MAX_CHARS => Ok(()),
            _ => Err(BadPrompt::TooLong(chars)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A prompt that the service does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPrompt {
    /// There is nothing in it.
    #[error("this prompt is empty")]
    Empty,
    /// It has so many characters.
    #[error("this prompt has {0} characters, and the service takes {max}", max = Prompt::MAX_CHARS)]
    TooLong(usize),
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<Prompt> for String {
    fn from(prompt: Prompt) -> Self {
        prompt.0
    }
}

/// The image types that the service accepts (API document, "Create a CAD job").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ImageType {
    Jpeg,
    Png,
    Webp,
    Gif,
    Heic,
    Heif,
}

impl ImageType {
    /// The media type, `image/png` and the like.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Heic => "image/heic",
            Self::Heif => "image/heif",
        }
    }

    /// Reads the type from an image's first bytes; names and extensions are not believed.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4)? {
                b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => Some(Self::Heic),
                b"mif1" | b"msf1" | b"heif" => Some(Self::Heif),
                _ => None,
            },
            _ => None,
        }
    }
}

/// An image, by what is in it. Paths and file names are no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ImageRef {
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// Its type, as its bytes say.
    pub image_type: ImageType,
}

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub enum StepKind {
    Create,
    Iterate,
    Review,
    Check,
    Approve,
    Download,
}

impl StepKind {
    /// The word of the manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Iterate => "iterate",
            Self::Review => "review",
            Self::Check => "check",
            Self::Approve => "approve",
            Self::Download => "download",
        }
    }

    /// Whether a step of this kind changes a remote job for good, and costs money.
    #[must_use]
    pub const fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Iterate)
    }

    /// Whether a step of this kind is a POST to the service.
    #[must_use]
    pub const fn is_send(self) -> bool {
        self.is_write() || matches!(self, Self::Review)
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a step asks for; its canonical form is hashed into the step's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Content {
    /// A new remote job.
    Create {
        /// What to make.
        prompt: Prompt,
        /// Reference images, in order.
        images: Vec<ImageRef>,
    },
    /// A follow-up on the part's job.
    Iterate {
        /// What to change.
        prompt: Prompt,
        /// Reference images, in order.
        images: Vec<ImageRef>,
    },
    /// A question to the review assistant about the revision of the write before it.
    Review {
        /// What to look at.
        prompt: Prompt,
        /// What it is shown; `None`: the revision of the write before it, and nothing else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        view: Option<Box<View>>,
    },
    /// A look at the artifacts of the write before it: every file is a whole Part 21 file.
    Check {
        /// What else is expected of them.
        #[serde(flatten)]
        expected: Expected,
    },
    /// A gate: a person looks before the part goes on.
    Approve {
        /// What is asked; empty when nothing is said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// Publication of the artifacts of the write before it.
    Download {
        /// Which of them.
        #[serde(default, skip_serializing_if = "Selection::is_all")]
        artifacts: Selection,
        /// Whether the job's conversation is published beside them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        transcript: bool,
    },
}

/// What a check expects, beside whole files. What is absent is not looked at, and is not in the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// How many artifacts there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<NonZeroU32>,
    /// Whether what is wrong rejects the part. It is in the key: a check that only warned has not passed for one that rejects.
    #[serde(default, skip_serializing_if = "OnFail::is_reject")]
    pub on_fail: OnFail,
}

/// What a failed check leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFail {
    /// The part is rejected.
    #[default]
    Reject,
    /// It is reported.
    Warn,
}

impl OnFail {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_reject(&self) -> bool {
        *self == Self::Reject
    }
}

/// Which artifacts a download publishes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// The one that the assembly is.
    Root,
    /// Those whose label matches a pattern.
    Labels(String),
}

impl Selection {
    /// Whether it is all of them.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl Content {
    /// The kind of step that asks for this.
    #[must_use]
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::Create { .. } => StepKind::Create,
            Self::Iterate { .. } => StepKind::Iterate,
            Self::Review { .. } => StepKind::Review,
            Self::Check { .. } => StepKind::Check,
            Self::Approve { .. } => StepKind::Approve,
            Self::Download { .. } => StepKind::Download,
        }
    }

    /// The text that is sent, if any.
    #[must_use]
    pub const fn prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Create { prompt, .. }
            | Self::Iterate { prompt, .. }
            | Self::Review { prompt, .. } => Some(prompt),
            Self::Check { .. } | Self::Approve { .. } | Self::Download { .. } => None,
        }
    }

    /// The images that are sent, in order.
    #[must_use]
    pub fn images(&self) -> &[ImageRef] {
        match self {
            Self::Create { images, .. } | Self::Iterate { images, .. } => images,
            Self::Review { .. }
            | Self::Check { .. }
            | Self::Approve { .. }
            | Self::Download { .. } => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_lose_what_editors_add() {
        assert_eq!(
            Prompt::new("\r\n\n  A plate \t\r\n\r\n6 mm\r\n\n").as_str(),
            "  A plate\n\n6 mm"
        );
        assert_eq!(Prompt::new(" \n\t\n").as_str(), "");
    }

    #[test]
    fn image_types_are_read_from_bytes() {
        assert_eq!(
            ImageType::sniff(b"\x89PNG\r\n\x1a\n...."),
            Some(ImageType::Png)
        );
        assert_eq!(
            ImageType::sniff(b"\0\0\0\x18ftypheic\0\0"),
            Some(ImageType::Heic)
        );
        assert_eq!(ImageType::sniff(b"\0\0\0\x18ftypisom\0\0"), None);
        assert_eq!(ImageType::sniff(b"\0\0\0\x18ftyp"), None);
        assert_eq!(ImageType::sniff(b"<svg"), None);
    }
}
