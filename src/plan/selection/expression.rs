//! The words of a selection, as users of dbt know them: a blank unites, a comma intersects, `+` before or after a name takes
//! in what it needs or what needs it.
//!
//! ```text
//! plate-60x40            one part
//! plate-*,tag:urgent     those that are both
//! frame bracket-*        those that are either
//! +frame                 with what it needs
//! plate-60x40+           with what needs it
//! state:failed           what did not succeed in the last run
//! ```

use globset::{GlobBuilder, GlobMatcher};

use crate::manifest::did_you_mean;

/// The characters that make a name a pattern.
const META: [char; 4] = ['*', '?', '[', '{'];

/// Why a selection can't be understood or names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectionError(pub(super) String);

/// A union of intersections of terms.
#[derive(Debug, Clone)]
pub struct Expression {
    pub(super) unions: Vec<Vec<Term>>,
}

/// One name, with or without what it needs and what needs it.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) name: Name,
    /// What it needs, and what that needs.
    pub(super) before: bool,
    /// What needs it, and what needs that.
    pub(super) after: bool,
}

/// What a term names.
#[derive(Debug, Clone)]
pub(super) enum Name {
    Id(Pattern),
    Tag(Pattern),
    State(State),
}

/// A text, or a pattern of texts.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Exact(String),
    Glob { text: String, glob: GlobMatcher },
}

/// How parts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// They did not succeed in the last run, for whatever reason.
    Failed,
    /// They were made before, and what is wanted of them is something else now.
    Changed,
    /// They were never made.
    New,
}

impl State {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Failed, "failed"),
        (Self::Changed, "changed"),
        (Self::New, "new"),
    ];
}

impl Expression {
    /// Reads `text`.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, SelectionError> {
        let unions = split(text, char::is_whitespace)
            .into_iter()
            .filter(|union| !union.is_empty())
            .map(|union| {
                let terms = split(union, |c| c == ',');
                terms
                    .into_iter()
                    .map(|term| Term::parse(term, text))
                    .collect()
            })
            .collect::<Result<Vec<Vec<Term>>, _>>()?;
        if unions.is_empty() {
            return Err(SelectionError(
                "a selection names at least one part".to_owned(),
            ));
        }
        Ok(Self { unions })
    }

    /// Whether it asks how parts stand.
    #[must_use]
    pub fn asks_for_states(&self) -> bool {
        let terms = self.unions.iter().flatten();
        terms
            .into_iter()
            .any(|term| matches!(term.name, Name::State(_)))
    }
}

impl Term {
    fn parse(term: &str, whole: &str) -> Result<Self, SelectionError> {
        let wrong = |why: &str| Err(SelectionError(format!("`{term}` in `{whole}`: {why}")));
        let name = term.strip_prefix('+');
        let before = name.is_some();
        let name = name.unwrap_or(term);
        let (name, after) = match name.strip_suffix('+') {
            Some(name) => (name, true),
            None => (name, false),
        };
        if name.is_empty() {
            return match (before || after, whole.contains(',')) {
                (true, _) => wrong("`+` stands before or after a name"),
                (false, _) => wrong("a comma stands between two names; a blank unites"),
            };
        }
        if name.contains('+') {
            return wrong("`+` stands only before and after a name");
        }
        let name = match name.split_once(':') {
            None => Name::Id(Pattern::parse(name)?),
            Some(("tag", tag)) if !tag.is_empty() => Name::Tag(Pattern::parse(tag)?),
            Some(("state", state)) => {
                let known = State::ALL.iter().find(|(_, word)| *word == state);
                let Some((state, _)) = known else {
                    let words = State::ALL.map(|(_, word)| word);
                    let help = did_you_mean(state, words)
                        .unwrap_or_else(|| "it is `failed`, `changed` or `new`".to_owned());
                    return wrong(&format!("there is no state `{state}`; {help}"));
                };
                Name::State(*state)
            }
            Some(("tag", _)) => return wrong("a tag stands after `tag:`"),
            Some((method, _)) => {
                let help = did_you_mean(method, ["tag", "state"])
                    .unwrap_or_else(|| "there are `tag:` and `state:`".to_owned());
                return wrong(&format!("there is no `{method}:`; {help}"));
            }
        };
        Ok(Self {
            name,
            before,
            after,
        })
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, SelectionError> {
        if !text.contains(META) {
            return Ok(Self::Exact(text.to_owned()));
        }
        match GlobBuilder::new(text).build() {
            Ok(glob) => Ok(Self::Glob {
                text: text.to_owned(),
                glob: glob.compile_matcher(),
            }),
            Err(error) => Err(SelectionError(format!(
                "`{text}` is no pattern: {}",
                error.kind()
            ))),
        }
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Glob { glob, .. } => glob.is_match(text),
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Glob { text, .. } => text,
        }
    }
}

/// The pieces of `text` between separators; those within braces are the pattern's own.
fn split(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    let (mut pieces, mut start, mut depth) = (Vec::new(), 0, 0u32);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 && is_separator(c) => {
                pieces.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}
