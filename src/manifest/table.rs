//! Design tables: a CSV file beside the manifest, one part a row, whose columns are variables.
//!
//! A header gives each column its name, and a type if its cells are no text: `width:number`. A part number keeps its
//! zeros; a cell is what it looks like only when the header says so.

use std::collections::HashMap;
use std::sync::Arc;

use super::csv::{Cell, Malformed, Records, address};
use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::names::name_problem;
use super::reader::exact;
use super::shape::{CellType, Column, Manifest, Read, Refused, Row, Scalar, Table};
use super::source::{SourceId, Sources, Span, Spanned};
use super::suggest::did_you_mean;
use super::surroundings::{Surroundings, beside};

/// The most columns of a table.
const MAX_COLUMNS: usize = 1_000;
/// The most cells of a table.
const MAX_CELLS: usize = 2_000_000;
/// The most problems of one kind that one table shows.
const MAX_SHOWN: usize = 20;

const TYPES: [(&str, CellType); 4] = [
    ("text", CellType::Text),
    ("number", CellType::Number),
    ("int", CellType::Int),
    ("bool", CellType::Bool),
];

/// Reads the tables of `manifest`, each file once.
pub(super) fn fill(
    manifest: &mut Manifest,
    sources: &mut Sources,
    surroundings: &mut dyn Surroundings,
    problems: &mut Diagnostics,
) {
    let mut known: HashMap<String, Read<Arc<Table>>> = HashMap::new();
    for entry in &mut manifest.parts {
        let Ok(Some(link)) = &mut entry.table else {
            continue;
        };
        let written = &link.path;
        let path = match beside("", &written.value) {
            Ok(path) => path,
            Err(problem) => {
                problems.push(problem.at(&written.value, written.span));
                continue;
            }
        };
        let table = known.entry(path).or_insert_with_key(|path| {
            let text = surroundings.file(path).map_err(|problem| {
                problems.push(problem.at(&written.value, written.span));
                Refused
            })?;
            let source = sources.add(surroundings.name(path), text);
            let text = sources.shared_text(source);
            let mut reading = Reading {
                source,
                problems,
                shown: HashMap::new(),
                is_whole: true,
            };
            reading
                .table(&text, written.span)
                .map(Arc::new)
                .ok_or(Refused)
        });
        link.table = table.clone();
    }
}

/// The address of a cell as spreadsheets have it: `B7`. Both indices count from zero, and the header is a row.
#[must_use]
pub fn cell_address(column: usize, row: usize) -> String {
    address(column, row)
}

struct Reading<'p> {
    source: SourceId,
    problems: &'p mut Diagnostics,
    shown: HashMap<Code, usize>,
    /// Whether no row was left out.
    is_whole: bool,
}

impl Reading<'_> {
    fn table(&mut self, text: &str, named_at: Span) -> Option<Table> {
        let mut records = Records::new(text).enumerate();
        let header = match records.next() {
            Some((_, Ok(header))) => header,
            Some((_, Err(malformed))) => {
                self.malformed(malformed);
                return None;
            }
            None => {
                let problem =
                    Diagnostic::error(Code::EmptyTable, self.span(0..0), "this table is empty")
                        .see(named_at, "named here")
                        .help("its first row names its columns: `size,width:number`");
                self.problems.push(problem);
                return None;
            }
        };
        let columns = self.columns(&header)?;
        let mut table = Table {
            source: self.source,
            columns,
            rows: Vec::new(),
            has_others: false,
        };
        let mut seen: HashMap<Vec<std::borrow::Cow<'_, str>>, usize> = HashMap::new();
        for (ix, record) in records {
            let cells = match record {
                Ok(cells) => cells,
                Err(malformed) => {
                    self.malformed(malformed);
                    self.is_whole = false;
                    break;
                }
            };
            if (ix + 1) * table.columns.len() > MAX_CELLS {
                self.say(
                    Code::TooManyParts,
                    &cells[0],
                    format!("a table has at most {MAX_CELLS} cells"),
                    "split the table",
                );
                self.is_whole = false;
                break;
            }
            match self.row(&cells, ix, &table.columns) {
                Some(row) => {
                    let texts = cells.into_iter().map(|cell| cell.text).collect();
                    self.refuse_equal(&mut seen, texts, ix, &row, &table);
                    table.rows.push(row);
                }
                None => self.is_whole = false,
            }
        }
        if table.rows.is_empty() && self.is_whole {
            let problem = Diagnostic::error(
                Code::EmptyTable,
                self.cell_span(&header[0]),
                "this table has no rows",
            )
            .see(named_at, "named here")
            .help("each row below the header makes one part");
            self.problems.push(problem);
        }
        table.has_others = !self.is_whole;
        Some(table)
    }

    /// The columns that `header` names.
    fn columns(&mut self, header: &[Cell<'_>]) -> Option<Vec<Column>> {
        let first = &header[0];
        if let [only] = header
            && let Some(separator) = [';', '\t'].into_iter().find(|c| only.text.contains(*c))
        {
            let message = format!("the cells of this table are separated by {separator:?}");
            self.say(
                Code::BadTable,
                first,
                message,
                "save it as comma-separated values",
            );
            return None;
        }
        if header.len() > MAX_COLUMNS {
            let message = format!("a table has at most {MAX_COLUMNS} columns");
            self.say(Code::BadTable, first, message, "split the table");
            return None;
        }
        let mut columns: Vec<Column> = Vec::with_capacity(header.len());
        for (ix, cell) in header.iter().enumerate() {
            let at = address(ix, 0);
            let (name, kind) = match cell.text.split_once(':') {
                Some((name, kind)) => (name.trim(), kind.trim()),
                None => (cell.text.trim(), "text"),
            };
            if name.is_empty() {
                let message = format!("{at} is blank: every column has a name");
                self.say(
                    Code::BlankCell,
                    cell,
                    message,
                    "name the column, or remove it",
                );
            } else if let Some(message) = name_problem(name) {
                self.say(
                    Code::BadValue,
                    cell,
                    format!("{at}: {message}"),
                    "a name is made of ASCII letters, digits and `_`, and starts with no digit",
                );
            } else if let Some(other) = columns.iter().position(|known| known.name.value == name) {
                let problem = Diagnostic::error(
                    Code::RepeatedKey,
                    self.cell_span(cell),
                    format!("{at} names the column `{name}` a second time"),
                )
                .see(columns[other].name.span, address(other, 0))
                .help("rename one of the two");
                self.problems.push(problem);
            }
            let known = TYPES.iter().find(|(word, _)| *word == kind);
            if known.is_none() {
                let problem = Diagnostic::error(
                    Code::BadValue,
                    self.cell_span(cell),
                    format!("{at}: there are no columns of type `{kind}`"),
                )
                .help_if(did_you_mean(kind, TYPES.iter().map(|(word, _)| *word)))
                .help("a column is `text`, `number`, `int` or `bool`: `width:number`");
                self.problems.push(problem);
            }
            columns.push(Column {
                name: Spanned::new(name.to_owned(), self.cell_span(cell)),
                kind: known.map(|(_, kind)| *kind).ok_or(Refused),
            });
        }
        Some(columns)
    }

    /// The row of `cells`, the record with the index `ix`.
    fn row(&mut self, cells: &[Cell<'_>], ix: usize, columns: &[Column]) -> Option<Row> {
        let first = &cells[0];
        if cells.iter().all(|cell| cell.text.trim().is_empty()) {
            let message = format!("{} is blank, and so is all of its row", address(0, ix));
            self.say(Code::BlankCell, first, message, "remove the row");
            return None;
        }
        if let Some(extra) = cells.get(columns.len()) {
            let message = format!(
                "{} stands beside the table, which has {} columns",
                address(columns.len(), ix),
                columns.len()
            );
            self.say(
                Code::BadTable,
                extra,
                message,
                "put a cell with a comma in it in quotes, or name the column",
            );
            return None;
        }
        if cells.len() < columns.len() {
            let message = format!(
                "{} is missing: this row has {} of {} cells",
                address(cells.len(), ix),
                cells.len(),
                columns.len()
            );
            let last = &cells[cells.len() - 1];
            self.say(
                Code::BadTable,
                last,
                message,
                "write a comma for each cell, also for a blank one",
            );
            return None;
        }
        let read =
            |(column, cell): (usize, &Cell<'_>)| self.value(cell, column, ix, &columns[column]);
        Some(Row {
            ix,
            cells: cells.iter().enumerate().map(read).collect(),
        })
    }

    fn value(
        &mut self,
        cell: &Cell<'_>,
        column: usize,
        row: usize,
        of: &Column,
    ) -> Read<Spanned<Scalar>> {
        let kind = of.kind?;
        let text = cell.text.trim();
        let value = match kind {
            CellType::Text => Some(Scalar::Text(cell.text.clone().into_owned())),
            CellType::Int => text.parse().ok().map(Scalar::Int),
            CellType::Number => number(text),
            CellType::Bool => match text {
                "true" | "TRUE" => Some(Scalar::Bool(true)),
                "false" | "FALSE" => Some(Scalar::Bool(false)),
                _ => None,
            },
        };
        if let Some(value) = value {
            return Ok(Spanned::new(value, self.cell_span(cell)));
        }
        let (what, help) = match kind {
            CellType::Int => ("a whole number", "write digits: `80`"),
            CellType::Number => ("a number", "write digits and a decimal point: `12.5`"),
            CellType::Bool | CellType::Text => ("a boolean", "write `true` or `false`"),
        };
        let at = address(column, row);
        let name = &of.name.value;
        let (code, message) = if text.is_empty() {
            let message = format!("{at} is blank, and column `{name}` takes {what}");
            (Code::BlankCell, message)
        } else {
            let message = format!(
                "{at}: `{}` is not {what}, which column `{name}` takes",
                cell.text
            );
            (Code::BadCell, message)
        };
        self.say(code, cell, message, help);
        Err(Refused)
    }

    fn refuse_equal<'t>(
        &mut self,
        seen: &mut HashMap<Vec<std::borrow::Cow<'t, str>>, usize>,
        texts: Vec<std::borrow::Cow<'t, str>>,
        ix: usize,
        row: &Row,
        table: &Table,
    ) {
        let Some(first) = seen.insert(texts, table.rows.len()) else {
            return;
        };
        let (Some(Ok(here)), Some(Ok(there))) =
            (row.cells.first(), table.rows[first].cells.first())
        else {
            return;
        };
        if self.is_shown(Code::DuplicateRow) {
            let message = format!(
                "the row of {} is that of {} again",
                address(0, ix),
                address(0, table.rows[first].ix)
            );
            self.problems.push(
                Diagnostic::error(Code::DuplicateRow, here.span, message)
                    .see(there.span, "here first")
                    .help("remove one of the two"),
            );
        }
    }

    fn malformed(&mut self, malformed: Malformed) {
        let span = self.span(malformed.range);
        self.problems
            .push(Diagnostic::error(Code::Syntax, span, malformed.message).help(malformed.help));
    }

    fn say(&mut self, code: Code, cell: &Cell<'_>, message: String, help: &str) {
        if self.is_shown(code) {
            let span = self.cell_span(cell);
            self.problems
                .push(Diagnostic::error(code, span, message).help(help));
        }
    }

    /// Whether another problem of this kind is to be shown: a column of the wrong type has one in each row.
    fn is_shown(&mut self, code: Code) -> bool {
        let shown = self.shown.entry(code).or_default();
        *shown += 1;
        *shown <= MAX_SHOWN
    }

    fn cell_span(&self, cell: &Cell<'_>) -> Span {
        self.span(cell.range.clone())
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span {
            source: self.source,
            start: range.start,
            end: range.end,
        }
    }
}

/// Reads a decimal number that can be kept exactly enough to be printed as it was written.
fn number(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    match text.parse::<i64>() {
        Ok(number) => Some(Scalar::Int(number)),
        Err(_) => exact(text.parse().ok()?),
    }
}
