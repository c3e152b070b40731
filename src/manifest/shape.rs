//! The manifest as it was written: typed and inside its units, with nothing expanded, rendered or defaulted.
//!
//! What could not be read is [`Refused`]: of a wrong manifest the rest is still looked at, and nothing is said about what
//! only seems to be missing. In a manifest that was read without errors nothing is refused.

use std::num::NonZeroU32;
use std::time::Duration;

use super::source::{Span, Spanned};

/// Stands for what was written, or should have been, and could not be read. A diagnostic says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// What was read, unless it was refused.
pub type Read<T> = Result<T, Refused>;

/// One family of parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The place of the whole.
    pub span: Span,
    /// The family's name; empty when it was refused.
    pub name: Spanned<String>,
    /// What tells it from another family with its name.
    pub uid: Option<Spanned<String>>,
    /// What it is for.
    pub description: Option<Spanned<String>>,
    /// Named values, in their order.
    pub vars: Vec<Var>,
    /// There may be other variables: what would have named them was refused.
    pub has_other_vars: bool,
    /// The service's tier.
    pub limits: Limits,
    /// What may be spent.
    pub budget: Option<Budget>,
    /// When a job fails.
    pub retry: Retry,
    /// How long a job may take.
    pub job_timeout: Option<Duration>,
    /// Where files are published.
    pub output: Option<Spanned<String>>,
    /// The parts, in their order.
    pub parts: Vec<PartEntry>,
}

/// A value that stands for itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number that is not whole.
    Float(f64),
    /// A boolean.
    Bool(bool),
}

/// A named value.
#[derive(Debug, Clone, PartialEq)]
pub struct Var {
    /// Its name.
    pub name: Spanned<String>,
    /// Its value.
    pub value: Read<Spanned<Scalar>>,
}

/// So many requests in so long a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests in one window.
    pub count: NonZeroU32,
    /// The window; never zero.
    pub window: Duration,
}

/// The keys of `limits`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub struct Limits {
    pub cad_writes: Option<Rate>,
    pub reviews: Option<Rate>,
    pub job_polls: Option<Rate>,
    pub reads: Option<Rate>,
    pub artifacts: Option<Rate>,
    pub balance: Option<Rate>,
    pub active_jobs: Option<NonZeroU32>,
    pub profile: Option<Profile>,
    pub group: Option<String>,
}

/// How close to the rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub enum Profile {
    Steady,
    Window,
}

/// Money, in hundredths of a currency's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// Hundredths.
    pub cents: i64,
    /// The currency's code, in capitals.
    pub currency: String,
}

/// The keys of `budget`. All amounts are of one currency, and there is none when the balance is unchecked.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub struct Budget {
    pub max_spend: Option<Spanned<Amount>>,
    pub max_per_part: Option<Spanned<Amount>>,
    pub keep_balance: Option<Spanned<Amount>>,
    /// `balance: unchecked`.
    pub unchecked: bool,
}

/// The keys of `retry`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// Attempts, the first included.
    pub attempts: Option<NonZeroU32>,
    /// The first and the longest wait.
    pub backoff: Option<(Duration, Duration)>,
}

/// One entry of `parts`: a part, or as many as its matrix has combinations.
#[derive(Debug, Clone, PartialEq)]
pub struct PartEntry {
    /// Its place.
    pub span: Span,
    /// The template of its id.
    pub id: Read<Spanned<String>>,
    /// Its tags.
    pub tags: Vec<Spanned<String>>,
    /// Ids and globs of parts.
    pub needs: Vec<Spanned<String>>,
    /// Its matrix. When it was refused, not even the names of its axes are known.
    pub matrix: Read<Option<Matrix>>,
    /// Its steps; the list is never empty, unless it was refused.
    pub steps: Vec<StepEntry>,
}

impl PartEntry {
    /// The place of its id, or its own.
    #[must_use]
    pub fn id_span(&self) -> Span {
        self.id.as_ref().map_or(self.span, |id| id.span)
    }
}

/// The axes of a matrix and what is taken from or added to their product.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// The place of the whole.
    pub span: Span,
    /// The axes, in their order; there is at least one, and none is empty.
    pub axes: Vec<Axis>,
    /// Partial combinations that are removed.
    pub exclude: Vec<Read<Spanned<Vec<Var>>>>,
    /// Combinations that are added.
    pub include: Vec<Read<Spanned<Vec<Var>>>>,
}

/// One axis of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Its name.
    pub name: Spanned<String>,
    /// Its values.
    pub values: Vec<Read<Spanned<Scalar>>>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEntry {
    /// Its own id, if it has one.
    pub id: Read<Option<Spanned<String>>>,
    /// Its condition: an expression, or a boolean.
    pub when: Read<Option<Spanned<When>>>,
    /// The place of the word that says its kind.
    pub span: Span,
    /// Whether all keys of its body were read: two steps that were not can't be told to ask for the same.
    pub is_whole: bool,
    /// What it does.
    pub body: StepBody,
}

/// The condition of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// `true` or `false`.
    Always(bool),
    /// An expression.
    Expression(String),
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub enum StepBody {
    Create {
        prompt: Read<Spanned<String>>,
        images: Vec<Spanned<String>>,
    },
    Iterate {
        prompt: Read<Spanned<String>>,
        images: Vec<Spanned<String>>,
    },
    Review {
        prompt: Read<Spanned<String>>,
        /// `on_proposal: fail`.
        fail_on_proposal: bool,
    },
    Check,
    Download {
        to: Read<Option<Spanned<String>>>,
    },
    /// A step whose kind can't be told, or that this version doesn't know.
    Refused,
}
