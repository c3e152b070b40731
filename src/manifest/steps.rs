//! Reads the `steps` of a part. One that is wrong keeps its place: what stands before and after it has a meaning.

use super::diagnostic::{Code, Diagnostic};
use super::reader::{Fields, Keys, Reader};
use super::shape::{Read, Refused, StepBody, StepEntry, When};
use super::source::{Span, Spanned};
use super::tree::{Entry, Tree, Value};

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

/// Reads the list of steps.
pub(super) fn steps(reader: &mut Reader, tree: &Tree) -> Vec<StepEntry> {
    let items = reader.list(tree);
    if items.is_some_and(<[Tree]>::is_empty) {
        reader.diagnostics.push(
            Diagnostic::error(Code::StepOrder, tree.span, "this part has no steps")
                .help("a part starts with `- create: { prompt: ... }`"),
        );
    }
    let items = items.unwrap_or_default().iter();
    items.map(|item| step(reader, item)).collect()
}

fn step(reader: &mut Reader, tree: &Tree) -> StepEntry {
    let Some(fields) = reader.fields(tree, STEP) else {
        return refused(tree.span);
    };
    let words = STEP.known.iter().chain(STEP.later).copied();
    let kinds: Vec<(&str, &Entry)> = words
        .filter(|word| !matches!(*word, "id" | "needs"))
        .filter_map(|kind| Some((kind, fields.entry(kind)?)))
        .collect();
    let id = match reader.optional(fields, "id", Reader::text) {
        // A key that nobody knows could have been the id.
        Ok(None) if fields.have_strays() => Err(Refused),
        read => read,
    };
    match kinds[..] {
        [(kind, entry)] => StepEntry {
            id,
            ..body(reader, kind, entry)
        },
        [] => {
            reader.diagnostics.push(
                Diagnostic::error(Code::MissingKey, fields.span, "this step has no kind")
                    .help("a step has one of `create`, `iterate`, `review`, `check`, `download`"),
            );
            refused(fields.span)
        }
        [(_, first), (_, second), ..] => {
            reader.diagnostics.push(
                Diagnostic::error(Code::Conflict, second.key.span, "a step has one kind")
                    .see(
                        first.key.span,
                        format!("this step is a `{}`", first.key.value),
                    )
                    .help(format!("start another step: `- {}:`", second.key.value)),
            );
            for (kind, entry) in kinds {
                body(reader, kind, entry);
            }
            refused(fields.span)
        }
    }
}

/// The step at `span`, of which nothing is known.
fn refused(span: Span) -> StepEntry {
    StepEntry {
        id: Err(Refused),
        when: Err(Refused),
        span,
        is_whole: false,
        body: StepBody::Refused,
    }
}

/// Reads the step of `kind` but for its id.
fn body(reader: &mut Reader, kind: &str, entry: &Entry) -> StepEntry {
    let keys = match kind {
        "create" => CREATE,
        "iterate" => ITERATE,
        "review" => REVIEW,
        "check" => CHECK,
        "download" => DOWNLOAD,
        // A kind that this version doesn't support was refused as a key.
        _ => return refused(entry.key.span),
    };
    let fields = reader.fields(&entry.value, keys);
    // `when` may be known, not yet supported, or neither.
    let when = match fields {
        Some(fields) if keys.known.contains(&"when") => reader.optional(fields, "when", self::when),
        Some(fields) if fields.get("when").is_none() => Ok(None),
        _ => Err(Refused),
    };
    let body = match kind {
        "create" => StepBody::Create {
            prompt: prompt(reader, fields, CREATE.of),
            images: images(reader, fields),
        },
        "iterate" => StepBody::Iterate {
            prompt: prompt(reader, fields, ITERATE.of),
            images: images(reader, fields),
        },
        "review" => StepBody::Review {
            prompt: prompt(reader, fields, REVIEW.of),
            fail_on_proposal: fails_on_proposal(reader, fields),
        },
        "check" => StepBody::Check,
        _ => StepBody::Download {
            to: fields
                .ok_or(Refused)
                .and_then(|fields| reader.optional(fields, "to", Reader::text)),
        },
    };
    StepEntry {
        id: Ok(None),
        when,
        span: entry.key.span,
        is_whole: fields.is_some_and(|fields| fields.are_whole()),
        body,
    }
}

fn prompt(reader: &mut Reader, fields: Option<Fields<'_>>, of: &str) -> Read<Spanned<String>> {
    let tree = reader.required(fields.ok_or(Refused)?, "prompt", of, "prompt: ...");
    tree.and_then(|tree| reader.text(tree)).ok_or(Refused)
}

fn images(reader: &mut Reader, fields: Option<Fields<'_>>) -> Vec<Spanned<String>> {
    reader.texts(fields.and_then(|fields| fields.get("images")))
}

fn fails_on_proposal(reader: &mut Reader, fields: Option<Fields<'_>>) -> bool {
    let words = [("ignore", false), ("fail", true)];
    fields
        .and_then(|fields| fields.get("on_proposal"))
        .and_then(|tree| reader.choice("on_proposal", tree, &words, &["iterate", "approve"]))
        .unwrap_or_default()
}

fn when(reader: &mut Reader, tree: &Tree) -> Option<Spanned<When>> {
    match tree.value {
        Value::Bool(value) => Some(Spanned::new(When::Always(value), tree.span)),
        _ => reader.text(tree).map(|text| text.map(When::Expression)),
    }
}
