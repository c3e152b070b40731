//! Diagnostics for people at a terminal.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Label, Severity};
use super::source::Sources;

/// Whether the text may have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// ASCII and nothing but text.
    Plain,
    /// With ANSI escapes for colours.
    Colored,
}

/// Renders `diagnostic` with the lines it points at. No character of the manifest reaches a terminal as a control.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group: Group<'_> = level
        .primary_title(visible(&diagnostic.message))
        .id(diagnostic.code.as_str())
        .element(snippet(
            &diagnostic.primary,
            AnnotationKind::Primary,
            sources,
        ));
    for label in &diagnostic.related(sources) {
        group = group.element(snippet(label, AnnotationKind::Context, sources));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colored => Renderer::styled(),
    };
    renderer.render(&[group]) + "\n"
}

/// The lines of `label` alone: the rest of the file is not looked at for each diagnostic.
fn snippet<'a>(
    label: &Label,
    kind: AnnotationKind,
    sources: &'a Sources,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let span = label.span;
    let text = sources.text(span.source);
    let Range { start, end } = sources.present(span);
    // A block scalar ends with line ends, which are not to be marked.
    let end = start + text[start..end].trim_end().len();
    let first = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let last = text[end..]
        .find(['\r', '\n'])
        .map_or(text.len(), |at| end + at);
    let bom = text[first..].len() - text[first..].trim_start_matches('\u{feff}').len();
    let first = (first + bom).min(start);
    let lines = visible(&text[first..last]);
    // What was escaped became longer; what stands before it tells by how much.
    let shift = |offset: usize| visible(&text[first..offset]).len();
    let mut annotation = kind.span(shift(start)..shift(end));
    if !label.text.is_empty() {
        annotation = annotation.label(visible(&label.text));
    }
    Snippet::source(lines)
        .line_start(sources.position(span.source, start).line)
        .path(visible(sources.name(span.source)))
        .annotation(annotation)
}

/// `text` with everything escaped that a terminal would act on or turn around.
fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        match c {
            '\n' => shown.push(c),
            '\t' => shown.push(' '),
            _ if c.is_control() || hidden => shown.extend(c.escape_default()),
            _ => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::diagnostic::Code;
    use crate::manifest::source::Span;

    fn show(text: &str, word: &str, style: Style) -> String {
        let mut sources = Sources::default();
        let source = sources.add("a\u{1b}.yaml", text);
        let start = text.find(word).unwrap();
        let span = Span {
            source,
            start,
            end: start + word.len(),
        };
        let diagnostic = Diagnostic::error(Code::BadId, span, "bad \u{1b}[2J id")
            .label("this")
            .help("rename it");
        render(&diagnostic, &sources, style)
    }

    #[test]
    fn nothing_of_a_manifest_reaches_the_terminal_as_a_control() {
        let shown = show("x: 1\nid: \u{202e}a\u{1b}[1m b", "b", Style::Plain);
        assert!(
            shown.chars().all(|c| c == '\n' || (' '..='~').contains(&c)),
            "{shown}"
        );
        assert!(shown.contains("bad \\u{1b}[2J id"), "{shown}");
        assert!(shown.contains(":2:"), "{shown}");
    }

    #[test]
    fn colours_are_asked_for() {
        assert!(show("id: x", "x", Style::Colored).contains("\u{1b}["));
        assert!(!show("id: x", "x", Style::Plain).contains('\u{1b}'));
    }
}
