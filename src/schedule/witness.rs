//! Witnesses: whether the service's own records show that something was sent (failure model, R6).
//!
//! The job list and the message histories are public and free to read. They are "sanitized", so texts are compared under
//! normalisation; a text that was cut short counts as present and is asked about. Similarity is never measured.

use std::time::Duration;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::plan::content::{Content, StepKind};

use crate::plan::digest::Digest;
use crate::plan::ids::StepRef;
use crate::plan::key::StepKey;
use crate::plan::remote::{JobId, ReviewResult, Timestamp};
use crate::plan::send::SendIx;

/// How far the service's clock and ours may differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A send without a clear answer.
    Send(SendIx),
    /// A create that this state knows nothing of, and that an earlier one may have sent.
    Create {
        /// Its step.
        step: StepRef,
        /// Its key.
        key: StepKey,
    },
}

/// An image as the message history tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// One message of a job's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether a user wrote it.
    pub by_user: bool,
    /// What it says; text of the service.
    pub text: String,
    /// Its images; `None` for one that the history does not tell enough of.
    pub images: Vec<Option<ImageFacts>>,
    /// When it was written.
    pub at: Option<Timestamp>,
    /// Whether it came with a revision.
    pub made_revision: bool,
    /// The review, in a message of the review assistant.
    pub review: Option<ReviewResult>,
}

/// Something that was sent, or may have been, as the history would show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarry {
    /// What it is.
    pub subject: Subject,
    /// The kind of its step.
    pub kind: StepKind,
    /// The job of a follow-up or a review; `None` for a create.
    pub job: Option<JobId>,
    /// Its text, normalised.
    pub text: String,
    /// Its images, in order.
    pub images: Vec<ImageFacts>,
    /// When it may have been sent first; `None` when that is not known.
    pub since: Option<Timestamp>,
    /// How often the job is known to have been sent the same before.
    pub known: usize,
}

/// What one message is to a quarry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The same text and images.
    Same,
    /// The beginning of its text: somebody has to look.
    Near,
    /// Something else.
    Other,
}

/// What the history of a follow-up's job says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trace {
    /// It is there; with the answer, when it is a review that has one.
    Present(Option<ReviewResult>),
    /// It is not there.
    Absent,
    /// It can't be told; in words.
    Unclear(String),
}

/// A text, as texts are compared: composed, with single blanks.
#[must_use]
pub fn normalised(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The letters and digits of a text, by which a job's preview is recognised whatever was made of it.
#[must_use]
pub fn outline(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let letters = composed.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

impl Quarry {
    /// A create as the history would show it, or a follow-up or review once its job is set; `bytes` is the size of an image.
    ///
    /// # Errors
    /// When the size of an image can't be told.
    pub fn new<E>(
        subject: Subject,
        content: &Content,
        bytes: impl Fn(Digest) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let images = content.images().iter().map(|image| {
            Ok(ImageFacts {
                media_type: image.image_type.media_type().to_owned(),
                bytes: u64::try_from(bytes(image.digest)?).unwrap_or(u64::MAX),
            })
        });
        Ok(Self {
            subject,
            kind: content.kind(),
            job: None,
            text: normalised(content.prompt().map_or("", |prompt| prompt.as_str())),
            images: images.collect::<Result<_, E>>()?,
            since: None,
            known: 0,
        })
    }

    /// Whether something of the moment `at` may be it.
    #[must_use]
    pub fn may_be_of(&self, at: Option<Timestamp>) -> bool {
        match (self.since, at) {
            (Some(since), Some(at)) => at.after(CLOCKS_DIFFER) >= since,
            _ => true,
        }
    }

    /// What `message`, which a user wrote, is to it.
    #[must_use]
    pub fn likeness(&self, message: &Message) -> Likeness {
        let text = normalised(&message.text);
        let same_images = message.images.len() == self.images.len()
            && (message.images.iter().zip(&self.images))
                .all(|(seen, ours)| seen.as_ref().is_none_or(|seen| seen == ours));
        if !same_images {
            Likeness::Other
        } else if text == self.text {
            Likeness::Same
        } else if !text.is_empty() && self.text.starts_with(&text) {
            Likeness::Near
        } else {
            Likeness::Other
        }
    }

    /// Looks for a follow-up or a review in its job's history. What we know to have sent there before is the first of
    /// its like; the job's own create is none of them.
    #[must_use]
    pub fn trace(&self, history: &[Message]) -> Trace {
        let mut likes = history
            .iter()
            .enumerate()
            .filter(|(_, message)| message.by_user)
            .skip(1)
            .map(|(place, message)| (place, self.likeness(message), message.at))
            .filter(|(_, likeness, _)| *likeness != Likeness::Other)
            .filter(|(place, ..)| self.is_of_our_kind(history, *place))
            .collect::<Vec<_>>();
        likes.sort_by_key(|(place, _, at)| (*at, *place));
        let new: Vec<_> = (likes.into_iter().skip(self.known))
            .filter(|(_, _, at)| self.may_be_of(*at))
            .collect();
        match new.as_slice() {
            [] => Trace::Absent,
            [(place, Likeness::Same, _)] => Trace::Present(answer_after(history, *place)),
            [_] => Trace::Unclear(
                "its job's history has a message that is the beginning of its text".to_owned(),
            ),
            several => Trace::Unclear(format!(
                "its job's history has {} messages with its text",
                several.len()
            )),
        }
    }

    /// A review that was answered is no follow-up, and the reverse. What was not answered may be either.
    fn is_of_our_kind(&self, history: &[Message], place: usize) -> bool {
        let answer = history.get(place + 1).filter(|answer| !answer.by_user);
        answer.is_none_or(|answer| answer.review.is_some() == (self.kind == StepKind::Review))
    }
}

/// The review that answers the message at `place`.
fn answer_after(history: &[Message], place: usize) -> Option<ReviewResult> {
    let answer = history.get(place + 1).filter(|answer| !answer.by_user)?;
    answer.review.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_700_000_000_000);

    fn said(text: &str, minutes: u64) -> Message {
        Message {
            by_user: true,
            text: text.to_owned(),
            images: Vec::new(),
            made_revision: false,
            at: Some(NOON.after(Duration::from_secs(minutes * 60))),
            review: None,
        }
    }

    fn answered(review: Option<&str>, minutes: u64) -> Message {
        Message {
            by_user: false,
            made_revision: review.is_none(),
            review: review.map(|message| ReviewResult {
                message: message.to_owned(),
                proposal: None,
            }),
            ..said("There.", minutes)
        }
    }

    fn quarry(kind: StepKind, text: &str, known: usize) -> Quarry {
        Quarry {
            subject: Subject::Send(SendIx(0)),
            kind,
            job: Some(JobId("j".to_owned())),
            text: normalised(text),
            images: Vec::new(),
            since: Some(NOON.after(Duration::from_secs(3_600))),
            known,
        }
    }

    #[test]
    fn texts_are_the_same_under_normalisation_and_nothing_else() {
        let wanted = quarry(StepKind::Iterate, "Make it\n 8 mm  thick, caf\u{e9}.", 0);
        for (text, likeness) in [
            ("Make it 8 mm thick, cafe\u{301}.", Likeness::Same),
            ("  Make it 8 mm thick, caf\u{e9}. ", Likeness::Same),
            ("Make it 8 mm", Likeness::Near),
            ("Make it 8 mm thick, caf\u{e9}. Now.", Likeness::Other),
            ("make it 8 mm thick, caf\u{e9}.", Likeness::Other),
            ("Make it 80 mm thick, caf\u{e9}.", Likeness::Other),
            ("", Likeness::Other),
        ] {
            assert_eq!(wanted.likeness(&said(text, 60)), likeness, "{text}");
        }
    }

    #[test]
    fn images_are_told_apart_by_type_and_size_where_the_history_tells_them() {
        let png = |bytes| ImageFacts {
            media_type: "image/png".to_owned(),
            bytes,
        };
        let mut wanted = quarry(StepKind::Iterate, "So.", 0);
        wanted.images = vec![png(10)];
        let mut message = said("So.", 60);
        for (images, likeness) in [
            (vec![], Likeness::Other),
            (vec![Some(png(10))], Likeness::Same),
            (vec![None], Likeness::Same),
            (vec![Some(png(11))], Likeness::Other),
            (vec![Some(png(10)), None], Likeness::Other),
        ] {
            message.images = images;
            assert_eq!(wanted.likeness(&message), likeness, "{:?}", message.images);
        }
    }

    #[test]
    fn a_follow_up_is_found_beyond_those_that_are_known_and_after_it_was_intended() {
        let first = [said("A box.", 0), answered(None, 4)];
        let with = |more: &[Message]| [&first[..], more].concat();
        let more = said("Thicker.", 61);
        let earlier = said("Thicker.", 10);
        let is = |known, history: &[Message]| {
            quarry(StepKind::Iterate, "Thicker.", known).trace(history)
        };
        assert_eq!(is(0, &first), Trace::Absent);
        assert_eq!(
            is(0, &with(std::slice::from_ref(&more))),
            Trace::Present(None)
        );
        // Somebody said the same, long before.
        assert_eq!(is(0, &with(std::slice::from_ref(&earlier))), Trace::Absent);
        assert_eq!(is(1, &with(std::slice::from_ref(&more))), Trace::Absent);
        assert_eq!(
            is(
                1,
                &with(&[earlier.clone(), answered(None, 12), more.clone()])
            ),
            Trace::Present(None)
        );
        assert!(matches!(
            is(0, &with(&[more.clone(), said("Thicker.", 70)])),
            Trace::Unclear(_)
        ));
        assert!(matches!(
            is(0, &with(&[said("Thick", 61)])),
            Trace::Unclear(_)
        ));
        // The create has the same words: that is no follow-up.
        assert_eq!(is(0, &[said("Thicker.", 61)]), Trace::Absent);
    }

    #[test]
    fn a_review_is_found_with_its_answer_and_a_follow_up_is_none() {
        let history = [
            said("A box.", 0),
            answered(None, 4),
            said("Look.", 61),
            answered(Some("Fine."), 61),
        ];
        let review = quarry(StepKind::Review, "Look.", 0).trace(&history);
        assert!(matches!(review, Trace::Present(Some(review)) if review.message == "Fine."));
        assert_eq!(
            quarry(StepKind::Iterate, "Look.", 0).trace(&history),
            Trace::Absent
        );
        let unanswered = quarry(StepKind::Review, "Look.", 0).trace(&history[..3]);
        assert_eq!(unanswered, Trace::Present(None));
    }
}
