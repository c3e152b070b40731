//! One entry of `parts` becomes its parts, with their steps and keys.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Bench, Draft, IdPattern, Publication};
use super::own::Own;
use super::part_reads::PartRead;
use super::reads::Sees;
use super::scope::{Names, Scope};
use super::steps::{self, Rendered, StepPlan, Wanted};
use super::text::Text;
use super::variants::{self, RowOf};
use crate::manifest::shape::{Manifest, Var};
use crate::manifest::{Code, Diagnostic, Span, Spanned};
use crate::plan::content::StepKind;
use crate::plan::dynamic::{Body, Dynamic};
use crate::plan::family::{Ask, Part, PartIx, Policy, Step, StepIx};
use crate::plan::ids::{PartId, StepId};
use crate::plan::key::StepKey;

/// Adds the parts of the entry at `origin` to `draft`. When they are too many (`fits` is false), the entry is looked at,
/// and none is made.
pub(super) fn entry(
    manifest: &Manifest,
    origin: usize,
    fits: bool,
    draft: &mut Draft,
    bench: &mut Bench<'_>,
) {
    let entry = &manifest.parts[origin];
    let variants = variants::of(entry, fits, &mut bench.problems);
    report_shadowed(&manifest.vars, &variants.names, bench);
    let has_others = manifest.has_other_vars || variants.has_other_names;
    let names = Names::new(manifest, &variants.names, has_others);
    let id = entry.id.as_ref().ok();
    let tags: BTreeSet<&str> = entry.tags.iter().map(|tag| tag.value.as_str()).collect();
    let shared = Shared {
        id: id.and_then(|id| Text::parse(id, &names, Sees::Nothing, bench)),
        pattern: id.map_or_else(IdPattern::default, |id| IdPattern::of(&id.value)),
        plans: steps::parse(&entry.steps, &names, bench),
        tags: tags.into_iter().map(str::to_owned).collect(),
        origin,
    };
    let key_column = shared.id.as_ref().and_then(|id| {
        let mut names = variants.names.iter();
        names.position(|name| id.uses().has(&name.value))
    });
    for (row, combination) in variants.expansion.combinations.iter().enumerate() {
        let table = variants.table.clone();
        bench.row = table.map(|table| RowOf { table, row });
        let scope = names.scope(combination);
        let id = shared.id_in(&scope, bench);
        if let (Some(row), Ok(_)) = (&bench.row, &id)
            && let Some(cell) = row.cells(key_column.or(Some(0))).next()
        {
            draft.key_cells.insert(draft.parts.len(), cell);
        }
        shared.add(scope, id, draft, bench);
    }
    bench.row = None;
    if variants.expansion.has_others {
        // One for all that nobody knows: what doesn't depend on the combination can be wrong in each.
        let scope = names.scope(&vec![None; variants.names.len()]);
        shared.add(scope, Err(shared.pattern.clone()), draft, bench);
    }
    draft.used.extend(names.into_used());
    report_unreachable(&shared, origin, draft, bench);
}

/// Reports steps that no part of the entry at `origin` has.
fn report_unreachable(shared: &Shared<'_>, origin: usize, draft: &Draft, bench: &mut Bench<'_>) {
    let first = draft.origins.partition_point(|known| *known < origin);
    let parts = &draft.parts[first..];
    if parts.is_empty() {
        return;
    }
    for plan in shared.plans.iter().flatten() {
        let is_skipped = |part: &Part| part.skipped.iter().any(|(id, _)| *id == plan.id);
        if let Some(when) = plan.condition_span()
            && parts.iter().all(is_skipped)
        {
            let message = format!("no part has the step `{}`: this is false for each", plan.id);
            bench.problems.push(
                Diagnostic::warning(Code::UnreachableStep, when, message)
                    .help("correct the condition, or remove the step"),
            );
        }
    }
}

fn report_shadowed(vars: &[Var], names: &[&Spanned<String>], bench: &mut Bench<'_>) {
    for name in names {
        if let Some(var) = vars.iter().find(|var| var.name.value == name.value) {
            let message = format!("axis `{0}` hides the variable `{0}`", name.value);
            bench.problems.push(
                Diagnostic::warning(Code::ShadowedVar, name.span, message)
                    .see(var.name.span, "this one")
                    .help("rename one of them"),
            );
        }
    }
}

/// What the parts of an entry share.
struct Shared<'m> {
    id: Option<Text<'m>>,
    /// What is known of an id that can't be worked out.
    pattern: IdPattern,
    /// Its steps; nothing in the place of one of an unknown kind.
    plans: Vec<Option<StepPlan<'m>>>,
    tags: Vec<String>,
    origin: usize,
}

impl Shared<'_> {
    /// The id of the part of `scope`; reports what is wrong with it.
    fn id_in(&self, scope: &Scope, bench: &mut Bench<'_>) -> Result<PartId, IdPattern> {
        let unknown = || self.pattern.clone();
        let template = self.id.as_ref().ok_or_else(unknown)?;
        let text = template
            .render(&scope.context(), bench)
            .ok_or_else(unknown)?;
        PartId::new(text.as_str()).map_err(|error| {
            let message = format!("`{text}` is no id: {error}");
            let problem = Diagnostic::error(Code::BadId, template.written.span, message);
            bench.refuse::<()>(template.uses(), problem.help("rename the part"));
            // Any of its characters can change.
            IdPattern::default()
        })
    }

    /// Adds the part of `scope`. Without an id it is no part, but its steps are looked at.
    fn add(
        &self,
        scope: Scope,
        id: Result<PartId, IdPattern>,
        draft: &mut Draft,
        bench: &mut Bench<'_>,
    ) {
        let context = scope.context_of(id.as_ref().ok());
        let (steps, publications) = (draft.steps.len(), draft.publications.len());
        let mut chain = Chain::default();
        for plan in &self.plans {
            let Some(plan) = plan else {
                chain.interrupt();
                continue;
            };
            let own = Own {
                part: id.as_ref().ok(),
                before: &chain.before,
                skipped: &chain.skipped,
            };
            match plan.render(id.as_ref().ok(), &context, own, bench) {
                Some(Rendered::Skipped) => chain.skipped.push((plan.id.clone(), plan.kind)),
                Some(Rendered::Wanted(wanted, policy)) => {
                    let step = StepIx(index(draft.steps.len()));
                    chain.add(plan, wanted, policy, draft, bench);
                    let reads = bench.part_reads.drain(..);
                    let reads = reads.map(|(path, span)| PartRead { step, path, span });
                    draft.part_reads.extend(reads);
                    chain.before.push((plan.id.clone(), plan.kind));
                }
                None if plan.kind.is_write() => chain.interrupt(),
                None => {}
            }
            bench.part_reads.clear();
        }
        match id {
            Ok(id) => {
                draft.origins.push(self.origin);
                draft.parts.push(Part {
                    id,
                    tags: self.tags.clone(),
                    needs: Vec::new(),
                    steps: index(steps)..index(draft.steps.len()),
                    skipped: chain.skipped,
                });
            }
            Err(pattern) => {
                draft.key_cells.remove(&draft.parts.len());
                draft.steps.truncate(steps);
                draft
                    .part_reads
                    .retain(|read| (read.step.0 as usize) < steps);
                draft.publications.truncate(publications);
                draft.unknown_ids.insert(pattern);
            }
        }
    }
}

/// What the next step of a part hangs on.
#[derive(Default)]
struct Chain {
    /// The write before it, and its key where that is known.
    parent: Option<(StepIx, Option<StepKey>)>,
    before: Vec<(StepId, StepKind)>,
    skipped: Vec<(StepId, StepKind)>,
    asked: BTreeMap<StepKey, Span>,
}

impl Chain {
    /// Adds the step of `plan`.
    fn add(
        &mut self,
        plan: &StepPlan<'_>,
        wanted: Wanted,
        policy: Policy,
        draft: &mut Draft,
        bench: &mut Bench<'_>,
    ) {
        let ask = self.ask(wanted);
        if let Ask::Known { key, .. } = &ask {
            self.refuse_twice(plan, *key, bench);
        }
        if let Policy::PublishAs(stem) = &policy {
            draft.publications.push(Publication {
                part: PartIx(index(draft.parts.len())),
                step: plan.id.clone(),
                stem: stem.clone(),
                span: plan.target_span(),
            });
        }
        let step = StepIx(index(draft.steps.len()));
        draft.steps.push(Step {
            part: PartIx(index(draft.parts.len())),
            id: plan.id.clone(),
            kind: plan.kind,
            needs: Vec::new(),
            write: self.parent.map(|(step, _)| step),
            policy,
            ask,
        });
        if plan.kind.is_write() {
            self.parent = Some((step, draft.steps[step.0 as usize].key()));
        }
    }

    /// What a step asks for: it has a key when the write before it has one.
    fn ask(&self, wanted: Wanted) -> Ask {
        match (wanted, self.parent) {
            (Wanted::Known(content), Some((_, None))) => Ask::Dynamic(Box::new(Dynamic {
                when: None,
                body: Body::Known(content),
            })),
            (Wanted::Known(content), parent) => Ask::Known {
                key: StepKey::new(&content, parent.and_then(|(_, key)| key)),
                content,
            },
            (Wanted::Later(dynamic), _) => Ask::Dynamic(dynamic),
        }
    }

    /// Goes on behind a write that is not known: what follows is about another revision.
    fn interrupt(&mut self) {
        self.asked.clear();
    }

    /// A question asked twice has one answer and would be paid for twice.
    fn refuse_twice(&mut self, plan: &StepPlan<'_>, key: StepKey, bench: &mut Bench<'_>) {
        let is_question = matches!(
            plan.kind,
            StepKind::Check | StepKind::Review | StepKind::Approve
        );
        if !is_question || !plan.is_whole {
            return;
        }
        if let Some(first) = self.asked.insert(key, plan.span) {
            let message = format!("this {} asks what another one asked already", plan.kind);
            bench.problems.push_first(
                Diagnostic::error(Code::DuplicateKey, plan.span, message)
                    .see(first, "the same, about the same revision")
                    .help("remove one of the two"),
            );
        }
    }
}

/// Memory ends before the indices do.
fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
