//! One entry of `parts` becomes its parts, with their steps and keys.

use std::collections::{BTreeMap, BTreeSet};

use super::family::{Bench, Draft};
use super::matrix::{Combination, expand};
use super::outputs::Publication;
use super::scope::Names;
use super::steps::{self, Rendered, StepPlan, Text};
use crate::manifest::shape::{PartEntry, Var};
use crate::manifest::{Code, Diagnostic, Span};
use crate::plan::content::StepKind;
use crate::plan::family::{Part, PartIx, Policy, Step, StepIx};
use crate::plan::ids::{PartId, StepId};
use crate::plan::key::StepKey;

/// Adds the parts of `entry`, the one at `origin`, to `draft`, and says which variables it uses.
pub(super) fn entry<'m>(
    entry: &'m PartEntry,
    origin: usize,
    vars: &'m [Var],
    draft: &mut Draft,
    bench: &mut Bench<'_>,
) -> BTreeSet<&'m str> {
    let axes = entry
        .matrix
        .as_ref()
        .map(|matrix| matrix.axes.as_slice())
        .unwrap_or_default();
    for axis in axes {
        if let Some(var) = vars.iter().find(|var| var.name.value == axis.name.value) {
            let message = format!("axis `{0}` hides the variable `{0}`", axis.name.value);
            bench.problems.push(
                Diagnostic::warning(Code::ShadowedVar, axis.name.span, message)
                    .see(var.name.span, "this one")
                    .help("rename one of them"),
            );
        }
    }
    let names = Names::new(vars, axes);
    let id = Text::parse(&entry.id, &names, false, bench);
    let plans = steps::parse(&entry.steps, &names, bench);
    let combinations = match &entry.matrix {
        Some(matrix) => expand(matrix, &mut bench.problems),
        None => vec![Vec::new()],
    };
    if let Some(id) = id {
        let tags: BTreeSet<&str> = entry.tags.iter().map(|tag| tag.value.as_str()).collect();
        let tags: Vec<String> = tags.into_iter().map(str::to_owned).collect();
        let shared = Shared {
            id: &id,
            plans: &plans,
            tags: &tags,
            origin,
        };
        for combination in &combinations {
            shared.add(&names, combination, draft, bench);
        }
    }
    names.into_used()
}

/// What the parts of an entry share.
struct Shared<'a, 'm> {
    id: &'a Text<'m>,
    plans: &'a [StepPlan<'m>],
    tags: &'a [String],
    origin: usize,
}

impl<'m> Shared<'_, 'm> {
    /// Adds the part of `combination`; `None` when something about its id was refused.
    fn add(
        &self,
        names: &Names<'m>,
        combination: &Combination<'m>,
        draft: &mut Draft,
        bench: &mut Bench<'_>,
    ) -> Option<()> {
        let scope = names.scope(combination);
        let text = self.id.render(&scope.context(), bench)?;
        let span = self.id.written.span;
        let id = match PartId::new(text.as_str()) {
            Ok(id) => id,
            Err(error) => {
                let message = format!("`{text}` is no id: {error}");
                return bench
                    .refuse(Diagnostic::error(Code::BadId, span, message).help("rename the part"));
            }
        };
        let context = scope.context_of(id.as_str());
        let ix = PartIx(u32::try_from(draft.parts.len()).ok()?);
        let first = u32::try_from(draft.steps.len()).ok()?;
        let mut chain = Chain::default();
        for plan in self.plans {
            match plan.render(&id, &context, bench) {
                Some(Rendered::Skipped) => chain.skipped.push((plan.id.clone(), plan.kind())),
                Some(Rendered::Wanted(content, policy)) => {
                    let key = StepKey::new(&content, chain.parent.map(|(_, key)| key));
                    chain.refuse_twice(plan, key, bench);
                    if let Policy::PublishAs(stem) = &policy {
                        draft.publications.push(Publication {
                            step: format!("{id}/{}", plan.id),
                            stem: stem.clone(),
                            span: plan.target_span(),
                        });
                    }
                    let step = StepIx(u32::try_from(draft.steps.len()).ok()?);
                    draft.steps.push(Step {
                        part: ix,
                        id: plan.id.clone(),
                        content,
                        key,
                        write: chain.parent.map(|(step, _)| step),
                        policy,
                    });
                    if plan.kind().is_write() {
                        chain.parent = Some((step, key));
                    }
                }
                None => {}
            }
        }
        draft.origins.push(self.origin);
        draft.parts.push(Part {
            id,
            tags: self.tags.to_vec(),
            needs: Vec::new(),
            steps: first..u32::try_from(draft.steps.len()).ok()?,
            skipped: chain.skipped,
        });
        Some(())
    }
}

/// What the next step of a part hangs on.
#[derive(Default)]
struct Chain {
    parent: Option<(StepIx, StepKey)>,
    skipped: Vec<(StepId, StepKind)>,
    asked: BTreeMap<StepKey, Span>,
}

impl Chain {
    /// A question asked twice has one answer and would be paid for twice.
    fn refuse_twice(&mut self, plan: &StepPlan<'_>, key: StepKey, bench: &mut Bench<'_>) {
        if !matches!(plan.kind(), StepKind::Check | StepKind::Review) {
            return;
        }
        if let Some(first) = self.asked.insert(key, plan.span) {
            let message = format!("this {} asks what another one asked already", plan.kind());
            bench.problems.push_first(
                Diagnostic::error(Code::DuplicateKey, plan.span, message)
                    .see(first, "the same, about the same revision")
                    .help("remove one of the two"),
            );
        }
    }
}
