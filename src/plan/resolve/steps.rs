//! The steps of one entry of `parts`: parsed once, rendered for each of its parts.

use std::collections::BTreeMap;

use super::draft::Bench;
use super::images::MAX_IMAGES;
use super::outputs::relative;
use super::scope::{Context, Names};
use super::template::{Condition, Template};
use crate::manifest::shape::{StepBody, StepEntry, When};
use crate::manifest::{Code, Diagnostic, Diagnostics, Span, Spanned};
use crate::plan::content::{Content, ImageRef, Prompt, StepKind};
use crate::plan::family::{OnProposal, Policy};
use crate::plan::ids::{PartId, StepId};

/// A template and where it was written.
pub(super) struct Text<'m> {
    pub(super) written: &'m Spanned<String>,
    template: Template<'m>,
}

impl<'m> Text<'m> {
    /// Parses `written`; reports what is wrong with it.
    pub(super) fn parse(
        written: &'m Spanned<String>,
        names: &Names<'_>,
        sees_part: bool,
        bench: &mut Bench<'_>,
    ) -> Option<Self> {
        match Template::parse(&written.value, names, sees_part) {
            Ok(template) => Some(Self { written, template }),
            Err(problems) => {
                for problem in problems {
                    bench.problems.push(problem.at(written, bench.sources));
                }
                bench.has_unread_text = true;
                None
            }
        }
    }

    /// Its text under `context`, if that has all that it uses; reports why there is none.
    pub(super) fn render(&self, context: &Context, bench: &mut Bench<'_>) -> Option<String> {
        match self.template.render(&bench.engine, context)? {
            Ok(text) => Some(text),
            Err(problem) => bench.refuse(problem.at(self.written, bench.sources)),
        }
    }
}

/// A step whose templates are parsed.
pub(super) struct StepPlan<'m> {
    /// Its id; its kind, when its id was refused.
    pub(super) id: StepId,
    pub(super) kind: StepKind,
    /// Where its kind stands.
    pub(super) span: Span,
    /// Whether all that it asks for was read.
    pub(super) is_whole: bool,
    when: Existence<'m>,
    work: Work<'m>,
}

/// When a step exists.
enum Existence<'m> {
    Always(bool),
    If(&'m Spanned<When>, Condition<'m>),
    /// Its condition was refused.
    Unknown,
}

/// What a step does. A text that was refused is nothing.
enum Work<'m> {
    Write {
        prompt: Option<Text<'m>>,
        images: Vec<Option<Text<'m>>>,
    },
    Review {
        prompt: Option<Text<'m>>,
        on_proposal: OnProposal,
    },
    Check,
    Download {
        to: Option<Option<Text<'m>>>,
    },
}

/// Parses the steps of an entry and checks their order and ids. A step of an unknown kind leaves its place empty.
pub(super) fn parse<'m>(
    entries: &'m [StepEntry],
    names: &Names<'_>,
    bench: &mut Bench<'_>,
) -> Vec<Option<StepPlan<'m>>> {
    check_order(entries, &mut bench.problems);
    let ids = step_ids(entries, &mut bench.problems);
    let parse_one = |(entry, id): (&'m StepEntry, Option<StepId>)| {
        let when = parse_when(entry, names, bench);
        let work = parse_work(entry, names, bench);
        Some(StepPlan {
            id: id?,
            kind: kind_of(&entry.body)?,
            span: entry.span,
            is_whole: entry.is_whole,
            when,
            work: work?,
        })
    };
    entries.iter().zip(ids).map(parse_one).collect()
}

/// What one step of one part comes to.
pub(super) enum Rendered {
    /// Its condition is false.
    Skipped,
    /// It is to be done.
    Wanted(Content, Policy),
}

impl StepPlan<'_> {
    /// Where a download says its folder, or where it stands.
    pub(super) fn target_span(&self) -> Span {
        match &self.work {
            Work::Download {
                to: Some(Some(to)), ..
            } => to.written.span,
            _ => self.span,
        }
    }

    /// The step of `part`; nothing when that is not known, and reports why if it was not said already.
    pub(super) fn render(
        &self,
        part: Option<&PartId>,
        context: &Context,
        bench: &mut Bench<'_>,
    ) -> Option<Rendered> {
        if !self.applies(context, bench)? {
            return Some(Rendered::Skipped);
        }
        let (content, policy) = match &self.work {
            Work::Write { prompt, images } => {
                let prompt = render_prompt(prompt.as_ref(), context, bench);
                let images: Vec<Option<ImageRef>> = (images.iter())
                    .map(|image| render_image(image.as_ref()?, context, bench))
                    .collect();
                let (prompt, images) = (prompt?, images.into_iter().collect::<Option<_>>()?);
                let content = match self.kind {
                    StepKind::Create => Content::Create { prompt, images },
                    _ => Content::Iterate { prompt, images },
                };
                (content, Policy::None)
            }
            Work::Review {
                prompt,
                on_proposal,
            } => {
                let prompt = render_prompt(prompt.as_ref(), context, bench)?;
                (Content::Review { prompt }, Policy::OnProposal(*on_proposal))
            }
            Work::Check => (Content::Check {}, Policy::None),
            Work::Download { to } => {
                let folder = match to.as_ref()? {
                    Some(to) => format!("{}/", render_folder(to, context, bench)?),
                    None => String::new(),
                };
                let stem = format!("{folder}{}", part?);
                (Content::Download {}, Policy::PublishAs(stem))
            }
        };
        Some(Rendered::Wanted(content, policy))
    }

    fn applies(&self, context: &Context, bench: &mut Bench<'_>) -> Option<bool> {
        match &self.when {
            Existence::Always(holds) => Some(*holds),
            Existence::Unknown => None,
            Existence::If(written, condition) => match condition.holds(&bench.engine, context)? {
                Ok(holds) => Some(holds),
                Err(problem) => bench.refuse(problem.at(&expression(written), bench.sources)),
            },
        }
    }
}

fn parse_when<'m>(entry: &'m StepEntry, names: &Names<'_>, bench: &mut Bench<'_>) -> Existence<'m> {
    let written = match &entry.when {
        Ok(Some(written)) => written,
        Ok(None) => return Existence::Always(true),
        Err(_) => return Existence::Unknown,
    };
    let text = match &written.value {
        When::Always(holds) => return Existence::Always(*holds),
        When::Expression(text) => text,
    };
    match Condition::parse(text, names) {
        Ok(condition) => Existence::If(written, condition),
        Err(problems) => {
            for problem in problems {
                let problem = problem.at(&expression(written), bench.sources);
                bench.problems.push(problem);
            }
            bench.has_unread_text = true;
            Existence::Unknown
        }
    }
}

/// The text of a condition, at its place.
fn expression(written: &Spanned<When>) -> Spanned<String> {
    written.clone().map(|when| match when {
        When::Expression(text) => text,
        When::Always(holds) => holds.to_string(),
    })
}

fn parse_work<'m>(
    entry: &'m StepEntry,
    names: &Names<'_>,
    bench: &mut Bench<'_>,
) -> Option<Work<'m>> {
    let mut text = |written| Text::parse(written, names, true, bench);
    Some(match &entry.body {
        StepBody::Create { prompt, images } | StepBody::Iterate { prompt, images } => {
            let work = Work::Write {
                prompt: prompt.as_ref().ok().and_then(&mut text),
                images: images.iter().map(text).collect(),
            };
            if let Some(extra) = images.get(MAX_IMAGES) {
                let message = format!(
                    "{} images, and a write has at most {MAX_IMAGES}",
                    images.len()
                );
                bench.problems.push(
                    Diagnostic::error(Code::TooManyImages, extra.span, message)
                        .help("remove some of them"),
                );
            }
            work
        }
        StepBody::Review {
            prompt,
            fail_on_proposal,
        } => Work::Review {
            prompt: prompt.as_ref().ok().and_then(text),
            on_proposal: if *fail_on_proposal {
                OnProposal::Fail
            } else {
                OnProposal::Ignore
            },
        },
        StepBody::Check => Work::Check,
        StepBody::Download { to } => Work::Download {
            to: match to {
                Ok(Some(to)) => text(to).map(Some),
                Ok(None) => Some(None),
                Err(_) => None,
            },
        },
        StepBody::Refused => return None,
    })
}

const fn kind_of(body: &StepBody) -> Option<StepKind> {
    match body {
        StepBody::Create { .. } => Some(StepKind::Create),
        StepBody::Iterate { .. } => Some(StepKind::Iterate),
        StepBody::Review { .. } => Some(StepKind::Review),
        StepBody::Check => Some(StepKind::Check),
        StepBody::Download { .. } => Some(StepKind::Download),
        StepBody::Refused => None,
    }
}

/// A part is one remote job: its first step creates it, and no other does.
fn check_order(entries: &[StepEntry], problems: &mut Diagnostics) {
    let is_create = |entry: &&StepEntry| matches!(entry.body, StepBody::Create { .. });
    let Some(first) = entries.first() else { return };
    if let Some(kind) = kind_of(&first.body).filter(|kind| *kind != StepKind::Create) {
        let message = format!("a part starts with `create`, not with `{kind}`");
        problems.push(
            Diagnostic::error(Code::StepOrder, first.span, message)
                .help("put `- create: { prompt: ... }` before it"),
        );
    }
    let mut creates = entries.iter().filter(is_create);
    let Some(first) = creates.next() else { return };
    for other in creates {
        problems.push(
            Diagnostic::error(Code::StepOrder, other.span, "a part has one `create`")
                .see(first.span, "it is created here")
                .help("write an `iterate`, or another part"),
        );
    }
}

/// The ids of steps: what is written, else the kind. Only a step of an unknown kind has none.
fn step_ids(entries: &[StepEntry], problems: &mut Diagnostics) -> Vec<Option<StepId>> {
    let mut known: BTreeMap<StepId, (Span, bool)> = BTreeMap::new();
    let mut ids = Vec::with_capacity(entries.len());
    for entry in entries {
        let kind = kind_of(&entry.body).map(StepKind::as_str);
        let kind_id = kind.and_then(|kind| StepId::new(kind).ok());
        let (text, span, is_written) = match (&entry.id, kind) {
            (Ok(Some(id)), _) => (id.value.as_str(), id.span, true),
            (Ok(None), Some(kind)) => (kind, entry.span, false),
            _ => {
                ids.push(kind_id);
                continue;
            }
        };
        match StepId::new(text) {
            Ok(id) => {
                if let Some(first) = known.insert(id.clone(), (span, is_written)) {
                    problems.push(second_step(text, (span, is_written), first));
                }
                ids.push(Some(id));
            }
            Err(error) => {
                problems.push(
                    Diagnostic::error(Code::BadId, span, error.to_string()).help("rename the step"),
                );
                ids.push(kind_id);
            }
        }
    }
    ids
}

/// A step with the id `text` of an earlier one; each with its place and whether its id is written there.
fn second_step(text: &str, second: (Span, bool), first: (Span, bool)) -> Diagnostic {
    let (code, message) = if second.1 || first.1 {
        let message = format!("two steps of this part have the id `{text}`");
        (Code::DuplicateStep, message)
    } else {
        let message = format!("a second `{text}` needs an id of its own");
        (Code::UnnamedStep, message)
    };
    Diagnostic::error(code, second.0, message)
        .see(first.0, format!("the first `{text}`"))
        .help(format!("give this step an id that is free: `id: {text}-2`"))
}

fn render_prompt(
    text: Option<&Text<'_>>,
    context: &Context,
    bench: &mut Bench<'_>,
) -> Option<Prompt> {
    let text = text?;
    let prompt = Prompt::new(&text.render(context, bench)?);
    let span = text.written.span;
    if prompt.as_str().is_empty() {
        return bench.refuse(
            Diagnostic::error(Code::EmptyPrompt, span, "this prompt is empty")
                .help("say what to make, change or look at"),
        );
    }
    let chars = prompt.as_str().chars().count();
    if chars > Prompt::MAX_CHARS {
        let message = format!(
            "this prompt has {chars} characters, and the service takes {}",
            Prompt::MAX_CHARS
        );
        return bench.refuse(Diagnostic::error(Code::LongPrompt, span, message).help("shorten it"));
    }
    Some(prompt)
}

fn render_image(text: &Text<'_>, context: &Context, bench: &mut Bench<'_>) -> Option<ImageRef> {
    let path = text.render(context, bench)?;
    match bench.images.image(&path) {
        Ok(image) => {
            bench.paths.entry(image.digest).or_insert(path);
            Some(image)
        }
        Err(problem) => {
            let message = format!("image `{path}`: {problem}");
            bench.refuse(
                Diagnostic::error(Code::BadImage, text.written.span, message)
                    .help("paths of images are relative to the manifest's folder"),
            )
        }
    }
}

fn render_folder(text: &Text<'_>, context: &Context, bench: &mut Bench<'_>) -> Option<String> {
    let path = text.render(context, bench)?;
    match relative(&path) {
        Ok(folder) => Some(folder.to_owned()),
        Err(why) => bench.refuse(
            Diagnostic::error(
                Code::UnsafePath,
                text.written.span,
                format!("nothing can be published to `{path}`: {why}"),
            )
            .help("write a folder below the output folder: `plates/{{ part.id }}`"),
        ),
    }
}
