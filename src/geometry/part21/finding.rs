//! What an examination has to say, and where.

use std::fmt;
use std::mem::discriminant;

/// The most findings of one [`Flaw`] that are kept, so that none crowds out another; all are counted.
pub const MAX_FINDINGS_PER_FLAW: usize = 5;

/// One thing noticed in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Where, in bytes from the file's start.
    pub offset: usize,
    /// What.
    pub flaw: Flaw,
}

/// The first findings of each [`Flaw`], and the number of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    kept: Vec<Finding>,
    total: usize,
}

/// What can be noticed in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It does not begin with `ISO-10303-21;`. An error, and the only one then.
    NoMagic,
    /// It has no `HEADER` section. An error.
    NoHeader,
    /// It has no `DATA` section. An error.
    NoData,
    /// It does not end with `END-ISO-10303-21;`. An error.
    NoEnd,
    /// Bytes that are no token, or a text or comment that never ends. An error.
    BadToken,
    /// A token where none such can be. An error.
    UnexpectedToken,
    /// A list that is still open where its record ends. An error.
    UnclosedList,
    /// A header that is not as the standard has it. A warning.
    OddHeader,
    /// A record that ends without `;`. A warning.
    MissingSemicolon,
    /// A second record with this number. A warning.
    DuplicateId(u64),
    /// A reference to a record that is not there. A warning.
    DanglingReference(u64),
    /// An integer where only a real can be. A warning.
    IntegerForReal,
    /// A real without a point, or without a digit before it. A warning.
    OddReal,
    /// A byte outside printable ASCII in a text. A warning.
    NotPrintable,
    /// Something after the end. A warning.
    TrailingBytes,
    /// No solid in the whole file. A warning.
    NoSolid,
}

impl Findings {
    pub(super) fn add(&mut self, offset: usize, flaw: Flaw) {
        self.total += 1;
        let same = |finding: &&Finding| discriminant(&finding.flaw) == discriminant(&flaw);
        if self.kept.iter().filter(same).count() < MAX_FINDINGS_PER_FLAW {
            self.kept.push(Finding { offset, flaw });
        }
    }

    /// The findings kept, in the order they were made.
    #[must_use]
    pub fn as_slice(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there were, kept or not.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whether there was none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.flaw, self.offset)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic => f.write_str("no ISO-10303-21; at the beginning"),
            Self::NoHeader => f.write_str("no HEADER section"),
            Self::NoData => f.write_str("no DATA section"),
            Self::NoEnd => f.write_str("no END-ISO-10303-21; at the end"),
            Self::BadToken => f.write_str("not a token"),
            Self::UnexpectedToken => f.write_str("unexpected token"),
            Self::UnclosedList => f.write_str("unclosed list"),
            Self::OddHeader => f.write_str("unusual header"),
            Self::MissingSemicolon => f.write_str("missing ;"),
            Self::DuplicateId(id) => write!(f, "#{id} is defined again"),
            Self::DanglingReference(id) => write!(f, "#{id} is not defined"),
            Self::IntegerForReal => f.write_str("integer in place of a real"),
            Self::OddReal => f.write_str("unusual real"),
            Self::NotPrintable => f.write_str("byte outside printable ASCII"),
            Self::TrailingBytes => f.write_str("bytes after the end"),
            Self::NoSolid => f.write_str("no solid"),
        }
    }
}
