//! The manifest as it was written: typed and inside its units, with nothing expanded, rendered or defaulted.
//!
//! What could not be read is [`Refused`]: of a wrong manifest the rest is still looked at, and nothing is said about what
//! only seems to be missing. In a manifest that was read without errors nothing is refused.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::diagnostic::Code;
use super::source::{SourceId, Span, Spanned};

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
    /// Variables of the environment that templates may see.
    pub env: Vec<EnvEntry>,
    /// The lints that are silenced.
    pub allowed_lints: Vec<Code>,
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

/// A variable of the environment.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvEntry {
    /// Its name.
    pub name: Spanned<String>,
    /// Its value.
    pub value: Read<String>,
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

/// One entry of `parts`: a part, or as many as its matrix has combinations or its table has rows.
#[derive(Debug, Clone, PartialEq)]
pub struct PartEntry {
    /// Its place.
    pub span: Span,
    /// The template of its id.
    pub id: Read<Spanned<String>>,
    /// Its tags.
    pub tags: Vec<Spanned<String>>,
    /// Ids and globs of parts, and steps of parts.
    pub needs: Vec<Spanned<String>>,
    /// Its matrix. When it was refused, not even the names of its axes are known.
    pub matrix: Read<Option<Matrix>>,
    /// Its table. When it was refused, not even the names of its columns are known.
    pub table: Read<Option<TableLink>>,
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

/// A table that an entry names.
#[derive(Debug, Clone, PartialEq)]
pub struct TableLink {
    /// Its path, relative to the manifest's folder.
    pub path: Spanned<String>,
    /// What is in it.
    pub table: Read<Arc<Table>>,
}

/// A design table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its text.
    pub source: SourceId,
    /// Its columns, in their order; there is at least one.
    pub columns: Vec<Column>,
    /// Its rows, in their order.
    pub rows: Vec<Row>,
    /// Whether there are rows that were refused as a whole.
    pub has_others: bool,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name of its variable.
    pub name: Spanned<String>,
    /// What its cells are.
    pub kind: Read<CellType>,
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the header's")]
pub enum CellType {
    Text,
    Number,
    Int,
    Bool,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its place in the file, where the header's is zero.
    pub ix: usize,
    /// One value for each column.
    pub cells: Vec<Read<Spanned<Scalar>>>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEntry {
    /// Its own id, if it has one.
    pub id: Read<Option<Spanned<String>>>,
    /// Its condition: an expression, or a boolean.
    pub when: Read<Option<Spanned<When>>>,
    /// What it waits for, beside what its part needs and the step before it.
    pub needs: Vec<Spanned<String>>,
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
    Adopt(Read<AdoptTarget>),
    Iterate {
        prompt: Read<Spanned<String>>,
        images: Vec<Spanned<String>>,
        on_drift: Option<OnDrift>,
    },
    Review(Box<ReviewEntry>),
    Check(CheckEntry),
    Approve {
        message: Option<Spanned<String>>,
    },
    Download {
        to: Read<Option<Spanned<String>>>,
        artifacts: Read<Option<Spanned<String>>>,
        transcript: bool,
    },
    /// A step whose kind can't be told.
    Refused,
}

/// Which job a part adopts.
#[derive(Debug, Clone, PartialEq)]
pub enum AdoptTarget {
    /// The one with this id.
    Job(Spanned<String>),
    /// The only one that a search finds.
    Find(Spanned<String>),
}

/// What an iterate does when somebody else changed the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub enum OnDrift {
    Fail,
    Continue,
    Recreate,
}

/// The keys of `review`.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub struct ReviewEntry {
    pub prompt: Read<Spanned<String>>,
    pub revision: Option<Spanned<String>>,
    /// As the API has it.
    pub viewer_state: Option<serde_json::Value>,
    pub snapshots: Vec<Snapshot>,
    pub on_proposal: Option<OnProposal>,
    pub max_rounds: Option<u32>,
}

/// A picture that a review is shown.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub struct Snapshot {
    pub label: Spanned<String>,
    pub image: Spanned<String>,
}

/// What a review's proposal leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub enum OnProposal {
    Ignore,
    Fail,
    Iterate,
    Approve,
}

/// The keys of `check`.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub struct CheckEntry {
    pub solids: Option<Quantity>,
    pub bodies: Option<Quantity>,
    pub bbox: Option<Bbox>,
    pub volume: Option<Volume>,
    /// How many artifacts there are.
    pub files: Option<NonZeroU32>,
    pub on_fail: Option<OnFail>,
}

/// What a failed check leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub enum OnFail {
    Reject,
    Warn,
}

/// A number, or a template that makes one.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// As it stands.
    Number(f64),
    /// A template.
    Template(Spanned<String>),
}

/// The size of the box around a part, in mm.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub struct Bbox {
    pub size: Vec<Quantity>,
    pub tolerance: Option<Quantity>,
}

/// The volume of a part, in mm³.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are the manifest's")]
pub struct Volume {
    pub value: Option<Quantity>,
    pub tolerance: Option<Quantity>,
}
