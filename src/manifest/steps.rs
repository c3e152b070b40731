//! Reads the `steps` of a part. One that is wrong keeps its place: what stands before and after it has a meaning. What a
//! step of one kind says is read in `bodies`.

use super::bodies;
use super::diagnostic::{Code, Diagnostic};
use super::reader::{Keys, Reader};
use super::shape::{Refused, StepBody, StepEntry, When};
use super::source::{Span, Spanned};
use super::suggest::list;
use super::tree::{Entry, Tree, Value};

/// The kinds of steps.
pub(super) const KINDS: [&str; 7] = [
    "create", "adopt", "iterate", "review", "check", "approve", "download",
];

/// Those that take defaults: which job is adopted is of one part alone.
pub(super) const DEFAULTED: [&str; 6] = [
    "create", "iterate", "review", "check", "approve", "download",
];

pub(super) const STEP: Keys = Keys {
    of: "a step",
    known: &[
        "id", "needs", "create", "adopt", "iterate", "review", "check", "approve", "download",
    ],
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

/// The keys and values of the defaults of `kind`, each of which is looked at by itself.
pub(super) fn check_defaults<'t>(
    reader: &mut Reader,
    kind: &str,
    tree: &'t Tree,
) -> Option<&'t [Entry]> {
    let fields = reader.fields(tree, bodies::keys_of(kind))?;
    bodies::body(reader, kind, Some(fields), bodies::Missing::IsFine);
    reader.optional(fields, "when", when).ok()?;
    reader.entries(tree)
}

fn step(reader: &mut Reader, tree: &Tree) -> StepEntry {
    let Some(fields) = reader.fields(tree, STEP) else {
        return refused(tree.span);
    };
    let kinds: Vec<(&str, &Entry)> = (KINDS.iter())
        .filter_map(|kind| Some((*kind, fields.entry(kind)?)))
        .collect();
    let id = match reader.optional(fields, "id", Reader::text) {
        // A key that nobody knows could have been the id.
        Ok(None) if fields.have_strays() => Err(Refused),
        read => read,
    };
    let needs = reader.texts(fields.get("needs"));
    match kinds[..] {
        [(kind, entry)] => StepEntry {
            id,
            needs,
            ..body(reader, kind, entry)
        },
        [] => {
            let help = format!("a step has one of {}", list(&KINDS));
            reader.diagnostics.push(
                Diagnostic::error(Code::MissingKey, fields.span, "this step has no kind")
                    .help(help),
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
        needs: Vec::new(),
        span,
        is_whole: false,
        body: StepBody::Refused,
    }
}

/// Reads the step of `kind` but for its id and needs.
fn body(reader: &mut Reader, kind: &str, entry: &Entry) -> StepEntry {
    let keys = bodies::keys_of(kind);
    let fields = reader.fields(&entry.value, keys);
    let when = match fields {
        Some(fields) if keys.knows("when") => reader.optional(fields, "when", self::when),
        Some(fields) if fields.get("when").is_none() => Ok(None),
        _ => Err(Refused),
    };
    StepEntry {
        id: Ok(None),
        when,
        needs: Vec::new(),
        span: entry.key.span,
        is_whole: fields.is_some_and(|fields| fields.are_whole()),
        body: bodies::body(reader, kind, fields, bodies::Missing::IsWrong),
    }
}

fn when(reader: &mut Reader, tree: &Tree) -> Option<Spanned<When>> {
    match tree.value {
        Value::Bool(value) => Some(Spanned::new(When::Always(value), tree.span)),
        _ => reader.text(tree).map(|text| text.map(When::Expression)),
    }
}
