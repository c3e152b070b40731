//! The steps of one entry of `parts`: parsed once, rendered for each of its parts.

use super::draft::Bench;
use super::order::{check_order, kind_of, step_ids};
use super::own::Own;
use super::scope::{Context, Earlier, Names};
use super::template::Condition;
use super::text::{Text, render_folder, render_image, render_prompt};
use super::work::{Work, parse_work};
use crate::manifest::shape::{StepEntry, When};
use crate::manifest::{Span, Spanned};
use crate::plan::content::{Content, ImageRef, StepKind};
use crate::plan::dynamic::{Body, Dynamic, Formula};
use crate::plan::family::Policy;
use crate::plan::ids::{PartId, StepId};
use crate::plan::view::View;

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
    If(&'m Spanned<When>, Box<Condition<'m>>),
    /// Its condition was refused.
    Unknown,
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
        let condition = condition_of(entry);
        names.enter_step(condition.clone());
        let when = parse_when(entry, names, bench);
        let work = parse_work(entry, names, bench);
        if let Some(id) = &id {
            names.pass_step(Earlier {
                id: id.to_string(),
                kind: kind_of(&entry.body),
                condition,
            });
        }
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
    Wanted(Wanted, Policy),
}

/// What a step asks for.
pub(super) enum Wanted {
    /// All of it is known.
    Known(Content),
    /// Results are not there yet.
    Later(Box<Dynamic>),
}

/// Whether a step exists in a part.
enum Exists {
    Never,
    Always,
    If(Formula),
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

    /// Where its condition stands, if it has one.
    pub(super) fn condition_span(&self) -> Option<Span> {
        match &self.when {
            Existence::If(written, _) => Some(written.span),
            Existence::Always(false) => Some(self.span),
            Existence::Always(true) | Existence::Unknown => None,
        }
    }

    /// The step of `part`; nothing when that is not known, and reports why if it was not said already.
    pub(super) fn render(
        &self,
        part: Option<&PartId>,
        context: &Context,
        own: Own<'_>,
        bench: &mut Bench<'_>,
    ) -> Option<Rendered> {
        let when = match self.applies(context, &own, bench)? {
            Exists::Never => return Some(Rendered::Skipped),
            Exists::Always => None,
            Exists::If(when) => Some(when),
        };
        let (wanted, policy) = self.wanted(part, context, &own, bench)?;
        let wanted = match (when, wanted) {
            (None, wanted) => wanted,
            (when, Wanted::Known(content)) => Wanted::Later(Box::new(Dynamic {
                when,
                body: Body::Known(content),
            })),
            (when, Wanted::Later(dynamic)) => Wanted::Later(Box::new(Dynamic { when, ..*dynamic })),
        };
        Some(Rendered::Wanted(wanted, policy))
    }

    /// What it asks for, and what it does with its result.
    fn wanted(
        &self,
        part: Option<&PartId>,
        context: &Context,
        own: &Own<'_>,
        bench: &mut Bench<'_>,
    ) -> Option<(Wanted, Policy)> {
        let (content, policy) = match &self.work {
            Work::Write { prompt, images } => {
                let late = late_prompt(prompt.as_ref(), context, own, bench);
                let known = match &late {
                    Late::Known => render_prompt(prompt.as_ref(), context, bench),
                    Late::Unknown | Late::Formula(_) => None,
                };
                let images: Vec<Option<ImageRef>> = (images.iter())
                    .map(|image| render_image(image.as_ref()?, context, bench))
                    .collect();
                let images = || images.into_iter().collect::<Option<Vec<_>>>();
                if let Late::Formula(text) = late {
                    return Some((later(text, images()?, None), Policy::None));
                }
                let (prompt, images) = (known?, images()?);
                let content = match self.kind {
                    StepKind::Create => Content::Create { prompt, images },
                    _ => Content::Iterate { prompt, images },
                };
                (content, Policy::None)
            }
            Work::Review {
                prompt,
                shown,
                on_proposal,
            } => {
                let policy = Policy::OnProposal(*on_proposal);
                let late = late_prompt(prompt.as_ref(), context, own, bench);
                let known = match &late {
                    Late::Known => render_prompt(prompt.as_ref(), context, bench),
                    Late::Unknown | Late::Formula(_) => None,
                };
                let view = shown
                    .as_ref()
                    .and_then(|shown| shown.render(context, bench));
                if let Late::Formula(text) = late {
                    return Some((later(text, Vec::new(), view?.boxed()), policy));
                }
                let (prompt, view) = (known?, view?.boxed());
                (Content::Review { prompt, view }, policy)
            }
            Work::Check(expected) => {
                let expected = expected.clone();
                (Content::Check { expected }, Policy::None)
            }
            Work::Approve(message) => {
                let message = match message {
                    Some(message) => message.as_ref()?.render(context, bench)?.trim().to_owned(),
                    None => String::new(),
                };
                (Content::Approve { message }, Policy::None)
            }
            Work::Download {
                to,
                artifacts,
                transcript,
            } => {
                let folder = match to.as_ref()? {
                    Some(to) => format!("{}/", render_folder(to, context, bench)?),
                    None => String::new(),
                };
                let stem = format!("{folder}{}", part?);
                let artifacts = artifacts.clone()?;
                let transcript = *transcript;
                let content = Content::Download {
                    artifacts,
                    transcript,
                };
                (content, Policy::PublishAs(stem))
            }
        };
        Some((Wanted::Known(content), policy))
    }

    fn applies(&self, context: &Context, own: &Own<'_>, bench: &mut Bench<'_>) -> Option<Exists> {
        match &self.when {
            Existence::Always(true) => Some(Exists::Always),
            Existence::Always(false) => Some(Exists::Never),
            Existence::Unknown => None,
            Existence::If(written, condition) if !condition.reads().is_empty() => {
                if !context.has_all(condition.uses()) {
                    return None;
                }
                let text = expression(written);
                match own.reads(condition.reads(), &bench.engine, context) {
                    Ok((reads, of_parts)) => {
                        bench.note_part_reads(&text, of_parts);
                        Some(Exists::If(Formula {
                            source: text.value,
                            values: context.values.clone(),
                            reads,
                        }))
                    }
                    Err(problem) => {
                        let problem = problem.at(&text, bench.sources);
                        bench.refuse(condition.uses(), problem)
                    }
                }
            }
            Existence::If(written, condition) => match condition.holds(&bench.engine, context)? {
                Ok(true) => Some(Exists::Always),
                Ok(false) => Some(Exists::Never),
                Err(problem) => {
                    let problem = problem.at(&expression(written), bench.sources);
                    bench.refuse(condition.uses(), problem)
                }
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
        Ok((condition, lints)) => {
            for lint in lints {
                let lint = lint.at(&expression(written), bench.sources);
                bench.problems.push(lint);
            }
            Existence::If(written, Box::new(condition))
        }
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

/// A prompt that may read results.
enum Late {
    /// It reads none.
    Known,
    /// It does.
    Formula(Formula),
    /// It was refused.
    Unknown,
}

fn late_prompt(
    text: Option<&Text<'_>>,
    context: &Context,
    own: &Own<'_>,
    bench: &mut Bench<'_>,
) -> Late {
    match text {
        Some(text) if text.is_dynamic() => match text.formula(context, own, bench) {
            Some(formula) => Late::Formula(formula),
            None => Late::Unknown,
        },
        _ => Late::Known,
    }
}

fn later(text: Formula, images: Vec<ImageRef>, view: Option<Box<View>>) -> Wanted {
    let body = Body::Prompt { text, images, view };
    Wanted::Later(Box::new(Dynamic { when: None, body }))
}

/// The condition of `entry` as it is written.
fn condition_of(entry: &StepEntry) -> Option<String> {
    match &entry.when {
        Ok(Some(written)) => Some(expression(written).value),
        Ok(None) => None,
        Err(_) => Some(String::new()),
    }
}

/// The text of a condition, at its place.
fn expression(written: &Spanned<When>) -> Spanned<String> {
    written.clone().map(|when| match when {
        When::Expression(text) => text,
        When::Always(holds) => holds.to_string(),
    })
}
