//! What YAML and TOML have in common: a tree of scalars, sequences and mappings, with places.

use super::source::{Span, Spanned};

/// A value, and where it stands.
pub(super) type Tree = Spanned<Value>;

/// A value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing, or `~`. YAML only.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A date or time, which no key takes. TOML only.
    Datetime,
    /// A sequence.
    Seq(Vec<Tree>),
    /// A mapping, in the order in which it was written.
    Map(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: Spanned<String>,
    /// The value.
    pub(super) value: Tree,
}

impl Value {
    /// What it is, with its article.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Datetime => "a date or time",
            Self::Seq(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// The place of a mapping: its first key, when the parser knows only where it starts.
pub(super) fn map_span(span: Span, entries: &[Entry]) -> Span {
    match entries.first() {
        Some(first) if span.end <= span.start + 1 => first.key.span,
        _ => span,
    }
}
