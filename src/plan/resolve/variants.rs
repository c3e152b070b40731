//! What the parts of one entry differ in: the combinations of a matrix, or the rows of a table.

use std::sync::Arc;

use super::matrix::{Combination, Expansion, expand};
use crate::manifest::shape::{PartEntry, Row, Table};
use crate::manifest::{Diagnostics, Span, Spanned, cell_address};

/// The most parts of one entry that show how one text is wrong: rows differ, and some of them tell enough.
pub(super) const MAX_SHOWN_ROWS: usize = 5;

/// A row of a table, as the maker of one part.
#[derive(Debug, Clone)]
pub(super) struct RowOf {
    pub(super) table: Arc<Table>,
    /// The index among the table's rows.
    pub(super) row: usize,
}

impl RowOf {
    /// The places and the addresses of the cells in `columns`.
    pub(super) fn cells(
        &self,
        columns: impl IntoIterator<Item = usize>,
    ) -> impl Iterator<Item = (Span, String)> {
        let row = &self.table.rows[self.row];
        columns.into_iter().filter_map(|column| {
            let cell = row.cells.get(column)?.as_ref().ok()?;
            let address = cell_address(column, row.ix);
            Some((cell.span, address))
        })
    }
}

/// The names and values of an entry's parts.
pub(super) struct Variants<'m> {
    /// The names of axes or columns, in their order.
    pub(super) names: Vec<&'m Spanned<String>>,
    /// The values.
    pub(super) expansion: Expansion<'m>,
    /// The table that they are from, row by row.
    pub(super) table: Option<Arc<Table>>,
    /// Whether there may be other names.
    pub(super) has_other_names: bool,
}

/// The variants of `entry`. When they are too many (`fits` is false), it is looked at, and none is made.
pub(super) fn of<'m>(entry: &'m PartEntry, fits: bool, problems: &mut Diagnostics) -> Variants<'m> {
    let unknown = |has_other_names| Variants {
        names: Vec::new(),
        expansion: Expansion {
            combinations: Vec::new(),
            has_others: true,
        },
        table: None,
        has_other_names,
    };
    match (&entry.matrix, &entry.table) {
        (Ok(None), Ok(None)) if fits => Variants {
            expansion: Expansion {
                combinations: vec![Vec::new()],
                has_others: false,
            },
            ..unknown(false)
        },
        (Ok(None), Ok(None)) => unknown(false),
        (Ok(Some(matrix)), Ok(None)) => Variants {
            names: matrix.axes.iter().map(|axis| &axis.name).collect(),
            expansion: expand(matrix, fits, problems),
            ..unknown(false)
        },
        (Ok(None), Ok(Some(link))) => match &link.table {
            Ok(table) => Variants {
                names: table.columns.iter().map(|column| &column.name).collect(),
                expansion: rows(table, fits),
                table: Some(Arc::clone(table)),
                has_other_names: false,
            },
            Err(_) => unknown(true),
        },
        // Both, or one that was refused: a diagnostic says so.
        _ => unknown(true),
    }
}

fn rows(table: &Table, fits: bool) -> Expansion<'_> {
    fn values(row: &Row) -> Combination<'_> {
        let cells = row.cells.iter();
        cells
            .map(|cell| cell.as_ref().ok().map(|cell| &cell.value))
            .collect()
    }
    let wanted = if fits { table.rows.as_slice() } else { &[] };
    Expansion {
        combinations: wanted.iter().map(values).collect(),
        has_others: !fits || table.has_others,
    }
}

/// How many parts `entry` makes before any combination is excluded, and what makes them so many.
pub(super) fn size(entry: &PartEntry) -> (usize, Span) {
    match (&entry.matrix, &entry.table) {
        (Ok(Some(matrix)), _) => (super::matrix::size(matrix), matrix.span),
        (_, Ok(Some(link))) => {
            let rows = link.table.as_ref().map_or(1, |table| table.rows.len());
            (rows, link.path.span)
        }
        _ => (1, entry.id_span()),
    }
}
