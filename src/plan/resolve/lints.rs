//! What is allowed, but perhaps not meant.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use crate::manifest::shape::{Manifest, StepBody, StepEntry};
use crate::manifest::{Code, Diagnostic, Diagnostics, Spanned};
use crate::plan::family::Step;
use crate::plan::key::StepKey;

/// The most paragraphs of a prompt that nothing is said about.
const MAX_PARAGRAPHS: usize = 5;

/// Lints of the manifest as a whole; `used` are the variables that something uses, when they are known.
pub(super) fn manifest(
    manifest: &Manifest,
    used: Option<&BTreeSet<String>>,
    problems: &mut Diagnostics,
) {
    let name = manifest.name.span;
    if manifest.uid.is_none() {
        problems.push(
            Diagnostic::warning(Code::NoUid, name, "this manifest has no `uid`")
                .help("add `uid:` with eight random hexadecimal digits: it tells this family from another of its name"),
        );
    }
    if manifest.budget.is_none() {
        problems.push(
            Diagnostic::warning(Code::NoBudget, name, "this manifest has no `budget`")
                .help("without one, nothing but the balance bounds what a run may spend"),
        );
    }
    if let Some(used) = used {
        unused(manifest, used, problems);
    }
}

/// Variables of the manifest and of the environment that nothing uses. Others may use what is included.
fn unused(manifest: &Manifest, used: &BTreeSet<String>, problems: &mut Diagnostics) {
    let is_idle = |name: &Spanned<String>, known_as: &str| {
        name.span.source == manifest.span.source && !used.contains(known_as)
    };
    for var in &manifest.vars {
        let name = &var.name;
        if is_idle(name, &name.value) {
            let message = format!("nothing uses the variable `{}`", name.value);
            problems
                .push(Diagnostic::warning(Code::UnusedVar, name.span, message).help("remove it"));
        }
    }
    for env in &manifest.env {
        let name = &env.name;
        if is_idle(name, &format!("env.{}", name.value)) {
            let message = format!("nothing uses `env.{}`", name.value);
            problems.push(
                Diagnostic::warning(Code::UnusedEnv, name.span, message)
                    .help("remove it: a variable that is listed must be set"),
            );
        }
    }
}

/// Lints of prompts: each where it is written.
pub(super) fn prompts(entries: &[StepEntry], problems: &mut Diagnostics) {
    for entry in entries {
        let prompt = match &entry.body {
            StepBody::Create { prompt, .. } | StepBody::Iterate { prompt, .. } => prompt,
            StepBody::Review(review) => &review.prompt,
            _ => continue,
        };
        let Ok(prompt) = prompt else { continue };
        let paragraphs = paragraphs(&prompt.value);
        if paragraphs > MAX_PARAGRAPHS {
            let message = format!("this prompt has {paragraphs} paragraphs");
            problems.push(
                Diagnostic::warning(Code::LongWinded, prompt.span, message)
                    .help("prompts of a few sentences do better: say the rest in an `iterate`"),
            );
        }
    }
}

/// Stretches of lines between blank ones.
fn paragraphs(text: &str) -> usize {
    let blank = text.lines().map(|line| line.trim().is_empty());
    let mut last_was_blank = true;
    let starts = blank.filter(|is_blank| {
        let starts = last_was_blank && !is_blank;
        last_was_blank = *is_blank;
        starts
    });
    starts.count()
}

/// Parts that are made by the same writes.
pub(super) fn twins(manifest: &Manifest, draft: &Draft, problems: &mut Diagnostics) {
    let mut groups: BTreeMap<Vec<StepKey>, Vec<usize>> = BTreeMap::new();
    for (ix, part) in draft.parts.iter().enumerate() {
        let steps = &draft.steps[part.steps.start as usize..part.steps.end as usize];
        let writes = steps.iter().filter(|step| step.kind.is_write());
        // What is not known yet may turn out to differ.
        if let Some(keys) = writes.map(Step::key).collect() {
            groups.entry(keys).or_default().push(ix);
        }
    }
    for group in groups.values() {
        let [first, second, rest @ ..] = &group[..] else {
            continue;
        };
        let span = |ix: usize| manifest.parts[draft.origins[ix]].id_span();
        let others = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "`{}` and `{}`{others} are made in the same way, and each is paid for",
            draft.parts[*first].id, draft.parts[*second].id
        );
        let mut lint = Diagnostic::warning(Code::Twins, span(*second), message);
        if span(*first) != span(*second) {
            lint = lint.see(span(*first), "the same writes");
        }
        problems.push_first(lint.help("if they should differ, say so in their prompts"));
    }
}
