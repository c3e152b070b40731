//! Dynamic steps whose results are there already are worked out while planning: what comes out as before is reused.

use std::collections::{BTreeMap, BTreeSet};

use super::action::Action;
use super::actions::Plan;
use super::content::StepKind;
use super::dynamic::{Asked, Facts, Upstream};
use super::family::{Ask, Family, StepIx};
use super::ids::StepRef;
use super::key::StepKey;
use super::memory::Memory;
use super::send::SendState;

/// The family of `plan` with every dynamic step worked out that can be by now; nothing when none can.
#[must_use]
pub fn settled(plan: &Plan, memory: &Memory) -> Option<Family> {
    let family = &plan.family;
    let is_open = |ix: &StepIx| matches!(family.step(*ix).ask, Ask::Dynamic(_));
    let open: Vec<StepIx> = family.step_indices().filter(is_open).collect();
    if open.is_empty() {
        return None;
    }
    let results = Results::new(plan, memory, &open);
    let mut settled = family.clone();
    let mut changed = false;
    for ix in open {
        // Of the settled family: a step before it may have been worked out just now.
        let step = settled.step(ix);
        let Ask::Dynamic(dynamic) = &step.ask else {
            continue;
        };
        if settled.is_without_job(ix) {
            settled.skip(ix);
            changed = true;
            continue;
        }
        let Some(parent) = parent(&settled, ix) else {
            continue;
        };
        match dynamic.ask(step.kind, |step| results.of(step)) {
            Ok(Some(Asked::Skipped)) => settled.skip(ix),
            Ok(Some(Asked::For(content))) => {
                let key = StepKey::new(&content, parent);
                settled.know(ix, content, key);
            }
            // What is wrong with it is said when it is due: what it reads may be another by then.
            Ok(None) | Err(_) => continue,
        }
        changed = true;
    }
    changed.then_some(settled)
}

/// The key of the write before the step at `ix`; `None` when that is not known yet.
fn parent(family: &Family, ix: StepIx) -> Option<Option<StepKey>> {
    match family.step(ix).write {
        None => Some(None),
        Some(write) => family.step(write).key().map(Some),
    }
}

/// What the steps left behind that are read.
struct Results<'a> {
    plan: &'a Plan,
    memory: &'a Memory,
    places: BTreeMap<&'a StepRef, StepIx>,
}

impl<'a> Results<'a> {
    fn new(plan: &'a Plan, memory: &'a Memory, open: &[StepIx]) -> Self {
        let family = &plan.family;
        let mut wanted: BTreeSet<&StepRef> = BTreeSet::new();
        for ix in open {
            if let Ask::Dynamic(dynamic) = &family.step(*ix).ask {
                wanted.extend(dynamic.reads().flat_map(|read| &read.of));
            }
        }
        let mut places = BTreeMap::new();
        if !wanted.is_empty() {
            for ix in family.step_indices() {
                if let Some(step) = wanted.get(&family.step_ref(ix)) {
                    places.insert(*step, ix);
                }
            }
        }
        Self {
            plan,
            memory,
            places,
        }
    }

    fn of(&self, step: &StepRef) -> Upstream<'a> {
        let Some(ix) = self.places.get(step).copied() else {
            return Upstream::Pending;
        };
        match self.plan.action(ix) {
            Action::Skip => Upstream::Skipped,
            Action::Reuse => self.facts(ix).map_or(Upstream::Pending, Upstream::Done),
            Action::Run(_) | Action::Recreate(_) | Action::Blocked(_) => Upstream::Pending,
        }
    }

    fn facts(&self, ix: StepIx) -> Option<Facts<'a>> {
        let step = self.plan.family.step(ix);
        let write = if step.kind.is_write() {
            Some(ix)
        } else {
            step.write
        };
        let result = write
            .and_then(|write| self.plan.send_id(write))
            .and_then(|write| self.memory.write_result(&write));
        let send = self.plan.send_id(ix)?;
        let review = match (step.kind, self.memory.find(&send).map(|send| &send.state)) {
            (StepKind::Review, Some(SendState::Reviewed(review))) => Some(review),
            _ => None,
        };
        let lineage = self.memory.lineages.get(&send.lineage);
        Some(Facts {
            job: lineage.and_then(|lineage| lineage.job.as_ref()),
            write: result,
            review,
        })
    }
}
