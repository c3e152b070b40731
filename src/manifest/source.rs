//! The texts that a manifest is made of, and places in them.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// A text in [`Sources`], and the way by which what stands in it came to where it is used. Two of one text are equal,
/// whatever the way: a mistake in an anchor is one mistake.
#[derive(Debug, Clone, Copy)]
pub struct SourceId {
    text: u32,
    /// One more than the index of the way; zero when it is used where it stands.
    way: u32,
}

impl PartialEq for SourceId {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for SourceId {}

impl PartialOrd for SourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for SourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// How something came to be used at another place than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// The place where it is used.
    pub span: Span,
    /// What it says there, such as "used here".
    pub how: &'static str,
}

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

/// The most places that are shown for one value.
const MAX_WAYS: usize = 4;

/// All texts that were read, with the names that people know them by.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    texts: Vec<Source>,
    /// Each with what `SourceId::way` was before it.
    ways: Vec<(Way, u32)>,
}

#[derive(Debug, Clone)]
struct Source {
    name: String,
    text: Arc<str>,
}

impl Sources {
    /// Keeps `text` under `name`, usually its path.
    ///
    /// # Panics
    /// When four thousand million sources are kept already.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let text_ix =
            u32::try_from(self.texts.len()).expect("sources are files, and there are few");
        self.texts.push(Source {
            name: name.into(),
            text: text.into().into(),
        });
        SourceId {
            text: text_ix,
            way: 0,
        }
    }

    /// The text of `id` as it is used at `way`; the ways that it has are kept behind that, else those of `way` itself.
    pub fn by(&mut self, id: SourceId, way: Way) -> SourceId {
        let before = if id.way == 0 {
            way.span.source.way
        } else {
            id.way
        };
        self.ways.push((way, before));
        SourceId {
            way: u32::try_from(self.ways.len()).unwrap_or(0),
            ..id
        }
    }

    /// Where what stands in `id` is used, the last way first.
    pub fn ways(&self, id: SourceId) -> impl Iterator<Item = Way> {
        let known = |ix: u32| self.ways.get((ix as usize).checked_sub(1)?);
        std::iter::successors(known(id.way), move |(_, before)| known(*before))
            .map(|(way, _)| *way)
            .take(MAX_WAYS)
    }

    /// All texts, with their names.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.texts.iter();
        texts.map(|source| (source.name.as_str(), &*source.text))
    }

    /// The name of `id`.
    #[must_use]
    pub fn name(&self, id: SourceId) -> &str {
        &self.texts[id.text as usize].name
    }

    /// The text of `id`.
    #[must_use]
    pub fn text(&self, id: SourceId) -> &str {
        &self.texts[id.text as usize].text
    }

    /// The text of `id`, to be kept while sources are added.
    pub(super) fn shared_text(&self, id: SourceId) -> Arc<str> {
        Arc::clone(&self.texts[id.text as usize].text)
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
