//! TOML to a tree.

use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::source::{SourceId, Sources, Span, Spanned};
use super::tree::{Entry, Tree, Value, map_span};

/// Reads the text of `source`; TOML's parser finds all errors of it.
pub(super) fn parse(sources: &Sources, source: SourceId) -> Result<Tree, Diagnostics> {
    let text = sources.text(source);
    // A parser of TOML doesn't take a byte order mark; its bytes still count.
    let bom = text.len() - text.trim_start_matches('\u{feff}').len();
    let place = Place { source, shift: bom };
    let (table, errors) = DeTable::parse_recoverable(&text[bom..]);
    if !errors.is_empty() {
        let mut all = Diagnostics::default();
        all.extend(errors.iter().map(|error| place.explain(error)));
        return Err(all);
    }
    let span = place.span(table.span());
    Ok(place.table(table.into_inner(), span))
}

#[derive(Clone, Copy)]
struct Place {
    source: SourceId,
    shift: usize,
}

impl Place {
    fn span(self, range: std::ops::Range<usize>) -> Span {
        Span {
            source: self.source,
            start: range.start + self.shift,
            end: range.end + self.shift,
        }
    }

    fn explain(self, error: &toml::de::Error) -> Diagnostic {
        let span = self.span(error.span().unwrap_or_default());
        if error.message().contains("duplicate key") {
            return Diagnostic::error(Code::RepeatedKey, span, "this key stands twice")
                .help("remove one of the two");
        }
        Diagnostic::error(Code::Syntax, span, error.message())
            .label("TOML stops here")
            .help("texts are in quotes, keys and values are joined by `=`")
    }

    fn tree(self, value: TomlSpanned<DeValue<'_>>) -> Tree {
        let span = self.span(value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(digits) => {
                match i64::from_str_radix(digits.as_str(), digits.radix()) {
                    Ok(number) => Value::Int(number),
                    // The reader refuses what a float doesn't keep exactly.
                    Err(_) => Value::Float(f64::INFINITY),
                }
            }
            DeValue::Float(digits) => {
                Value::Float(digits.as_str().parse().unwrap_or(f64::INFINITY))
            }
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::Datetime(_) => Value::Datetime,
            DeValue::Array(items) => {
                Value::Seq(items.into_iter().map(|item| self.tree(item)).collect())
            }
            DeValue::Table(table) => return self.table(table, span),
        };
        Spanned::new(value, span)
    }

    fn table(self, table: DeTable<'_>, span: Span) -> Tree {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| Entry {
                key: Spanned::new(key.get_ref().to_string(), self.span(key.span())),
                value: self.tree(value),
            })
            .collect();
        // The parser sorts by name; people number by line.
        entries.sort_by_key(|entry| entry.key.span);
        let span = map_span(span, &entries);
        Spanned::new(Value::Map(entries), span)
    }
}
