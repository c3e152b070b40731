//! The texts that a manifest is made of, and places in them.

use std::ops::Range;

/// A text in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// The bytes.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts `value` at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned::new(change(self.value), self.span)
    }
}

/// A line and a column, both counted from 1; columns count Unicode scalar values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// All texts that were read, with the names that people know them by.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

#[derive(Debug, Clone)]
struct Source {
    name: String,
    text: String,
}

impl Sources {
    /// Keeps `text` under `name`, usually its path.
    ///
    /// # Panics
    /// When four thousand million sources are kept already.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = u32::try_from(self.0.len()).expect("sources are files, and there are few");
        self.0.push(Source {
            name: name.into(),
            text: text.into(),
        });
        SourceId(id)
    }

    /// The name of `id`.
    #[must_use]
    pub fn name(&self, id: SourceId) -> &str {
        &self.0[id.0 as usize].name
    }

    /// The text of `id`.
    #[must_use]
    pub fn text(&self, id: SourceId) -> &str {
        &self.0[id.0 as usize].text
    }

    /// What stands at `span`.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.source).get(span.range()).unwrap_or_default()
    }

    /// The bytes of `span` that are there, between whole characters: a parser's error may point behind the end.
    pub(super) fn present(&self, span: Span) -> Range<usize> {
        let text = self.text(span.source);
        let start = boundary(text, span.start);
        start..boundary(text, span.end).max(start)
    }

    /// Where byte `offset` of `id` is, for people.
    #[must_use]
    pub fn position(&self, id: SourceId, offset: usize) -> Position {
        let text = self.text(id);
        let before = &text[..boundary(text, offset)];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[start..]
                .trim_start_matches('\u{feff}')
                .chars()
                .count()
                + 1,
        }
    }

    /// Finds the bytes that became `inner` of `value`, the text of the scalar at `span`.
    ///
    /// A scalar's text is its source without quotes, indentation and folds. The two are walked side by side; where an
    /// escape makes them differ in more than white space, the whole scalar is the answer.
    #[must_use]
    pub fn within(&self, span: Span, value: &str, inner: Range<usize>) -> Span {
        let raw = self.slice(span);
        let mut at = raw.len() - raw.trim_start_matches(['"', '\'']).len();
        let mut starts = None;
        for (offset, wanted) in value.char_indices() {
            if offset >= inner.end {
                break;
            }
            let Some(found) = align(raw, at, wanted) else {
                return span;
            };
            if offset >= inner.start {
                starts = starts.or(Some(found));
            }
            at = found + wanted.len_utf8();
        }
        starts.map_or(span, |start| Span {
            start: span.start + start,
            end: span.start + at,
            ..span
        })
    }
}

/// The last start of a character in `text` that is not behind `offset`.
fn boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// The place of `wanted` in `raw` from byte `at` on, behind nothing but white space.
fn align(raw: &str, at: usize, wanted: char) -> Option<usize> {
    let rest = raw.get(at..)?;
    let skipped: usize = rest
        .chars()
        .take_while(|c| c.is_whitespace() && *c != wanted)
        .map(char::len_utf8)
        .sum();
    if rest[skipped..].starts_with(wanted) {
        return Some(at + skipped);
    }
    // A fold: one blank in the text, one or more line ends in the source.
    (wanted.is_whitespace() && rest.starts_with(char::is_whitespace)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(raw: &str, value: &str, word: &str) -> String {
        let mut sources = Sources::default();
        let source = sources.add("a.yaml", raw);
        let start = value.find(word).unwrap();
        let whole = Span {
            source,
            start: 0,
            end: raw.len(),
        };
        let span = sources.within(whole, value, start..start + word.len());
        sources.slice(span).to_owned()
    }

    #[test]
    fn a_word_of_a_scalar_is_found_in_its_source() {
        assert_eq!(find("a {{ width }}", "a {{ width }}", "width"), "width");
        assert_eq!(find("'a {{ width }}'", "a {{ width }}", "width"), "width");
        assert_eq!(
            find("é\n    a\n      {{ b }}\n", "é\na\n  {{ b }}\n", "b"),
            "b"
        );
        assert_eq!(find("a\r\n  {{ b }}\r\n", "a\n{{ b }}\n", "b"), "b");
        assert_eq!(find("a\n  b\n\n  c {{ d }}", "a b\nc {{ d }}", "d"), "d");
        assert_eq!(find("\"\"\"\nx {{ y }}\"\"\"", "x {{ y }}", "y"), "y");
    }

    #[test]
    fn behind_an_escape_the_whole_scalar_is_the_place() {
        assert_eq!(find(r#""\t{{ b }}""#, "\t{{ b }}", "b"), r#""\t{{ b }}""#);
    }

    #[test]
    fn columns_count_characters() {
        let mut sources = Sources::default();
        let id = sources.add("a", "\u{feff}a\né: x\n");
        let at = sources.text(id).find('x').unwrap();
        assert_eq!(sources.position(id, at), Position { line: 2, column: 4 });
        assert_eq!(sources.position(id, 3), Position { line: 1, column: 1 });
    }
}
