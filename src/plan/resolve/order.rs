//! The order and the ids of a part's steps.

use std::collections::BTreeMap;

use crate::manifest::shape::{StepBody, StepEntry};
use crate::manifest::{Code, Diagnostic, Diagnostics, Span};
use crate::plan::content::StepKind;
use crate::plan::ids::StepId;

/// The kind of a step that this version can carry out.
pub(super) const fn kind_of(body: &StepBody) -> Option<StepKind> {
    match body {
        StepBody::Create { .. } => Some(StepKind::Create),
        StepBody::Iterate { .. } => Some(StepKind::Iterate),
        StepBody::Review(_) => Some(StepKind::Review),
        StepBody::Check(_) => Some(StepKind::Check),
        StepBody::Download { .. } => Some(StepKind::Download),
        StepBody::Approve { .. } => Some(StepKind::Approve),
        StepBody::Adopt(_) | StepBody::Refused => None,
    }
}

/// The word of a step's kind.
const fn word_of(body: &StepBody) -> Option<&'static str> {
    match body {
        StepBody::Adopt(_) => Some("adopt"),
        other => match kind_of(other) {
            Some(kind) => Some(kind.as_str()),
            None => None,
        },
    }
}

/// The ids of all steps as they are written; nothing when one could not be read.
pub(super) fn written_ids(entries: &[StepEntry]) -> Option<Vec<&str>> {
    let is_known = |entry: &StepEntry| match &entry.id {
        Ok(Some(_)) => true,
        Ok(None) => word_of(&entry.body).is_some(),
        Err(_) => false,
    };
    if entries.is_empty() || !entries.iter().all(is_known) {
        return None;
    }
    let ids = entries.iter().filter_map(|entry| match &entry.id {
        Ok(Some(id)) => Some(id.value.as_str()),
        _ => word_of(&entry.body),
    });
    Some(ids.collect())
}

/// A part is one remote job: its first step creates or adopts it, and no other does.
pub(super) fn check_order(entries: &[StepEntry], problems: &mut Diagnostics) {
    let begins = |body: &StepBody| matches!(body, StepBody::Create { .. } | StepBody::Adopt(_));
    let Some(first) = entries.first() else { return };
    if let Some(word) = word_of(&first.body).filter(|_| !begins(&first.body)) {
        let message = format!("a part starts with `create` or `adopt`, not with `{word}`");
        problems.push(
            Diagnostic::error(Code::StepOrder, first.span, message)
                .help("put `- create: { prompt: ... }` before it"),
        );
    }
    let mut beginnings = entries.iter().filter(|entry| begins(&entry.body));
    let Some(first) = beginnings.next() else {
        return;
    };
    for other in beginnings {
        problems.push(
            Diagnostic::error(Code::StepOrder, other.span, "a part has one job")
                .see(first.span, "it begins here")
                .help("write an `iterate`, or another part"),
        );
    }
}

/// The ids of steps: what is written, else the kind. Only a step of an unknown kind has none.
pub(super) fn step_ids(entries: &[StepEntry], problems: &mut Diagnostics) -> Vec<Option<StepId>> {
    let mut known: BTreeMap<StepId, (Span, bool)> = BTreeMap::new();
    let mut ids = Vec::with_capacity(entries.len());
    for entry in entries {
        let kind = word_of(&entry.body);
        let kind_id = kind.and_then(|kind| StepId::new(kind).ok());
        let (text, span, is_written) = match (&entry.id, kind) {
            (Ok(Some(id)), _) => (id.value.as_str(), id.span, true),
            (Ok(None), Some(kind)) => (kind, entry.span, false),
            _ => {
                ids.push(kind_id);
                continue;
            }
        };
        match StepId::new(text) {
            Ok(id) => {
                if let Some(first) = known.insert(id.clone(), (span, is_written)) {
                    problems.push(second_step(text, (span, is_written), first));
                }
                ids.push(Some(id));
            }
            Err(error) => {
                problems.push(
                    Diagnostic::error(Code::BadId, span, error.to_string()).help("rename the step"),
                );
                ids.push(kind_id);
            }
        }
    }
    ids
}

/// A step with the id `text` of an earlier one; each with its place and whether its id is written there.
fn second_step(text: &str, second: (Span, bool), first: (Span, bool)) -> Diagnostic {
    let (code, message) = if second.1 || first.1 {
        let message = format!("two steps of this part have the id `{text}`");
        (Code::DuplicateStep, message)
    } else {
        let message = format!("a second `{text}` needs an id of its own");
        (Code::UnnamedStep, message)
    };
    Diagnostic::error(code, second.0, message)
        .see(first.0, format!("the first `{text}`"))
        .help(format!("give this step an id that is free: `id: {text}-2`"))
}
