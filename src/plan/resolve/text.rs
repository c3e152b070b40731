//! Texts of a manifest that are templates, and what they are rendered to: prompts, images, folders.

use super::draft::Bench;
use super::outputs::relative;
use super::own::Own;
use super::reads::Sees;
use super::scope::{Context, Names, Uses};
use super::template::Template;
use crate::manifest::{Code, Diagnostic, Spanned};
use crate::plan::content::{BadPrompt, ImageRef, Prompt};
use crate::plan::dynamic::Formula;

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
        sees: Sees,
        bench: &mut Bench<'_>,
    ) -> Option<Self> {
        match Template::parse(&written.value, names, sees) {
            Ok((template, lints)) => {
                for lint in lints {
                    bench.problems.push(lint.at(written, bench.sources));
                }
                Some(Self { written, template })
            }
            Err(problems) => {
                for problem in problems {
                    bench.problems.push(problem.at(written, bench.sources));
                }
                bench.has_unread_text = true;
                None
            }
        }
    }

    /// What it uses.
    pub(super) const fn uses(&self) -> &Uses {
        self.template.uses()
    }

    /// Whether it reads results.
    pub(super) fn is_dynamic(&self) -> bool {
        !self.template.reads().is_empty()
    }

    /// What it will be made from, if `context` has all else that it uses; reports why there is none.
    pub(super) fn formula(
        &self,
        context: &Context,
        own: &Own<'_>,
        bench: &mut Bench<'_>,
    ) -> Option<Formula> {
        if !context.has_all(self.uses()) {
            return None;
        }
        let reads = own.reads(self.template.reads(), &bench.engine, context);
        match reads {
            Ok((reads, of_parts)) => {
                bench.note_part_reads(self.written, of_parts);
                Some(Formula {
                    source: self.written.value.clone(),
                    values: context.values.clone(),
                    reads,
                })
            }
            Err(problem) => {
                let problem = problem.at(self.written, bench.sources);
                bench.refuse(self.uses(), problem)
            }
        }
    }

    /// Its text under `context`, if that has all that it uses; reports why there is none.
    pub(super) fn render(&self, context: &Context, bench: &mut Bench<'_>) -> Option<String> {
        match self.template.render(&bench.engine, context)? {
            Ok(text) => Some(text),
            Err(problem) => {
                let problem = problem.at(self.written, bench.sources);
                bench.refuse(self.uses(), problem)
            }
        }
    }
}

pub(super) fn render_prompt(
    text: Option<&Text<'_>>,
    context: &Context,
    bench: &mut Bench<'_>,
) -> Option<Prompt> {
    let text = text?;
    let prompt = Prompt::new(&text.render(context, bench)?);
    let Err(problem) = prompt.check() else {
        return Some(prompt);
    };
    let (code, help) = match problem {
        BadPrompt::Empty => (Code::EmptyPrompt, "say what to make, change or look at"),
        BadPrompt::TooLong(_) => (Code::LongPrompt, "shorten it"),
    };
    let problem = Diagnostic::error(code, text.written.span, problem.to_string()).help(help);
    bench.refuse(text.uses(), problem)
}

pub(super) fn render_image(
    text: &Text<'_>,
    context: &Context,
    bench: &mut Bench<'_>,
) -> Option<ImageRef> {
    let path = text.render(context, bench)?;
    match bench.images.image(&path) {
        Ok(image) => {
            bench.paths.entry(image.digest).or_insert(path);
            Some(image)
        }
        Err(problem) => {
            let message = format!("image `{path}`: {problem}");
            bench.refuse(
                text.uses(),
                Diagnostic::error(Code::BadImage, text.written.span, message)
                    .help("paths of images are relative to the manifest's folder"),
            )
        }
    }
}

pub(super) fn render_folder(
    text: &Text<'_>,
    context: &Context,
    bench: &mut Bench<'_>,
) -> Option<String> {
    let path = text.render(context, bench)?;
    match relative(&path) {
        Ok(folder) => Some(folder.to_owned()),
        Err(why) => bench.refuse(
            text.uses(),
            Diagnostic::error(
                Code::UnsafePath,
                text.written.span,
                format!("nothing can be published to `{path}`: {why}"),
            )
            .help("write a folder below the output folder: `plates/{{ part.id }}`"),
        ),
    }
}
