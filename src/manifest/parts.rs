//! Reads `parts`: ids, matrices, steps.

use super::diagnostic::{Code, Diagnostic};
use super::reader::{Fields, Keys, Reader};
use super::shape::{Axis, Matrix, PartEntry, StepBody, StepEntry, Var, When};
use super::source::Spanned;
use super::top::{check_name, named_values};
use super::tree::{Entry, Tree, Value};

const PART: Keys = Keys {
    of: "a part",
    known: &["id", "tags", "needs", "matrix", "steps"],
    later: &["table"],
};

const STEP: Keys = Keys {
    of: "a step",
    known: &["id", "create", "iterate", "review", "check", "download"],
    later: &["adopt", "approve", "needs"],
};

const CREATE: Keys = Keys {
    of: "`create`",
    known: &["prompt", "images"],
    later: &[],
};

const ITERATE: Keys = Keys {
    of: "`iterate`",
    known: &["prompt", "images", "when"],
    later: &["on_drift"],
};

const REVIEW: Keys = Keys {
    of: "`review`",
    known: &["prompt", "on_proposal"],
    later: &[
        "revision",
        "viewer_state",
        "snapshots",
        "max_rounds",
        "when",
    ],
};

const CHECK: Keys = Keys {
    of: "`check`",
    known: &[],
    later: &[
        "solids", "bodies", "bbox", "volume", "files", "on_fail", "when",
    ],
};

const DOWNLOAD: Keys = Keys {
    of: "`download`",
    known: &["to"],
    later: &["artifacts", "transcript", "when"],
};

/// Reads the list of parts; those that are wrong are left out.
pub(super) fn parts(reader: &mut Reader, tree: &Tree) -> Vec<PartEntry> {
    let items = reader.list(tree).unwrap_or_default();
    if items.is_empty() && matches!(tree.value, Value::Seq(_)) {
        reader.diagnostics.push(
            Diagnostic::error(Code::BadValue, tree.span, "a family has at least one part")
                .help("add `- id: plate` with its `steps`"),
        );
    }
    items.iter().filter_map(|item| part(reader, item)).collect()
}

fn part(reader: &mut Reader, tree: &Tree) -> Option<PartEntry> {
    let fields = reader.fields(tree, PART)?;
    let id = reader
        .required(fields, "id", "this part", "id: plate")
        .and_then(|tree| reader.text(tree));
    let tags = reader.texts(fields.get("tags"));
    let needs = reader.texts(fields.get("needs"));
    let matrix = fields.get("matrix").and_then(|tree| matrix(reader, tree));
    let steps = reader
        .required(fields, "steps", "this part", "steps: [...]")
        .and_then(|tree| steps(reader, tree));
    Some(PartEntry {
        id: id?,
        tags,
        needs,
        matrix,
        steps: steps?,
    })
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
            _ => matrix.axes.extend(axis(reader, entry)),
        }
    }
    let is_axis = |entry: &Entry| !matches!(entry.key.value.as_str(), "exclude" | "include");
    if !entries.iter().any(is_axis) {
        return reader.refuse(
            Diagnostic::error(Code::EmptyMatrix, tree.span, "this matrix has no axis")
                .help("name an axis and list its values: `width: [60, 80]`"),
        );
    }
    Some(matrix)
}

fn axis(reader: &mut Reader, entry: &Entry) -> Option<Axis> {
    check_name(reader, entry);
    let items = reader.list(&entry.value)?;
    if items.is_empty() {
        let message = format!("axis `{}` has no values", entry.key.value);
        return reader.refuse(
            Diagnostic::error(Code::EmptyMatrix, entry.value.span, message)
                .help("list at least one value, or remove the axis"),
        );
    }
    Some(Axis {
        name: entry.key.clone(),
        values: items
            .iter()
            .filter_map(|item| reader.scalar(item))
            .collect(),
    })
}

fn combinations(reader: &mut Reader, tree: &Tree) -> Vec<Spanned<Vec<Var>>> {
    let items = reader.list(tree).unwrap_or_default();
    let read = |item: &Tree| {
        let entries = reader.entries(item)?;
        Some(Spanned::new(named_values(reader, entries), item.span))
    };
    items.iter().filter_map(read).collect()
}

fn steps(reader: &mut Reader, tree: &Tree) -> Option<Vec<StepEntry>> {
    let items = reader.list(tree)?;
    if items.is_empty() {
        return reader.refuse(
            Diagnostic::error(Code::StepOrder, tree.span, "this part has no steps")
                .help("a part starts with `- create: { prompt: ... }`"),
        );
    }
    Some(items.iter().filter_map(|item| step(reader, item)).collect())
}

fn step(reader: &mut Reader, tree: &Tree) -> Option<StepEntry> {
    let fields = reader.fields(tree, STEP)?;
    let is_kind = |word: &&str| !matches!(*word, "id" | "needs");
    let words = STEP.known.iter().chain(STEP.later).copied();
    let kinds: Vec<&Entry> = words
        .filter(is_kind)
        .filter_map(|kind| fields.entry(kind))
        .collect();
    let id = fields.get("id").and_then(|tree| reader.text(tree));
    match kinds[..] {
        [kind] => {
            let (body, when) = body(reader, kind)?;
            let span = kind.key.span;
            Some(StepEntry {
                id,
                when,
                span,
                body,
            })
        }
        [] => reader.refuse(
            Diagnostic::error(Code::MissingKey, fields.span, "this step has no kind")
                .help("a step has one of `create`, `iterate`, `review`, `check`, `download`"),
        ),
        [first, second, ..] => reader.refuse(
            Diagnostic::error(Code::Conflict, second.key.span, "a step has one kind")
                .see(
                    first.key.span,
                    format!("this step is a `{}`", first.key.value),
                )
                .help(format!("start another step: `- {}:`", second.key.value)),
        ),
    }
}

fn body(reader: &mut Reader, kind: &Entry) -> Option<(StepBody, Option<Spanned<When>>)> {
    let tree = &kind.value;
    let body = match kind.key.value.as_str() {
        "create" => {
            let (prompt, images) = write(reader, tree, CREATE)?;
            StepBody::Create { prompt, images }
        }
        "iterate" => {
            let when = match &tree.value {
                Value::Map(entries) => entries.iter().find(|entry| entry.key.value == "when"),
                _ => None,
            };
            let when = when.and_then(|entry| self::when(reader, &entry.value));
            let (prompt, images) = write(reader, tree, ITERATE)?;
            return Some((StepBody::Iterate { prompt, images }, when));
        }
        "review" => {
            let fields = reader.fields(tree, REVIEW)?;
            let words = [("ignore", false), ("fail", true)];
            let fail_on_proposal = fields.get("on_proposal").and_then(|tree| {
                reader.choice("on_proposal", tree, &words, &["iterate", "approve"])
            });
            StepBody::Review {
                prompt: prompt(reader, fields, REVIEW.of)?,
                fail_on_proposal: fail_on_proposal.unwrap_or_default(),
            }
        }
        "check" => {
            reader.fields(tree, CHECK)?;
            StepBody::Check
        }
        "download" => {
            let fields = reader.fields(tree, DOWNLOAD)?;
            let to = fields.get("to").and_then(|tree| reader.text(tree));
            StepBody::Download { to }
        }
        // A kind that this version doesn't support was refused as a key.
        _ => return None,
    };
    Some((body, None))
}

fn write(
    reader: &mut Reader,
    tree: &Tree,
    keys: Keys,
) -> Option<(Spanned<String>, Vec<Spanned<String>>)> {
    let fields = reader.fields(tree, keys)?;
    let images = reader.texts(fields.get("images"));
    Some((prompt(reader, fields, keys.of)?, images))
}

fn prompt(reader: &mut Reader, fields: Fields<'_>, of: &str) -> Option<Spanned<String>> {
    let tree = reader.required(fields, "prompt", of, "prompt: ...")?;
    reader.text(tree)
}

fn when(reader: &mut Reader, tree: &Tree) -> Option<Spanned<When>> {
    match tree.value {
        Value::Bool(value) => Some(Spanned::new(When::Always(value), tree.span)),
        _ => reader.text(tree).map(|text| text.map(When::Expression)),
    }
}
