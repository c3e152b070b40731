//! What is wrong with a manifest, and where.

use std::fmt;

use super::source::{Sources, Span};

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal,)*) => {
        /// A kind of problem. Its name is stable: people filter and search by it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// A file can't be read.
    UnreadableFile = "unreadable-file",
    /// A file's name doesn't say whether it is YAML or TOML.
    UnknownFormat = "unknown-format",
    /// A file is larger than any manifest.
    FileTooLarge = "file-too-large",
    /// The text is not YAML or TOML, or uses more of it than a manifest may.
    Syntax = "syntax",
    /// A mapping has a key twice.
    RepeatedKey = "repeated-key",
    /// A key that no manifest has.
    UnknownKey = "unknown-key",
    /// A part of the manifest language that this version can't carry out.
    NotSupportedYet = "not-supported-yet",
    /// A key that must be there is not.
    MissingKey = "missing-key",
    /// A value of another type than its key takes.
    WrongType = "wrong-type",
    /// A value of the right type that its key doesn't take.
    BadValue = "bad-value",
    /// A rate that is not `INT/[DECIMAL](ms|s|min|h)`.
    BadRate = "bad-rate",
    /// A duration that is not like `90s`, `2m` or `1h30m`.
    BadDuration = "bad-duration",
    /// An amount of money that is not like `60.00 usd`.
    BadAmount = "bad-amount",
    /// A number that can't be kept exactly or is outside its bounds.
    NumberOutOfRange = "number-out-of-range",
    /// Two settings that contradict each other.
    Conflict = "conflict",
    /// A template or condition that can't be parsed.
    TemplateSyntax = "template-syntax",
    /// A template or condition that can't be evaluated.
    TemplateFailed = "template-failed",
    /// A template uses a name that nothing has.
    UndefinedName = "undefined-name",
    /// A comparison of text with a number, or the like.
    MixedComparison = "mixed-comparison",
    /// A condition that is neither true nor false.
    NotACondition = "not-a-condition",
    /// An id that is not a name.
    BadId = "bad-id",
    /// Two parts with one id.
    DuplicatePart = "duplicate-part",
    /// Two steps of a part with one id.
    DuplicateStep = "duplicate-step",
    /// A second step of a kind without an id of its own.
    UnnamedStep = "unnamed-step",
    /// A part whose steps don't start with its only create or adopt.
    StepOrder = "step-order",
    /// Two steps of a part that ask for the same.
    DuplicateKey = "duplicate-key",
    /// A combination that doesn't fit the axes of its matrix.
    BadCombination = "bad-combination",
    /// Two equal values of an axis, or two equal combinations.
    DuplicateCombination = "duplicate-combination",
    /// A matrix without a combination.
    EmptyMatrix = "empty-matrix",
    /// A table that is no table.
    BadTable = "bad-table",
    /// A cell that is not of its column's type.
    BadCell = "bad-cell",
    /// A cell or row without content.
    BlankCell = "blank-cell",
    /// A row that is there twice.
    DuplicateRow = "duplicate-row",
    /// A table without a row.
    EmptyTable = "empty-table",
    /// A variable of the environment that no manifest may see.
    SecretVariable = "secret-variable",
    /// A variable of the environment that is not set.
    UnsetVariable = "unset-variable",
    /// More parts than a family may have.
    TooManyParts = "too-many-parts",
    /// A need that no part meets.
    UnknownPart = "unknown-part",
    /// A need that names a step which its part doesn't have.
    UnknownStep = "unknown-step",
    /// Parts that need each other, or files that include each other.
    Cycle = "cycle",
    /// A lint that there is not.
    UnknownLint = "unknown-lint",
    /// A prompt without text.
    EmptyPrompt = "empty-prompt",
    /// A prompt longer than the service takes.
    LongPrompt = "long-prompt",
    /// More images than the service takes.
    TooManyImages = "too-many-images",
    /// An image that can't be sent.
    BadImage = "bad-image",
    /// A path that would leave its folder, or is no path everywhere.
    UnsafePath = "unsafe-path",
    /// Two downloads that publish under one name.
    CollidingPaths = "colliding-paths",
    /// The manifest has no `uid`.
    NoUid = "no-uid",
    /// The manifest has no `budget`.
    NoBudget = "no-budget",
    /// Parts that are made alike, and paid for each.
    Twins = "twins",
    /// A variable that nothing uses.
    UnusedVar = "unused-var",
    /// Nothing uses a variable of the environment.
    UnusedEnv = "unused-env",
    /// An axis with the name of a variable.
    ShadowedVar = "shadowed-var",
    /// An exclude that removes nothing.
    IdleExclude = "idle-exclude",
    /// A prompt of many paragraphs.
    LongWinded = "long-winded",
    /// A prompt that depends on its part's id.
    IdInPrompt = "id-in-prompt",
    /// A step that no part has.
    UnreachableStep = "unreachable-step",
    /// A template that reads a step which may be skipped.
    UnguardedStep = "unguarded-step",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether a problem stops the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not: a lint.
    Warning,
}

/// A place and what is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to say, empty when the place says it.
    pub text: String,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// Whether it stops the manifest.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub primary: Label,
    /// What else to look at.
    pub secondary: Vec<Label>,
    /// What to do about it.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Label {
                span,
                text: String::new(),
            },
            secondary: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A lint at `span`.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// Says `text` about the main place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Points at another place as well.
    #[must_use]
    pub fn see(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Says what to do, if there is something to say.
    #[must_use]
    pub fn help_if(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }
}

impl Diagnostic {
    /// What else to look at, and where the thing at the main place is used when that is another place: behind an alias, in
    /// a file that includes it, in a step that takes it as a default.
    #[must_use]
    pub fn related(&self, sources: &Sources) -> Vec<Label> {
        let mut related = self.secondary.clone();
        for way in sources.ways(self.primary.span.source) {
            if related.iter().all(|label| label.span != way.span) {
                related.push(Label {
                    span: way.span,
                    text: way.how.to_owned(),
                });
            }
        }
        related
    }
}

/// All problems of a manifest, in the order of their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a problem that was not found before: an aliased mapping is read at each of its uses.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let place = place(&diagnostic);
        let end = self.0.partition_point(|known| self::place(known) <= place);
        let is_new = (self.0[..end].iter().rev())
            .take_while(|known| self::place(known) == place)
            .all(|known| known.message != diagnostic.message);
        if is_new {
            self.0.insert(end, diagnostic);
        }
    }

    /// Adds a problem if none of its kind was found at its place: a matrix can meet one mistake in each of its parts.
    pub fn push_first(&mut self, diagnostic: Diagnostic) {
        let place = place(&diagnostic);
        let at = self.0.partition_point(|known| self::place(known) < place);
        if self.0.get(at).map(self::place) != Some(place) {
            self.0.insert(at, diagnostic);
        }
    }

    /// Adds a problem unless `most` of its kind were found at its place: the rows of a table differ, and some show how.
    pub fn push_few(&mut self, diagnostic: Diagnostic, most: usize) {
        let place = place(&diagnostic);
        let start = self.0.partition_point(|known| self::place(known) < place);
        let end = self.0.partition_point(|known| self::place(known) <= place);
        if end - start < most && !self.0[start..end].contains(&diagnostic) {
            self.0.insert(end, diagnostic);
        }
    }

    /// Takes out the lints of `allowed`.
    pub fn allow(&mut self, allowed: &[Code]) {
        self.0
            .retain(|one| one.severity == Severity::Error || !allowed.contains(&one.code));
    }

    /// Whether there is an error among them.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The problems, first place first.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

fn place(diagnostic: &Diagnostic) -> (Span, Code) {
    (diagnostic.primary.span, diagnostic.code)
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, all: T) {
        for one in all {
            self.push(one);
        }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::source::Sources;

    #[test]
    fn names_of_codes_are_unique_and_kebab_case() {
        let names: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for name in names {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
        }
    }

    #[test]
    fn problems_stand_in_the_order_of_their_places_and_once() {
        let source = Sources::default().add("a", "");
        let at = |start| Span {
            source,
            start,
            end: start + 1,
        };
        let mut all = Diagnostics::default();
        for start in [4, 1, 4] {
            all.push(Diagnostic::error(Code::BadId, at(start), "x"));
        }
        all.push(Diagnostic::error(Code::BadId, at(4), "y"));
        all.push_first(Diagnostic::error(Code::BadId, at(4), "z"));
        all.push(Diagnostic::error(Code::WrongType, at(0), "x"));
        let found: Vec<_> = (all.iter())
            .map(|d| (d.primary.span.start, d.message.as_str()))
            .collect();
        assert_eq!(found, [(0, "x"), (1, "x"), (4, "x"), (4, "y")]);
    }
}
