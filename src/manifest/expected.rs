//! Reads `check`: what is expected of the files of a revision.

use super::bodies::chosen;
use super::diagnostic::{Code, Diagnostic};
use super::reader::{Fields, Keys, Reader};
use super::shape::{Bbox, CheckEntry, OnFail, Quantity, Volume};
use super::tree::{Tree, Value};

/// The most artifacts that a check may expect.
const MAX_FILES: u32 = 10_000;

pub(super) const CHECK: Keys = Keys {
    of: "`check`",
    known: &[
        "solids", "bodies", "bbox", "volume", "files", "on_fail", "when",
    ],
};

pub(super) const BBOX: Keys = Keys {
    of: "`bbox`",
    known: &["size", "tolerance"],
};

pub(super) const VOLUME: Keys = Keys {
    of: "`volume`",
    known: &["value", "tolerance"],
};

pub(super) fn check(reader: &mut Reader, fields: Option<Fields<'_>>) -> CheckEntry {
    let words = [("reject", OnFail::Reject), ("warn", OnFail::Warn)];
    let on_fail = chosen(reader, fields, "on_fail", &words);
    let Some(fields) = fields else {
        return CheckEntry::default();
    };
    let mut quantity = |key| {
        fields
            .get(key)
            .and_then(|tree| self::quantity(reader, tree))
    };
    let (solids, bodies) = (quantity("solids"), quantity("bodies"));
    CheckEntry {
        solids,
        bodies,
        bbox: fields.get("bbox").and_then(|tree| bbox(reader, tree)),
        volume: fields.get("volume").and_then(|tree| volume(reader, tree)),
        files: fields
            .get("files")
            .and_then(|tree| reader.integer(tree, 1..=MAX_FILES))
            .and_then(std::num::NonZeroU32::new),
        on_fail,
    }
}

fn bbox(reader: &mut Reader, tree: &Tree) -> Option<Bbox> {
    let fields = reader.fields(tree, BBOX)?;
    let size = reader.required(fields, "size", BBOX.of, "size: [60, 40, 6]")?;
    let items = reader.list(size)?;
    if items.len() != 3 {
        let message = format!("a box has 3 sides, not {}", items.len());
        reader.diagnostics.push(
            Diagnostic::error(Code::BadValue, size.span, message)
                .help("write its lengths in x, y and z, in mm: `size: [60, 40, 6]`"),
        );
    }
    Some(Bbox {
        size: (items.iter())
            .filter_map(|item| quantity(reader, item))
            .collect(),
        tolerance: fields
            .get("tolerance")
            .and_then(|tree| quantity(reader, tree)),
    })
}

fn volume(reader: &mut Reader, tree: &Tree) -> Option<Volume> {
    let fields = reader.fields(tree, VOLUME)?;
    let value = reader.required(fields, "value", VOLUME.of, "value: 14400");
    Some(Volume {
        value: value.and_then(|tree| quantity(reader, tree)),
        tolerance: fields
            .get("tolerance")
            .and_then(|tree| quantity(reader, tree)),
    })
}

/// A number that is not negative, or a template for one.
#[expect(
    clippy::cast_precision_loss,
    reason = "lengths and counts are far below what a float keeps"
)]
fn quantity(reader: &mut Reader, tree: &Tree) -> Option<Quantity> {
    let number = match &tree.value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Text(_) => return reader.text(tree).map(Quantity::Template),
        _ => return reader.wrong(tree, "a number or a template", None),
    };
    if number < 0.0 || !number.is_finite() {
        let message = format!("{number} is out of bounds");
        return reader.refuse(
            Diagnostic::error(Code::NumberOutOfRange, tree.span, message)
                .help("write a number from 0 on"),
        );
    }
    Some(Quantity::Number(number))
}
