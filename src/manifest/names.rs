//! Names that templates can use.

use super::diagnostic::{Code, Diagnostic};
use super::reader::Reader;
use super::shape::{Refused, Var};
use super::tree::Entry;

/// The words that templates have a meaning for, so that no variable and no axis is called so.
const RESERVED: [&str; 20] = [
    "vars", "part", "parts", "steps", "env", "and", "or", "not", "in", "is", "if", "else", "true",
    "false", "none", "True", "False", "None", "exclude", "include",
];

/// Names and scalars: `vars`, or one combination of a matrix.
pub(super) fn named_values(reader: &mut Reader, entries: &[Entry]) -> Vec<Var> {
    let mut read = |entry: &Entry| {
        check_name(reader, entry);
        Var {
            name: entry.key.clone(),
            value: reader.scalar(&entry.value).ok_or(Refused),
        }
    };
    entries.iter().map(&mut read).collect()
}

/// Refuses a name that no template could use.
pub(super) fn check_name(reader: &mut Reader, entry: &Entry) {
    let Some(message) = name_problem(&entry.key.value) else {
        return;
    };
    reader.diagnostics.push(
        Diagnostic::error(Code::BadValue, entry.key.span, message)
            .help("a name is made of ASCII letters, digits and `_`, and starts with no digit"),
    );
}

/// Why `name` can't be used in templates, if it can't.
pub(super) fn name_problem(name: &str) -> Option<String> {
    if !is_name(name) {
        return Some(format!("`{name}` can't be a name in templates"));
    }
    (RESERVED.contains(&name)).then(|| format!("`{name}` has a meaning of its own in templates"))
}

/// Whether `text` is made of ASCII letters, digits and `_`, and starts with no digit.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
