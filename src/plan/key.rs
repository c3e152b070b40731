//! Keys: what makes two steps the same work, and two sends the same request.
//!
//! A [`StepKey`] is the SHA-256 of a step's content and of the key of the write before it. An [`IdempotencyKey`] is made
//! from a step key and everything that tells two sends of equal content apart. Both encodings are frozen by golden
//! vectors: changing them would buy everything again.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};

use super::content::{Content, ImageRef, OnFail, Selection};

use super::digest::Digest;
use super::view::{Reviewed, View};
use crate::teeth::{Bug, bites};

/// The content key of a step. Ids, paths, `needs`, names and settings are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepKey(Digest);

impl StepKey {
    /// The key of `content` on top of the write with the key `parent`.
    #[must_use]
    pub fn new(content: &Content, parent: Option<StepKey>) -> Self {
        let mut canonical = Canonical::list();
        canonical
            .text("millrun.step.v1")
            .text(content.kind().as_str());
        canonical.bytes(parent.as_ref().map_or(&[], |parent| parent.0.as_bytes()));
        if let Some(prompt) = content.prompt() {
            canonical.text(prompt.as_str());
        }
        if content.kind().is_write() {
            let mut images = Canonical::list();
            for image in content.images() {
                images.image(image);
            }
            canonical.nested(images);
        }
        // What has its default is absent, so that keys of before are those of now.
        match content {
            Content::Check { expected } => {
                if let Some(files) = expected.files {
                    canonical.text("files").number(files.get());
                }
                if expected.on_fail == OnFail::Warn {
                    canonical.text("on_fail").text("warn");
                }
            }
            Content::Approve { message } if !message.is_empty() => {
                canonical.text("message").text(message);
            }
            Content::Download {
                artifacts,
                transcript,
            } => {
                match artifacts {
                    Selection::All => {}
                    Selection::Root => {
                        canonical.text("artifacts").text("root");
                    }
                    Selection::Labels(pattern) => {
                        canonical.text("artifacts").text("labels").text(pattern);
                    }
                }
                if *transcript {
                    canonical.text("transcript");
                }
            }
            Content::Review {
                view: Some(view), ..
            } => canonical.view(view),
            Content::Create { .. }
            | Content::Iterate { .. }
            | Content::Review { .. }
            | Content::Approve { .. } => {}
        }
        Self(canonical.digest())
    }

    /// The first eight hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a family adds to the keys of its sends, so that two families never share one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Salt {
    /// The manifest's `name`.
    pub name: String,
    /// The manifest's `uid`, empty when it has none.
    pub uid: String,
}

/// One remote job of a family, before and after the service has given it an id.
///
/// `ordinal` tells twins apart, `generation` counts deliberate regenerations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LineageId {
    /// The key of its create.
    pub create: StepKey,
    /// Which of the parts with this create.
    pub ordinal: u32,
    /// How often the part was made anew on purpose.
    pub generation: u32,
}

/// The `Idempotency-Key` of a send: `mr1-` and 52 characters of base32 (API document: at most 160 characters).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key of the send of step `step` on `lineage`. `attempt` counts jobs or runs that the service itself failed.
    #[must_use]
    pub fn new(salt: &Salt, step: StepKey, lineage: LineageId, attempt: u32) -> Self {
        let mut canonical = Canonical::list();
        canonical
            .text("millrun.key.v1")
            .text(&salt.name)
            .text(&salt.uid)
            .bytes(step.0.as_bytes());
        canonical
            .number(lineage.ordinal * u32::from(!bites(Bug::KeyWithoutOrdinal)))
            .number(lineage.generation)
            .number(attempt * u32::from(!bites(Bug::KeyWithoutAttempt)));
        let digest = canonical.digest();
        Self(format!(
            "mr1-{}",
            BASE32_NOPAD.encode(digest.as_bytes()).to_ascii_lowercase()
        ))
    }

    /// The header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A canonical encoding (bencode's strings, integers and lists): no two different values share one.
struct Canonical(Vec<u8>);

impl Canonical {
    fn list() -> Self {
        Self(b"l".to_vec())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes.len().to_string().as_bytes());
        self.0.push(b':');
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn number(&mut self, number: u32) -> &mut Self {
        self.0.extend_from_slice(format!("i{number}e").as_bytes());
        self
    }

    fn nested(&mut self, mut list: Self) -> &mut Self {
        list.0.push(b'e');
        self.0.append(&mut list.0);
        self
    }

    fn image(&mut self, image: &ImageRef) -> &mut Self {
        let mut one = Self::list();
        one.text(image.image_type.media_type())
            .bytes(image.digest.as_bytes());
        self.nested(one)
    }

    fn view(&mut self, view: &View) {
        match &view.revision {
            None => {}
            Some(Reviewed::Latest) => {
                self.text("revision").text("latest");
            }
            Some(Reviewed::Id(id)) => {
                self.text("revision").text("id").text(&id.0);
            }
        }
        if let Some(state) = &view.viewer_state {
            // The keys of a JSON object are sorted, so that its text is canonical.
            self.text("viewer_state").text(&state.to_string());
        }
        if !view.snapshots.is_empty() {
            let mut snapshots = Self::list();
            for snapshot in &view.snapshots {
                snapshots.text(&snapshot.label).image(&snapshot.image);
            }
            self.text("snapshots").nested(snapshots);
        }
    }

    fn digest(mut self) -> Digest {
        self.0.push(b'e');
        Digest::of(&self.0)
    }
}
