//! What a step does: its texts parsed once, and what is wrong with them wherever they stand.

use super::draft::Bench;
use super::images::MAX_IMAGES;
use super::reads::Sees;
use super::scope::Names;
use super::shown::Shown;
use super::text::Text;
use crate::manifest::shape::{
    self, AdoptTarget, CheckEntry, Quantity, ReviewEntry, StepBody, StepEntry,
};
use crate::manifest::{Code, Diagnostic, Spanned};
use crate::plan::content::{Expected, OnFail, Selection};
use crate::plan::family::OnProposal;
use globset::GlobBuilder;

/// What a step does. A text that was refused is nothing.
pub(super) enum Work<'m> {
    Write {
        prompt: Option<Text<'m>>,
        images: Vec<Option<Text<'m>>>,
    },
    Review {
        prompt: Option<Text<'m>>,
        shown: Option<Shown<'m>>,
        on_proposal: OnProposal,
    },
    Check(Expected),
    /// What a gate asks, if it says so.
    Approve(Option<Option<Text<'m>>>),
    Download {
        to: Option<Option<Text<'m>>>,
        artifacts: Option<Selection>,
        transcript: bool,
    },
}

/// Parses the texts of `entry`. A step that this version can't carry out is looked at, and does nothing.
pub(super) fn parse_work<'m>(
    entry: &'m StepEntry,
    names: &Names<'_>,
    bench: &mut Bench<'_>,
) -> Option<Work<'m>> {
    Some(match &entry.body {
        StepBody::Create { prompt, images } | StepBody::Iterate { prompt, images, .. } => {
            refuse_many(images, bench);
            let prompt = parse_prompt(prompt.as_ref().ok(), names, bench);
            let mut image = |image| Text::parse(image, names, Sees::Part, bench);
            Work::Write {
                prompt,
                images: images.iter().map(&mut image).collect(),
            }
        }
        StepBody::Adopt(target) => {
            if let Ok(AdoptTarget::Job(text) | AdoptTarget::Find(text)) = target {
                Text::parse(text, names, Sees::Part, bench);
            }
            return None;
        }
        StepBody::Review(review) => parse_review(review, names, bench),
        StepBody::Check(check) => parse_check(check, names, bench),
        StepBody::Approve { message } => {
            let message = message.as_ref();
            Work::Approve(message.map(|message| Text::parse(message, names, Sees::Part, bench)))
        }
        StepBody::Download {
            to,
            artifacts,
            transcript,
        } => Work::Download {
            transcript: *transcript,
            to: match to {
                Ok(Some(to)) => Text::parse(to, names, Sees::Part, bench).map(Some),
                Ok(None) => Some(None),
                Err(_) => None,
            },
            artifacts: match artifacts {
                Ok(Some(artifacts)) => parse_selection(artifacts, bench),
                Ok(None) => Some(Selection::All),
                Err(_) => None,
            },
        },
        StepBody::Refused => return None,
    })
}

fn parse_prompt<'m>(
    prompt: Option<&'m Spanned<String>>,
    names: &Names<'_>,
    bench: &mut Bench<'_>,
) -> Option<Text<'m>> {
    let text = Text::parse(prompt?, names, Sees::Results, bench)?;
    if text.uses().has_part() {
        let message =
            "this prompt has the part's id in it: when the part is renamed, it is sent anew";
        bench.problems.push(
            Diagnostic::warning(Code::IdInPrompt, text.written.span, message)
                .help("write what the id is made from"),
        );
    }
    Some(text)
}

fn refuse_many(images: &[Spanned<String>], bench: &mut Bench<'_>) {
    if let Some(extra) = images.get(MAX_IMAGES) {
        let message = format!(
            "{} images, and a write has at most {MAX_IMAGES}",
            images.len()
        );
        bench.problems.push(
            Diagnostic::error(Code::TooManyImages, extra.span, message).help("remove some of them"),
        );
    }
}

fn parse_review<'m>(review: &'m ReviewEntry, names: &Names<'_>, bench: &mut Bench<'_>) -> Work<'m> {
    Work::Review {
        shown: Shown::parse(review, names, bench),
        prompt: parse_prompt(review.prompt.as_ref().ok(), names, bench),
        on_proposal: match review.on_proposal {
            Some(shape::OnProposal::Fail) => OnProposal::Fail,
            // The other two were refused as not supported yet.
            _ => OnProposal::Ignore,
        },
    }
}

fn parse_check<'m>(check: &'m CheckEntry, names: &Names<'_>, bench: &mut Bench<'_>) -> Work<'m> {
    let sides = check.bbox.iter().flat_map(|bbox| &bbox.size);
    let others = [
        check.solids.as_ref(),
        check.bodies.as_ref(),
        check.bbox.as_ref().and_then(|bbox| bbox.tolerance.as_ref()),
        check
            .volume
            .as_ref()
            .and_then(|volume| volume.value.as_ref()),
        check
            .volume
            .as_ref()
            .and_then(|volume| volume.tolerance.as_ref()),
    ];
    for quantity in sides.chain(others.into_iter().flatten()) {
        if let Quantity::Template(text) = quantity {
            Text::parse(text, names, Sees::Part, bench);
        }
    }
    Work::Check(Expected {
        files: check.files,
        on_fail: match check.on_fail {
            Some(shape::OnFail::Warn) => OnFail::Warn,
            Some(shape::OnFail::Reject) | None => OnFail::Reject,
        },
    })
}

fn parse_selection(written: &Spanned<String>, bench: &mut Bench<'_>) -> Option<Selection> {
    match written.value.as_str() {
        "all" => Some(Selection::All),
        "root" => Some(Selection::Root),
        pattern => match GlobBuilder::new(pattern).build() {
            Ok(_) => Some(Selection::Labels(pattern.to_owned())),
            Err(error) => {
                let message = format!("`{pattern}` is no pattern: {}", error.kind());
                bench.problems.push(
                    Diagnostic::error(Code::BadValue, written.span, message)
                        .help("write `all`, `root`, or a pattern for labels: `bracket-*`"),
                );
                None
            }
        },
    }
}
