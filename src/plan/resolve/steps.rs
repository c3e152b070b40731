//! The steps of one entry of `parts`: parsed once, rendered for each of its parts.

use std::collections::BTreeMap;

use minijinja::Value;

use super::family::Bench;
use super::images::MAX_IMAGES;
use super::outputs::relative;
use super::scope::Names;
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
                None
            }
        }
    }

    /// Its text under `context`; reports why there is none.
    pub(super) fn render(&self, context: &Value, bench: &mut Bench<'_>) -> Option<String> {
        match self.template.render(&bench.engine, context) {
            Ok(text) => Some(text),
            Err(problem) => bench.refuse(problem.at(self.written, bench.sources)),
        }
    }
}

/// A step whose templates are parsed.
pub(super) struct StepPlan<'m> {
    pub(super) id: StepId,
    /// Where its kind stands.
    pub(super) span: Span,
    when: Option<(&'m Spanned<When>, Option<Condition<'m>>)>,
    work: Work<'m>,
}

enum Work<'m> {
    Write {
        kind: StepKind,
        prompt: Text<'m>,
        images: Vec<Text<'m>>,
    },
    Review {
        prompt: Text<'m>,
        on_proposal: OnProposal,
    },
    Check,
    Download {
        to: Option<Text<'m>>,
    },
}

/// Parses the steps of an entry and checks their order and ids.
pub(super) fn parse<'m>(
    entries: &'m [StepEntry],
    names: &Names<'_>,
    bench: &mut Bench<'_>,
) -> Vec<StepPlan<'m>> {
    check_order(entries, &mut bench.problems);
    let ids = step_ids(entries, &mut bench.problems);
    let parse_one = |(entry, id): (&'m StepEntry, Option<StepId>)| {
        let when = parse_when(entry, names, bench);
        let work = parse_work(entry, names, bench);
        Some(StepPlan {
            id: id?,
            span: entry.span,
            when: when?,
            work: work?,
        })
    };
    entries.iter().zip(ids).filter_map(parse_one).collect()
}

/// What one step of one part comes to.
pub(super) enum Rendered {
    /// Its condition is false.
    Skipped,
    /// It is to be done.
    Wanted(Content, Policy),
}

impl StepPlan<'_> {
    /// The kind of step.
    pub(super) const fn kind(&self) -> StepKind {
        match self.work {
            Work::Write { kind, .. } => kind,
            Work::Review { .. } => StepKind::Review,
            Work::Check => StepKind::Check,
            Work::Download { .. } => StepKind::Download,
        }
    }

    /// Where a download says its folder, or where it stands.
    pub(super) fn target_span(&self) -> Span {
        match &self.work {
            Work::Download { to: Some(to) } => to.written.span,
            _ => self.span,
        }
    }

    /// The step of `part`; reports why there is none.
    pub(super) fn render(
        &self,
        part: &PartId,
        context: &Value,
        bench: &mut Bench<'_>,
    ) -> Option<Rendered> {
        if !self.applies(context, bench)? {
            return Some(Rendered::Skipped);
        }
        let (content, policy) = match &self.work {
            Work::Write {
                kind,
                prompt,
                images,
            } => {
                let prompt = render_prompt(prompt, context, bench);
                let images: Vec<Option<ImageRef>> = (images.iter())
                    .map(|image| render_image(image, context, bench))
                    .collect();
                let (prompt, images) = (prompt?, images.into_iter().collect::<Option<_>>()?);
                let content = match kind {
                    StepKind::Create => Content::Create { prompt, images },
                    _ => Content::Iterate { prompt, images },
                };
                (content, Policy::None)
            }
            Work::Review {
                prompt,
                on_proposal,
            } => {
                let prompt = render_prompt(prompt, context, bench)?;
                (Content::Review { prompt }, Policy::OnProposal(*on_proposal))
            }
            Work::Check => (Content::Check {}, Policy::None),
            Work::Download { to } => {
                let stem = match to {
                    Some(to) => format!("{}/{part}", render_folder(to, context, bench)?),
                    None => part.to_string(),
                };
                (Content::Download {}, Policy::PublishAs(stem))
            }
        };
        Some(Rendered::Wanted(content, policy))
    }

    fn applies(&self, context: &Value, bench: &mut Bench<'_>) -> Option<bool> {
        let Some((written, condition)) = &self.when else {
            return Some(true);
        };
        match (&written.value, condition) {
            (When::Expression(text), Some(condition)) => {
                match condition.holds(&bench.engine, context) {
                    Ok(holds) => Some(holds),
                    Err(problem) => {
                        let text = Spanned::new(text.clone(), written.span);
                        bench.refuse(problem.at(&text, bench.sources))
                    }
                }
            }
            (When::Always(holds), _) => Some(*holds),
            (When::Expression(_), None) => None,
        }
    }
}

fn parse_when<'m>(
    entry: &'m StepEntry,
    names: &Names<'_>,
    bench: &mut Bench<'_>,
) -> Option<Option<(&'m Spanned<When>, Option<Condition<'m>>)>> {
    let Some(written) = &entry.when else {
        return Some(None);
    };
    let When::Expression(text) = &written.value else {
        return Some(Some((written, None)));
    };
    match Condition::parse(text, names) {
        Ok(condition) => Some(Some((written, Some(condition)))),
        Err(problems) => {
            let text = Spanned::new(text.clone(), written.span);
            for problem in problems {
                bench.problems.push(problem.at(&text, bench.sources));
            }
            None
        }
    }
}

fn parse_work<'m>(
    entry: &'m StepEntry,
    names: &Names<'_>,
    bench: &mut Bench<'_>,
) -> Option<Work<'m>> {
    let mut text = |written| Text::parse(written, names, true, bench);
    Some(match &entry.body {
        StepBody::Create { prompt, images } | StepBody::Iterate { prompt, images } => {
            let prompt = text(prompt);
            let parsed: Vec<Option<Text<'m>>> = images.iter().map(text).collect();
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
            Work::Write {
                kind: kind_of(&entry.body),
                prompt: prompt?,
                images: parsed.into_iter().collect::<Option<_>>()?,
            }
        }
        StepBody::Review {
            prompt,
            fail_on_proposal,
        } => Work::Review {
            prompt: text(prompt)?,
            on_proposal: if *fail_on_proposal {
                OnProposal::Fail
            } else {
                OnProposal::Ignore
            },
        },
        StepBody::Check => Work::Check,
        StepBody::Download { to } => Work::Download {
            to: match to {
                Some(to) => Some(text(to)?),
                None => None,
            },
        },
    })
}

const fn kind_of(body: &StepBody) -> StepKind {
    match body {
        StepBody::Create { .. } => StepKind::Create,
        StepBody::Iterate { .. } => StepKind::Iterate,
        StepBody::Review { .. } => StepKind::Review,
        StepBody::Check => StepKind::Check,
        StepBody::Download { .. } => StepKind::Download,
    }
}

/// A part is one remote job: its first step creates it, and no other does.
fn check_order(entries: &[StepEntry], problems: &mut Diagnostics) {
    let is_create = |entry: &&StepEntry| matches!(entry.body, StepBody::Create { .. });
    let Some(first) = entries.first() else { return };
    if !is_create(&first) {
        let message = format!(
            "a part starts with `create`, not with `{}`",
            kind_of(&first.body)
        );
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

/// The ids of steps: what is written, else the kind.
fn step_ids(entries: &[StepEntry], problems: &mut Diagnostics) -> Vec<Option<StepId>> {
    let mut known: BTreeMap<StepId, (Span, bool)> = BTreeMap::new();
    let mut ids = Vec::with_capacity(entries.len());
    for entry in entries {
        let (text, span) = match &entry.id {
            Some(id) => (id.value.as_str(), id.span),
            None => (kind_of(&entry.body).as_str(), entry.span),
        };
        let id = match StepId::new(text) {
            Ok(id) => id,
            Err(error) => {
                problems.push(
                    Diagnostic::error(Code::BadId, span, error.to_string()).help("rename the step"),
                );
                ids.push(None);
                continue;
            }
        };
        if let Some((first, is_written)) = known.insert(id.clone(), (span, entry.id.is_some())) {
            let unnamed = entry.id.is_none() && !is_written;
            let (code, message) = if unnamed {
                let message = format!("a second `{text}` needs an id of its own");
                (Code::UnnamedStep, message)
            } else {
                let message = format!("two steps of this part have the id `{text}`");
                (Code::DuplicateStep, message)
            };
            problems.push(
                Diagnostic::error(code, span, message)
                    .see(first, format!("the first `{text}`"))
                    .help(format!("give this step an id that is free: `id: {text}-2`")),
            );
        }
        ids.push(Some(id));
    }
    ids
}

fn render_prompt(text: &Text<'_>, context: &Value, bench: &mut Bench<'_>) -> Option<Prompt> {
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

fn render_image(text: &Text<'_>, context: &Value, bench: &mut Bench<'_>) -> Option<ImageRef> {
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

fn render_folder(text: &Text<'_>, context: &Value, bench: &mut Bench<'_>) -> Option<String> {
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
