//! Reads what a step of one kind says: prompts, policies, paths. What a `check` expects is read in `expected`.

use super::diagnostic::{Code, Diagnostic};
use super::expected;
use super::reader::{Fields, Keys, Reader};
use super::shape::{
    AdoptTarget, OnDrift, OnProposal, Read, Refused, ReviewEntry, Snapshot, StepBody,
};
use super::source::Spanned;
use super::tree::{Tree, Value};

/// The most rounds of proposals that a review may lead to.
const MAX_ROUNDS: u32 = 20;

pub(super) const CREATE: Keys = Keys {
    of: "`create`",
    known: &["prompt", "images"],
};

pub(super) const ADOPT: Keys = Keys {
    of: "`adopt`",
    known: &["job", "find"],
};

pub(super) const ITERATE: Keys = Keys {
    of: "`iterate`",
    known: &["prompt", "images", "on_drift", "when"],
};

pub(super) const REVIEW: Keys = Keys {
    of: "`review`",
    known: &[
        "prompt",
        "revision",
        "viewer_state",
        "snapshots",
        "on_proposal",
        "max_rounds",
        "when",
    ],
};

pub(super) const APPROVE: Keys = Keys {
    of: "`approve`",
    known: &["message", "when"],
};

pub(super) const DOWNLOAD: Keys = Keys {
    of: "`download`",
    known: &["to", "artifacts", "transcript", "when"],
};

pub(super) const SNAPSHOT: Keys = Keys {
    of: "a snapshot",
    known: &["label", "image"],
};

/// What a key is that must be there and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is an error.
    IsWrong,
    /// These are defaults, and each step says the rest.
    IsFine,
}

/// The keys of a step of `kind`.
pub(super) fn keys_of(kind: &str) -> Keys {
    match kind {
        "create" => CREATE,
        "adopt" => ADOPT,
        "iterate" => ITERATE,
        "review" => REVIEW,
        "check" => expected::CHECK,
        "approve" => APPROVE,
        _ => DOWNLOAD,
    }
}

/// Reads the step of `kind` with the keys `fields`, if these could be read.
pub(super) fn body(
    reader: &mut Reader,
    kind: &str,
    fields: Option<Fields<'_>>,
    missing: Missing,
) -> StepBody {
    let prompt = |reader: &mut Reader, of| prompt(reader, fields, of, missing);
    match kind {
        "create" => StepBody::Create {
            prompt: prompt(reader, CREATE.of),
            images: images(reader, fields),
        },
        "adopt" => StepBody::Adopt(adopted(reader, fields)),
        "iterate" => StepBody::Iterate {
            prompt: prompt(reader, ITERATE.of),
            images: images(reader, fields),
            on_drift: chosen(
                reader,
                fields,
                "on_drift",
                &[
                    ("fail", OnDrift::Fail),
                    ("continue", OnDrift::Continue),
                    ("recreate", OnDrift::Recreate),
                ],
            ),
        },
        "review" => {
            let prompt = prompt(reader, REVIEW.of);
            StepBody::Review(Box::new(review(reader, prompt, fields)))
        }
        "check" => StepBody::Check(expected::check(reader, fields)),
        "approve" => StepBody::Approve {
            message: value(fields, "message").and_then(|tree| reader.text(tree)),
        },
        _ => StepBody::Download {
            to: text(reader, fields, "to"),
            artifacts: text(reader, fields, "artifacts"),
            transcript: value(fields, "transcript")
                .and_then(|tree| reader.boolean(tree))
                .unwrap_or_default(),
        },
    }
}

fn value<'t>(fields: Option<Fields<'t>>, key: &str) -> Option<&'t Tree> {
    fields.and_then(|fields| fields.get(key))
}

fn text(
    reader: &mut Reader,
    fields: Option<Fields<'_>>,
    key: &str,
) -> Read<Option<Spanned<String>>> {
    reader.optional(fields.ok_or(Refused)?, key, Reader::text)
}

/// One of some words, at a key that may be there.
pub(super) fn chosen<T: Copy>(
    reader: &mut Reader,
    fields: Option<Fields<'_>>,
    key: &str,
    words: &[(&str, T)],
) -> Option<T> {
    value(fields, key).and_then(|tree| reader.choice(key, tree, words))
}

fn prompt(
    reader: &mut Reader,
    fields: Option<Fields<'_>>,
    of: &str,
    missing: Missing,
) -> Read<Spanned<String>> {
    let fields = fields.ok_or(Refused)?;
    let tree = match missing {
        Missing::IsWrong => reader.required(fields, "prompt", of, "prompt: ..."),
        Missing::IsFine => fields.get("prompt"),
    };
    tree.and_then(|tree| reader.text(tree)).ok_or(Refused)
}

fn images(reader: &mut Reader, fields: Option<Fields<'_>>) -> Vec<Spanned<String>> {
    reader.texts(value(fields, "images"))
}

fn adopted(reader: &mut Reader, fields: Option<Fields<'_>>) -> Read<AdoptTarget> {
    let fields = fields.ok_or(Refused)?;
    let target = match (fields.entry("job"), fields.entry("find")) {
        (Some(job), None) => reader.text(&job.value).map(AdoptTarget::Job),
        (None, Some(find)) => reader.text(&find.value).map(AdoptTarget::Find),
        (Some(job), Some(find)) => {
            let problem = Diagnostic::error(
                Code::Conflict,
                find.key.span,
                "a job is adopted by its id or by a search",
            );
            reader.refuse(
                problem
                    .see(job.key.span, "this is its id")
                    .help("remove one of the two"),
            )
        }
        (None, None) => reader.refuse(
            Diagnostic::error(Code::MissingKey, fields.span, "`adopt` names no job")
                .help("add `job: cadjob_...`, or `find: ...` with words that only one job has"),
        ),
    };
    target.ok_or(Refused)
}

fn review(
    reader: &mut Reader,
    prompt: Read<Spanned<String>>,
    fields: Option<Fields<'_>>,
) -> ReviewEntry {
    let words = [
        ("ignore", OnProposal::Ignore),
        ("fail", OnProposal::Fail),
        ("iterate", OnProposal::Iterate),
        ("approve", OnProposal::Approve),
    ];
    let snapshots = value(fields, "snapshots").and_then(|tree| reader.list(tree));
    refuse_two_places(reader, fields);
    ReviewEntry {
        prompt,
        revision: value(fields, "revision").and_then(|tree| reader.text(tree)),
        viewer_state: value(fields, "viewer_state").and_then(|tree| {
            reader.entries(tree)?;
            reader.json(tree)
        }),
        snapshots: (snapshots.unwrap_or_default().iter())
            .filter_map(|tree| snapshot(reader, tree))
            .collect(),
        on_proposal: chosen(reader, fields, "on_proposal", &words),
        max_rounds: value(fields, "max_rounds")
            .and_then(|tree| reader.integer(tree, 1..=MAX_ROUNDS)),
    }
}

/// The service has its pictures in the viewer's state: `snapshots` would take the place of what is written there.
fn refuse_two_places(reader: &mut Reader, fields: Option<Fields<'_>>) {
    let (Some(snapshots), Some(Value::Map(state))) = (
        fields.and_then(|fields| fields.entry("snapshots")),
        value(fields, "viewer_state").map(|tree| &tree.value),
    ) else {
        return;
    };
    if let Some(inner) = state.iter().find(|entry| entry.key.value == "snapshots") {
        let message = "pictures are shown by `snapshots`, or written into `viewer_state`";
        let problem = Diagnostic::error(Code::Conflict, inner.key.span, message);
        reader.refuse::<()>(
            problem
                .see(snapshots.key.span, "these are the others")
                .help("remove one of the two"),
        );
    }
}

fn snapshot(reader: &mut Reader, tree: &Tree) -> Option<Snapshot> {
    let fields = reader.fields(tree, SNAPSHOT)?;
    let mut text = |key, example| {
        let tree = reader.required(fields, key, SNAPSHOT.of, example)?;
        reader.text(tree)
    };
    let (label, image) = (
        text("label", "label: Marked area"),
        text("image", "image: marked.png"),
    );
    Some(Snapshot {
        label: label?,
        image: image?,
    })
}

impl Reader {
    /// `true` or `false`.
    fn boolean(&mut self, tree: &Tree) -> Option<bool> {
        match tree.value {
            Value::Bool(value) => Some(value),
            _ => self.wrong(tree, "a boolean", Some("write `true` or `false`")),
        }
    }

    /// What `tree` is in JSON.
    fn json(&mut self, tree: &Tree) -> Option<serde_json::Value> {
        Some(match &tree.value {
            Value::Null => serde_json::Value::Null,
            Value::Seq(items) => {
                let items: Vec<_> = items.iter().map(|item| self.json(item)).collect();
                serde_json::Value::Array(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Map(entries) => {
                let read = |entry: &super::tree::Entry| {
                    Some((entry.key.value.clone(), self.json(&entry.value)?))
                };
                let entries: Vec<_> = entries.iter().map(read).collect();
                serde_json::Value::Object(entries.into_iter().collect::<Option<_>>()?)
            }
            _ => match self.scalar(tree)?.value {
                super::shape::Scalar::Text(text) => text.into(),
                super::shape::Scalar::Int(number) => number.into(),
                super::shape::Scalar::Float(number) => number.into(),
                super::shape::Scalar::Bool(value) => value.into(),
            },
        })
    }
}
