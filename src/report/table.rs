//! Tables for people: aligned columns, no frame, one line a row.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::palette::{Palette, Tone};

/// A column: its title, and where its cells stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    Left(&'static str),
    Right(&'static str),
}

/// A row and the colour of its line.
pub(super) type Row = (Tone, Vec<String>);

/// The table of `rows`, each of its lines with a line end. Cells are safe text of one line.
pub(super) fn render(columns: &[Column], rows: Vec<Row>, palette: Palette) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns.iter().map(|column| match column {
            Column::Left(title) | Column::Right(title) => *title,
        }));
    let mut tones = vec![Tone::Dim];
    for (tone, cells) in rows {
        tones.push(tone);
        table.add_row(cells);
    }
    for (at, column) in columns.iter().enumerate() {
        if let Some(shown) = table.column_mut(at) {
            shown.set_padding((0, 2));
            if matches!(column, Column::Right(_)) {
                shown.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    // Every row is one line, so lines are painted whole: the table would count escapes as text.
    let lines = table.lines().zip(tones);
    lines
        .map(|(line, tone)| palette.paint(tone, line.trim_end()) + "\n")
        .collect()
}
