//! The steps of one entry of `parts`: parsed once, rendered for each of its parts.

use super::draft::Bench;
use super::order::{check_order, kind_of, step_ids};
use super::scope::{Context, Names};
use super::template::Condition;
use super::text::{render_folder, render_image, render_prompt};
use super::work::{Work, parse_work};
use crate::manifest::shape::{StepEntry, When};
use crate::manifest::{Span, Spanned};
use crate::plan::content::{Content, ImageRef, StepKind};
use crate::plan::family::Policy;
use crate::plan::ids::{PartId, StepId};

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
        if let Some(id) = &id {
            names.pass_step(id.as_str(), !matches!(entry.when, Ok(None)));
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
                shown,
                on_proposal,
            } => {
                let prompt = render_prompt(prompt.as_ref(), context, bench);
                let view = shown
                    .as_ref()
                    .and_then(|shown| shown.render(context, bench));
                let (prompt, view) = (prompt?, view?.boxed());
                let content = Content::Review { prompt, view };
                (content, Policy::OnProposal(*on_proposal))
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
            Work::Download { to, artifacts } => {
                let folder = match to.as_ref()? {
                    Some(to) => format!("{}/", render_folder(to, context, bench)?),
                    None => String::new(),
                };
                let stem = format!("{folder}{}", part?);
                let artifacts = artifacts.clone()?;
                (Content::Download { artifacts }, Policy::PublishAs(stem))
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
