//! Reads a tree into typed values and says all that is wrong with it.

use std::ops::RangeInclusive;

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::not_yet;
use super::shape::{Read, Refused, Scalar};
use super::source::{Span, Spanned};
use super::suggest::{did_you_mean, list, nearest};
use super::tree::{Entry, Tree, Value};

/// Whole numbers beyond it are not kept by a float.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The keys that a mapping may have.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    /// What has them, as in "unknown key in ...".
    pub(super) of: &'static str,
    /// All of them, also those that are only read.
    pub(super) known: &'static [&'static str],
}

impl Keys {
    /// Whether `key` is one of them.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.known.contains(&key)
    }

    /// Whether `key` is one of them that this version can't carry out.
    fn refuses(&self, key: &str) -> bool {
        self.knows(key) && not_yet::is_key(self.of, key)
    }
}

/// A mapping whose keys were looked at.
#[derive(Clone, Copy)]
pub(super) struct Fields<'t> {
    pub(super) span: Span,
    entries: &'t [Entry],
    keys: Keys,
}

impl<'t> Fields<'t> {
    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&'t Tree> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// `key` and its value.
    ///
    /// When it is not there, an unknown key that looks like it is taken for it: that one was refused, and what stands
    /// behind it is looked at instead of missed.
    pub(super) fn entry(&self, key: &str) -> Option<&'t Entry> {
        self.exact(key).or_else(|| {
            let is_meant = |entry: &&Entry| self.meant(entry) == Some(key);
            self.entries.iter().find(is_meant)
        })
    }

    /// Whether the value of every key is read.
    pub(super) fn are_whole(&self) -> bool {
        let is_refused = |entry: &Entry| self.keys.refuses(&entry.key.value);
        !self.have_strays() && !self.entries.iter().any(is_refused)
    }

    /// Whether there is a key that is not of the language, and that no other is taken for.
    pub(super) fn have_strays(&self) -> bool {
        self.entries.iter().any(|entry| {
            let name = entry.key.value.as_str();
            let is_read = |key| {
                self.entry(key)
                    .is_some_and(|read| std::ptr::eq(read, entry))
            };
            !self.keys.knows(name) && !self.meant(entry).is_some_and(is_read)
        })
    }

    fn exact(&self, key: &str) -> Option<&'t Entry> {
        self.entries.iter().find(|entry| entry.key.value == key)
    }

    /// The known key that an unknown one looks like.
    fn meant(&self, entry: &Entry) -> Option<&'static str> {
        let name = entry.key.value.as_str();
        (!self.keys.knows(name))
            .then(|| nearest(name, self.keys.known.iter().copied()))
            .flatten()
    }
}

/// Collects what is wrong while it reads; `None` means that something was said.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) diagnostics: Diagnostics,
}

impl Reader {
    /// Reports `diagnostic`, and has no value.
    pub(super) fn refuse<T>(&mut self, diagnostic: Diagnostic) -> Option<T> {
        self.diagnostics.push(diagnostic);
        None
    }

    /// The mapping at `tree`, every key of which is in `keys`.
    pub(super) fn fields<'t>(&mut self, tree: &'t Tree, keys: Keys) -> Option<Fields<'t>> {
        let entries = self.entries(tree)?;
        for entry in entries {
            let name = entry.key.value.as_str();
            if keys.refuses(name) {
                let refused = not_yet::refuse(&format!("`{name}`"), entry.key.span);
                self.diagnostics.push(refused);
            } else if !keys.knows(name) {
                self.unknown_key(&entry.key, keys);
            }
        }
        Some(Fields {
            span: tree.span,
            entries,
            keys,
        })
    }

    fn unknown_key(&mut self, key: &Spanned<String>, keys: Keys) {
        let message = format!("unknown key `{}` in {}", key.value, keys.of);
        let allowed = match keys.known {
            [] => format!("{} has no keys", keys.of),
            known => format!("{} has {}", keys.of, list(known)),
        };
        self.diagnostics.push(
            Diagnostic::error(Code::UnknownKey, key.span, message)
                .help_if(did_you_mean(&key.value, keys.known.iter().copied()))
                .help(allowed),
        );
    }

    /// The value of a key that must be there.
    pub(super) fn required<'t>(
        &mut self,
        fields: Fields<'t>,
        key: &str,
        of: &str,
        example: &str,
    ) -> Option<&'t Tree> {
        let found = fields.get(key);
        if found.is_none() {
            let message = format!("{of} has no `{key}`");
            self.diagnostics.push(
                Diagnostic::error(Code::MissingKey, fields.span, message)
                    .help(format!("add `{example}`")),
            );
        }
        found
    }

    /// The keys and values of a mapping, whatever they are.
    pub(super) fn entries<'t>(&mut self, tree: &'t Tree) -> Option<&'t [Entry]> {
        match &tree.value {
            Value::Map(entries) => Some(entries),
            _ => self.wrong(tree, "a mapping", Some("write `{}` for an empty mapping")),
        }
    }

    /// The items of a list.
    pub(super) fn list<'t>(&mut self, tree: &'t Tree) -> Option<&'t [Tree]> {
        match &tree.value {
            Value::Seq(items) => Some(items),
            _ => self.wrong(tree, "a list", Some("write a list: `[...]`")),
        }
    }

    /// What `read` makes of the value of a key that may be there.
    pub(super) fn optional<T>(
        &mut self,
        fields: Fields<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, &Tree) -> Option<T>,
    ) -> Read<Option<T>> {
        match fields.get(key) {
            None => Ok(None),
            Some(tree) => read(self, tree).map(Some).ok_or(Refused),
        }
    }

    /// The texts of a list; nothing when there is no list.
    pub(super) fn texts(&mut self, tree: Option<&Tree>) -> Vec<Spanned<String>> {
        let items = tree.and_then(|tree| self.list(tree)).unwrap_or_default();
        items.iter().filter_map(|item| self.text(item)).collect()
    }

    /// A text.
    pub(super) fn text(&mut self, tree: &Tree) -> Option<Spanned<String>> {
        match &tree.value {
            Value::Text(text) => Some(Spanned::new(text.clone(), tree.span)),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                self.wrong(tree, "a text", Some("put it in quotes to make it a text"))
            }
            _ => self.wrong(tree, "a text", None),
        }
    }

    /// A text that `parse` understands.
    pub(super) fn parsed<T>(
        &mut self,
        tree: &Tree,
        (code, what, help): (Code, &str, &str),
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let Value::Text(text) = &tree.value else {
            return self.wrong(tree, what, Some(help));
        };
        match parse(text.trim()) {
            Some(value) => Some(Spanned::new(value, tree.span)),
            None => self.refuse(
                Diagnostic::error(code, tree.span, format!("`{text}` is not {what}")).help(help),
            ),
        }
    }

    /// A whole number in `bounds`.
    pub(super) fn integer(&mut self, tree: &Tree, bounds: RangeInclusive<u32>) -> Option<u32> {
        let Value::Int(number) = tree.value else {
            return self.wrong(tree, "a whole number", None);
        };
        let fits = u32::try_from(number).ok().filter(|n| bounds.contains(n));
        if fits.is_none() {
            let message = format!("{number} is out of bounds");
            let help = format!("write a number from {} to {}", bounds.start(), bounds.end());
            self.diagnostics
                .push(Diagnostic::error(Code::NumberOutOfRange, tree.span, message).help(help));
        }
        fits
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        tree: &Tree,
        known: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(tree)?;
        if let Some((word, value)) = known.iter().find(|(word, _)| *word == text.value) {
            if not_yet::is_word(key, word) {
                let refused = not_yet::refuse(&format!("`{key}: {word}`"), tree.span);
                self.diagnostics.push(refused);
            }
            return Some(*value);
        }
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}` can't be `{}`", text.value);
        self.refuse(
            Diagnostic::error(Code::BadValue, tree.span, message)
                .help_if(did_you_mean(&text.value, words.iter().copied()))
                .help(format!("write one of {}", list(&words))),
        )
    }

    /// A text, number or boolean.
    pub(super) fn scalar(&mut self, tree: &Tree) -> Option<Spanned<Scalar>> {
        let value = match &tree.value {
            Value::Text(text) => Scalar::Text(text.clone()),
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Int(number) => Scalar::Int(*number),
            Value::Float(number) => match exact(*number) {
                Some(scalar) => scalar,
                None => {
                    return self.refuse(
                        Diagnostic::error(
                            Code::NumberOutOfRange,
                            tree.span,
                            "this number can't be kept exactly",
                        )
                        .help("put it in quotes to make it a text"),
                    );
                }
            },
            _ => return self.wrong(tree, "a text, a number or a boolean", None),
        };
        Some(Spanned::new(value, tree.span))
    }

    /// Refuses a value of another type than `wanted`.
    pub(super) fn wrong<T>(&mut self, tree: &Tree, wanted: &str, help: Option<&str>) -> Option<T> {
        let found = tree.value.describe();
        let message = format!("expected {wanted}, found {found}");
        self.refuse(
            Diagnostic::error(Code::WrongType, tree.span, message)
                .label(format!("this is {found}"))
                .help_if(help.map(str::to_owned)),
        )
    }
}

/// `60.0` is `60`, however it was written. Nothing of a number that is too large to be exact, or is none.
#[expect(
    clippy::cast_possible_truncation,
    reason = "below MAX_EXACT a whole number is the same as an integer"
)]
pub(super) fn exact(number: f64) -> Option<Scalar> {
    (number.abs() < MAX_EXACT).then(|| {
        if number.fract() == 0.0 {
            Scalar::Int(number as i64)
        } else {
            Scalar::Float(number)
        }
    })
}
