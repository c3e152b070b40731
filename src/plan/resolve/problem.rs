//! What is wrong inside a template, before it is known where the template stands.

use std::ops::Range;

use crate::manifest::{Code, Diagnostic, Sources, Spanned};

/// What is wrong with a template, and at which bytes of it.
#[derive(Debug)]
pub(super) struct Problem {
    code: Code,
    range: Range<usize>,
    message: String,
    help: Vec<String>,
}

impl Problem {
    pub(super) fn new(code: Code, range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            range,
            message: message.into(),
            help: Vec::new(),
        }
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub(super) fn help_if(mut self, text: Option<String>) -> Self {
        self.help.extend(text);
        self
    }

    /// Whether it stops nothing.
    pub(super) fn is_lint(&self) -> bool {
        Code::LINTS.contains(&self.code)
    }

    /// What is wrong, where the place of it is no longer at hand.
    pub(super) fn into_message(self) -> String {
        self.message
    }

    /// The same in the manifest, where `text` is the scalar that was parsed.
    pub(super) fn at(self, text: &Spanned<String>, sources: &Sources) -> Diagnostic {
        let span = sources.within(text.span, &text.value, self.range.clone());
        let diagnostic = if self.is_lint() {
            Diagnostic::warning(self.code, span, self.message)
        } else {
            Diagnostic::error(self.code, span, self.message)
        };
        Diagnostic {
            help: self.help,
            ..diagnostic
        }
    }

    /// What the engine says; `whole` is where it stands when the engine doesn't know.
    pub(super) fn of_engine(code: Code, error: &minijinja::Error, whole: &Range<usize>) -> Self {
        let range = error
            .range()
            .filter(|range| !range.is_empty())
            .unwrap_or_else(|| whole.clone());
        let message = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        let help = match code {
            Code::TemplateSyntax => "expressions are like `width`, `width / 2` or `name | upper`",
            _ => "look at the values that it is made from",
        };
        Self::new(code, range, message).help(help)
    }
}
