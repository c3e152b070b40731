//! Reads `parts`: ids, matrices, the names of tables. Their steps are read in `steps`.

use super::diagnostic::{Code, Diagnostic};
use super::names::{check_name, named_values};
use super::reader::{Fields, Keys, Reader};
use super::shape::{Axis, Matrix, PartEntry, Read, Refused, TableLink, Var};
use super::source::Spanned;
use super::steps::steps;
use super::tree::{Entry, Tree, Value};

pub(super) const PART: Keys = Keys {
    of: "a part",
    known: &["id", "tags", "needs", "matrix", "table", "steps"],
};

/// Reads the list of parts. One that is wrong keeps its place.
pub(super) fn parts(reader: &mut Reader, tree: &Tree) -> Vec<PartEntry> {
    let items = reader.list(tree).unwrap_or_default();
    if items.is_empty() && matches!(tree.value, Value::Seq(_)) {
        reader.diagnostics.push(
            Diagnostic::error(Code::BadValue, tree.span, "a family has at least one part")
                .help("add `- id: plate` with its `steps`"),
        );
    }
    items.iter().map(|item| part(reader, item)).collect()
}

fn part(reader: &mut Reader, tree: &Tree) -> PartEntry {
    let Some(fields) = reader.fields(tree, PART) else {
        return PartEntry {
            span: tree.span,
            id: Err(Refused),
            tags: Vec::new(),
            needs: Vec::new(),
            matrix: Err(Refused),
            table: Err(Refused),
            steps: Vec::new(),
        };
    };
    let id = reader
        .required(fields, "id", "this part", "id: plate")
        .and_then(|tree| reader.text(tree));
    let tags = reader.texts(fields.get("tags"));
    let needs = reader.texts(fields.get("needs"));
    let matrix = match reader.optional(fields, "matrix", matrix) {
        // A key that is not read could have named axes as well.
        Ok(None) if !fields.are_whole() => Err(Refused),
        read => read,
    };
    let table = reader.optional(fields, "table", |reader, tree| {
        let path = reader.text(tree)?;
        let table = Err(Refused);
        Some(TableLink { path, table })
    });
    refuse_both(reader, fields);
    let steps = reader
        .required(fields, "steps", "this part", "steps: [...]")
        .map(|tree| steps(reader, tree));
    PartEntry {
        span: fields.span,
        id: id.ok_or(Refused),
        tags,
        needs,
        matrix,
        table,
        steps: steps.unwrap_or_default(),
    }
}

fn refuse_both(reader: &mut Reader, fields: Fields<'_>) {
    if let (Some(matrix), Some(table)) = (fields.entry("matrix"), fields.entry("table")) {
        reader.diagnostics.push(
            Diagnostic::error(
                Code::Conflict,
                table.key.span,
                "a part has a matrix or a table",
            )
            .see(matrix.key.span, "it has a matrix here")
            .help("write two entries of `parts`"),
        );
    }
}

fn matrix(reader: &mut Reader, tree: &Tree) -> Option<Matrix> {
    let entries = reader.entries(tree)?;
    let mut matrix = Matrix {
        span: tree.span,
        axes: Vec::new(),
        exclude: Vec::new(),
        include: Vec::new(),
    };
    for entry in entries {
        match entry.key.value.as_str() {
            "exclude" => matrix.exclude = combinations(reader, &entry.value),
            "include" => matrix.include = combinations(reader, &entry.value),
            _ => matrix.axes.push(axis(reader, entry)),
        }
    }
    if matrix.axes.is_empty() {
        return reader.refuse(
            Diagnostic::error(Code::EmptyMatrix, tree.span, "this matrix has no axis")
                .help("name an axis and list its values: `width: [60, 80]`"),
        );
    }
    Some(matrix)
}

/// Reads an axis. A list that is none stands for one value that is not known.
fn axis(reader: &mut Reader, entry: &Entry) -> Axis {
    check_name(reader, entry);
    let items = reader.list(&entry.value);
    if items.is_some_and(<[Tree]>::is_empty) {
        let message = format!("axis `{}` has no values", entry.key.value);
        reader.diagnostics.push(
            Diagnostic::error(Code::EmptyMatrix, entry.value.span, message)
                .help("list at least one value, or remove the axis"),
        );
    }
    let mut values: Vec<Read<_>> = (items.unwrap_or_default().iter())
        .map(|item| reader.scalar(item).ok_or(Refused))
        .collect();
    if values.is_empty() {
        values.push(Err(Refused));
    }
    Axis {
        name: entry.key.clone(),
        values,
    }
}

fn combinations(reader: &mut Reader, tree: &Tree) -> Vec<Read<Spanned<Vec<Var>>>> {
    let Some(items) = reader.list(tree) else {
        return vec![Err(Refused)];
    };
    let read = |item: &Tree| {
        let entries = reader.entries(item).ok_or(Refused)?;
        Ok(Spanned::new(named_values(reader, entries), item.span))
    };
    items.iter().map(read).collect()
}
