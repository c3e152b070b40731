//! Texts of a manifest that are templates, and what they are rendered to: prompts, images, folders.

use super::draft::Bench;
use super::outputs::relative;
use super::scope::{Context, Names, Uses};
use super::template::Template;
use crate::manifest::{Code, Diagnostic, Spanned};
use crate::plan::content::{ImageRef, Prompt};

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
    let span = text.written.span;
    if prompt.as_str().is_empty() {
        return bench.refuse(
            text.uses(),
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
        let problem = Diagnostic::error(Code::LongPrompt, span, message).help("shorten it");
        return bench.refuse(text.uses(), problem);
    }
    Some(prompt)
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
