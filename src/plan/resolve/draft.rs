//! A family in the making, and what is needed everywhere to make it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::images::ImageSource;
use super::part_reads::PartRead;
use super::scope::Uses;
use super::template::Engine;
use super::variants::{MAX_SHOWN_ROWS, RowOf};
use crate::manifest::{Diagnostic, Diagnostics, Sources, Span, Spanned};
use crate::plan::digest::Digest;
use crate::plan::dynamic::ReadPath;
use crate::plan::family::{Part, PartIx, Step};
use crate::plan::ids::StepId;

/// The most parts of a family, counted before any combination is excluded.
pub const MAX_PARTS: usize = 100_000;

/// What resolving needs everywhere.
pub(super) struct Bench<'a> {
    pub(super) engine: Engine,
    pub(super) sources: &'a Sources,
    pub(super) images: &'a mut dyn ImageSource,
    /// Where each image was read from.
    pub(super) paths: BTreeMap<Digest, String>,
    /// Whether a template or condition was refused, so that what it uses is not known.
    pub(super) has_unread_text: bool,
    /// The variables that other files set, and where.
    pub(super) foreign_vars: BTreeMap<String, Span>,
    /// The row of the part that is made.
    pub(super) row: Option<RowOf>,
    /// What the step that is made reads of other parts.
    pub(super) part_reads: Vec<(ReadPath, Span)>,
    pub(super) problems: Diagnostics,
}

impl Bench<'_> {
    /// Keeps what a text that stands at `written` reads of other parts, until all parts are known.
    pub(super) fn note_part_reads(
        &mut self,
        written: &Spanned<String>,
        reads: Vec<(ReadPath, Range<usize>)>,
    ) {
        let sources = self.sources;
        let place = |range| sources.within(written.span, &written.value, range);
        let reads = reads.into_iter().map(|(path, range)| (path, place(range)));
        self.part_reads.extend(reads);
    }

    /// Reports `problem` of one of an entry's parts, and has no value. A matrix meets one mistake in each of its
    /// combinations and shows the first; the rows of a table are written one by one, and some show which cells did it.
    ///
    /// Where a variable of another file is used, that place is shown as well.
    pub(super) fn refuse<T>(&mut self, uses: &Uses, mut problem: Diagnostic) -> Option<T> {
        for (name, span) in &self.foreign_vars {
            if uses.has(name) || uses.has(&format!("vars.{name}")) {
                problem = problem.see(*span, format!("`{name}` is set here"));
            }
        }
        let mut cells = None;
        if let Some(row) = &self.row {
            let names = row.table.columns.iter().map(|column| &column.name.value);
            let used = names.enumerate().filter(|(_, name)| uses.has(name));
            let columns: Vec<usize> = used.map(|(column, _)| column).collect();
            cells = Some(row.cells(columns).take(MAX_CELLS).collect::<Vec<_>>());
        }
        match cells {
            Some(cells) if !cells.is_empty() => {
                let see = |problem: Diagnostic, (span, address)| {
                    problem.see(span, format!("cell {address}"))
                };
                let problem = cells.into_iter().fold(problem, see);
                self.problems.push_few(problem, MAX_SHOWN_ROWS);
            }
            _ => self.problems.push_first(problem),
        }
        None
    }
}

/// The most cells that one problem points at.
const MAX_CELLS: usize = 3;

/// A family in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) parts: Vec<Part>,
    pub(super) steps: Vec<Step>,
    /// For each part, the index of its entry in the manifest.
    pub(super) origins: Vec<usize>,
    /// For each part of a table, the place and address of the cell that makes its id.
    pub(super) key_cells: BTreeMap<usize, (Span, String)>,
    pub(super) publications: Vec<Publication>,
    /// Where each image was read from.
    pub(super) images: BTreeMap<Digest, String>,
    /// The ids that could not be worked out, as far as they are known.
    pub(super) unknown_ids: BTreeSet<IdPattern>,
    /// The variables that something uses; those of the environment as `env.NAME`.
    pub(super) used: BTreeSet<String>,
    /// What steps read of other parts.
    pub(super) part_reads: Vec<PartRead>,
}

/// One download of one part.
pub(super) struct Publication {
    /// The part.
    pub(super) part: PartIx,
    /// Its download.
    pub(super) step: StepId,
    /// The path without extension.
    pub(super) stem: String,
    /// Where its folder was written, or its step.
    pub(super) span: Span,
}

/// What makes a need a glob.
pub(super) const META: [char; 4] = ['*', '?', '[', '{'];

/// How an id that could not be worked out starts and ends, so that only needs which could name it are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IdPattern {
    start: String,
    end: String,
}

impl IdPattern {
    /// The pattern of ids that are made from `template`.
    pub(super) fn of(template: &str) -> Self {
        let before = template.split('{').next().unwrap_or_default();
        let after = template.rsplit('}').next().unwrap_or_default();
        if before.len() == template.len() {
            return Self::default();
        }
        Self {
            start: before.trim_end().to_owned(),
            end: after.trim_start().to_owned(),
        }
    }

    /// Whether the id could be what `need` names.
    pub(super) fn may_be(&self, need: &str, is_glob: bool) -> bool {
        if is_glob {
            let start = need.split(META).next().unwrap_or_default();
            return start.starts_with(&self.start) || self.start.starts_with(start);
        }
        (need.strip_prefix(self.start.as_str())).is_some_and(|rest| rest.ends_with(&self.end))
    }
}
