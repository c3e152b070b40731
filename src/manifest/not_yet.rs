//! What the manifest language has and this version can't carry out.
//!
//! All of it is read, typed and checked like everything else, and then refused: here, and nowhere else. To lift an entry,
//! take it out of its list and give it a meaning in `plan/resolve/`.

use super::diagnostic::{Code, Diagnostic};
use super::source::Span;

/// Keys, each with what has it (`Keys::of`).
const KEYS: &[(&str, &str)] = &[
    ("`budget`", "wait_max"),
    ("a step", "adopt"),
    ("`iterate`", "on_drift"),
    ("`review`", "max_rounds"),
    ("`check`", "solids"),
    ("`check`", "bodies"),
    ("`check`", "bbox"),
    ("`check`", "volume"),
];

/// Words, each with the key that takes it.
const WORDS: &[(&str, &str)] = &[
    ("on_short", "wait"),
    ("on_proposal", "iterate"),
    ("on_proposal", "approve"),
];

/// Whether `key` of `of` is only read.
pub(super) fn is_key(of: &str, key: &str) -> bool {
    KEYS.contains(&(of, key))
}

/// Whether `key: word` is only read.
pub(super) fn is_word(key: &str, word: &str) -> bool {
    WORDS.contains(&(key, word))
}

/// What is said of `what`.
#[must_use]
pub fn message(what: &str) -> String {
    format!(
        "{what} is part of the manifest language but this version of millrun does not support it yet"
    )
}

/// Refuses `what` at `span`.
#[must_use]
pub fn refuse(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::NotSupportedYet, span, message(what)).help("remove it")
}

#[cfg(test)]
pub(super) fn keys() -> &'static [(&'static str, &'static str)] {
    KEYS
}
