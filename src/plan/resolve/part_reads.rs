//! Results of other parts that texts read: each part is there and needed, and has what is read of it.

use std::collections::BTreeMap;

use super::draft::{Draft, IdPattern};
use crate::manifest::{Code, Diagnostic, Diagnostics, Span, did_you_mean};
use crate::plan::dynamic::{Body, Dynamic, ReadPath};
use crate::plan::family::{Ask, Part, PartIx, Step, StepIx};
use crate::plan::ids::StepRef;

/// One result of another part that a step reads.
pub(super) struct PartRead {
    /// The step that reads it.
    pub(super) step: StepIx,
    /// How it is called there.
    pub(super) path: ReadPath,
    /// Where it stands.
    pub(super) span: Span,
}

/// Finds the steps that have what is read of other parts.
pub(super) fn link(
    draft: &mut Draft,
    by_id: &BTreeMap<String, Option<PartIx>>,
    problems: &mut Diagnostics,
) {
    for read in std::mem::take(&mut draft.part_reads) {
        match find(draft, by_id, &read) {
            Ok(found) => fill_in(&mut draft.steps[read.step.0 as usize], &read.path, &found),
            Err(Some(problem)) => problems.push_first(*problem),
            Err(None) => {}
        }
    }
}

/// The steps that may have it. The error is nothing when it can't be said.
fn find(
    draft: &Draft,
    by_id: &BTreeMap<String, Option<PartIx>>,
    read: &PartRead,
) -> Result<Vec<StepRef>, Option<Box<Diagnostic>>> {
    let id = read.path.part.as_deref().unwrap_or_default();
    let problem = |code, message: String| Diagnostic::error(code, read.span, message);
    let Some(found) = by_id.get(id) else {
        let may_be = |unknown: &IdPattern| unknown.may_be(id, false);
        if draft.unknown_ids.iter().any(may_be) {
            return Err(None);
        }
        let message = format!("there is no part `{id}`");
        let meant = did_you_mean(id, by_id.keys().map(String::as_str));
        return refused(problem(Code::UnknownPart, message).help_if(meant));
    };
    let part_ix = found.ok_or(None)?;
    let part = &draft.parts[part_ix.0 as usize];
    let steps = &draft.steps[part.steps.start as usize..part.steps.end as usize];
    if !is_there(draft, part_ix, read).ok_or(None)? {
        let reader = draft.steps[read.step.0 as usize].part;
        let reader = &draft.parts.get(reader.0 as usize).ok_or(None)?.id;
        let message = format!("`{reader}` does not need `{id}`, whose results it reads");
        let problem = problem(Code::UndefinedName, message);
        return refused(problem.help(format!("add it: `needs: [{id}]`")));
    }
    let has_field = |step: &&Step| read.path.field.is_of(step.kind);
    let name = |step: &Step| StepRef {
        part: part.id.clone(),
        step: step.id.clone(),
    };
    let found: Vec<StepRef> = match &read.path.step {
        None => steps.iter().rev().filter(has_field).map(name).collect(),
        Some(id) => {
            let step = steps.iter().find(|step| step.id.as_str() == id);
            let step = step.ok_or_else(|| Some(Box::new(no_step(part, steps, id, read.span))))?;
            Some(step).filter(has_field).map(name).into_iter().collect()
        }
    };
    if found.is_empty() {
        let message = format!("`{}` is nothing that the part has", read.path);
        return refused(problem(Code::UndefinedName, message));
    }
    Ok(found)
}

/// Whether what is read is there when the step is: its part needs the other one, or this step or one before it needs a step
/// of it that is not before the one that is read. Nothing when the reader is no part.
fn is_there(draft: &Draft, part: PartIx, read: &PartRead) -> Option<bool> {
    let owner = draft.steps[read.step.0 as usize].part;
    let owner = draft.parts.get(owner.0 as usize)?;
    if owner.needs.contains(&part) {
        return Some(true);
    }
    let Some(wanted) = &read.path.step else {
        return Some(false);
    };
    let until_reader = &draft.steps[owner.steps.start as usize..=read.step.0 as usize];
    let needs = until_reader.iter().flat_map(|step| &step.needs);
    let of_part = needs.filter(|need| draft.steps[need.0 as usize].part == part);
    let Some(last) = of_part.map(|need| need.0).max() else {
        return Some(false);
    };
    let first = draft.parts[part.0 as usize].steps.start;
    let mut ended = draft.steps[first as usize..=last as usize].iter();
    let has_ended = ended.any(|step| step.id.as_str() == wanted);
    let mut all = draft.steps[first as usize..].iter();
    // One that the part doesn't have is told of below.
    let is_known = all.any(|step| step.part == part && step.id.as_str() == wanted);
    Some(has_ended || !is_known)
}

fn refused<T>(problem: Diagnostic) -> Result<T, Option<Box<Diagnostic>>> {
    Err(Some(Box::new(problem)))
}

fn no_step(part: &Part, steps: &[Step], id: &str, span: Span) -> Diagnostic {
    let problem = |message: String| Diagnostic::error(Code::UndefinedName, span, message);
    let part_id = &part.id;
    if part
        .skipped
        .iter()
        .any(|(skipped, _)| skipped.as_str() == id)
    {
        return problem(format!(
            "`{part_id}` has no step `{id}`: its condition is false"
        ));
    }
    let known = steps.iter().map(|step| step.id.as_str());
    problem(format!("`{part_id}` has no step `{id}`")).help_if(did_you_mean(id, known))
}

fn fill_in(step: &mut Step, path: &ReadPath, found: &[StepRef]) {
    let Ask::Dynamic(dynamic) = &mut step.ask else {
        return;
    };
    let Dynamic { when, body } = &mut **dynamic;
    let text = match body {
        Body::Prompt { text, .. } => Some(text),
        Body::Known(_) => None,
    };
    for formula in when.iter_mut().chain(text) {
        for read in formula.reads.iter_mut().filter(|read| read.path == *path) {
            read.of = found.to_vec();
        }
    }
}
