//! Some parts of a family, and the plan for these alone.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Action, Blocker, Reason};
use super::actions::{Plan, block_what_follows};
use super::family::{Family, PartIx, Step, StepIx};
use super::ids::PartId;
use super::memory::Memory;
use super::timing::Timing;

impl Family {
    /// The family of the parts with these ids alone, in this order; `None` when one of them is not there.
    #[must_use]
    pub fn of_ids<'a>(&self, ids: impl IntoIterator<Item = &'a PartId>) -> Option<Self> {
        let places = self.part_indices().map(|ix| (&self.part(ix).id, ix));
        let places: BTreeMap<&PartId, PartIx> = places.collect();
        let parts: Option<Vec<PartIx>> =
            ids.into_iter().map(|id| places.get(id).copied()).collect();
        Some(self.of_parts(&parts?))
    }

    /// The family of these `parts` alone, in this order. Needs of others are dropped.
    #[must_use]
    pub fn of_parts(&self, parts: &[PartIx]) -> Self {
        let places: BTreeMap<PartIx, PartIx> =
            parts.iter().copied().zip((0..).map(PartIx)).collect();
        let mut family = Self {
            salt: self.salt.clone(),
            description: self.description.clone(),
            settings: self.settings.clone(),
            parts: Vec::with_capacity(parts.len()),
            steps: Vec::new(),
            images: self.images.clone(),
        };
        let mut first_of: BTreeMap<PartIx, u32> = BTreeMap::new();
        let mut next = 0;
        for old in parts {
            first_of.insert(*old, next);
            next += u32::try_from(self.part(*old).steps.len()).unwrap_or(u32::MAX);
        }
        let moved = |ix: &StepIx| {
            let part = self.step(*ix).part;
            let first = first_of.get(&part)?;
            Some(StepIx(ix.0 - self.part(part).steps.start + first))
        };
        for (old, new) in parts.iter().map(|old| (*old, places[old])) {
            let mut part = self.part(old).clone();
            let (old_first, first) = (part.steps.start, first_of[&old]);
            for ix in self.steps_of(old) {
                let step = self.step(ix);
                let mut needs: Vec<StepIx> = step.needs.iter().filter_map(moved).collect();
                needs.sort_unstable();
                family.steps.push(Step {
                    part: new,
                    needs,
                    write: step.write.as_ref().and_then(moved),
                    ..step.clone()
                });
            }
            part.steps = first..first + (part.steps.end - old_first);
            part.needs = part
                .needs
                .iter()
                .filter_map(|need| places.get(need).copied())
                .collect();
            family.parts.push(part);
        }
        family
    }
}

impl Plan {
    /// The plan for `selected` parts alone, and for what they need that is done: it is there, and nothing of it runs. A part
    /// that needs another one that is neither selected nor done is blocked.
    #[must_use]
    pub fn of_selected(
        &self,
        selected: &[PartIx],
        memory: &Memory,
        missing: &BTreeSet<String>,
    ) -> Self {
        let chosen: BTreeSet<PartIx> = selected.iter().copied().collect();
        let (mut parts, mut unmet) = (chosen.clone(), BTreeMap::new());
        for part in &chosen {
            for need in self
                .family
                .part(*part)
                .needs
                .iter()
                .filter(|need| !chosen.contains(need))
            {
                if self.is_done(*need) {
                    parts.insert(*need);
                } else {
                    unmet.entry(*part).or_insert(*need);
                }
            }
        }
        let unmet_steps = self.unmet_steps(&chosen);
        let parts: Vec<PartIx> = parts.into_iter().collect();
        let lineages = parts.iter().map(|part| self.lineage(*part)).collect();
        let old_retired = (0u32..).map(PartIx).zip(&parts);
        let retired = old_retired.filter_map(|(new, old)| Some((new, self.retires(*old)?)));
        let (family, retired) = (self.family.of_parts(&parts), retired.collect());
        let mut plan = Self::with(family, lineages, retired, memory, missing);
        plan.orphans.clone_from(&self.orphans);
        for (part, old) in plan.family.part_indices().zip(parts) {
            if let Some(need) = unmet.get(&old) {
                let blocker = Blocker::Unselected {
                    part: self.family.part(old).id.clone(),
                    needs: self.family.part(*need).id.clone(),
                };
                plan.block(part, &blocker);
            }
            for ix in self.family.steps_of(old) {
                if let Some(need) = unmet_steps.get(&ix) {
                    let first = self.family.part(old).steps.start;
                    let ix = StepIx(ix.0 - first + plan.family.part(part).steps.start);
                    let blocker = Blocker::Unselected {
                        part: self.family.part(old).id.clone(),
                        needs: self.family.part(*need).id.clone(),
                    };
                    plan.block_step(ix, &blocker);
                }
            }
        }
        block_what_follows(&plan.family, &mut plan.actions);
        plan.timing = Timing::new(&plan.family, &plan.actions);
        plan
    }

    /// Whether nothing of `part` is left to do.
    fn is_done(&self, part: PartIx) -> bool {
        self.family
            .steps_of(part)
            .all(|ix| self.action(ix).is_done())
    }

    /// The steps of `chosen` parts that need steps of others which are not done, each with one of those parts.
    fn unmet_steps(&self, chosen: &BTreeSet<PartIx>) -> BTreeMap<StepIx, PartIx> {
        let mut unmet = BTreeMap::new();
        for ix in chosen.iter().flat_map(|part| self.family.steps_of(*part)) {
            for need in &self.family.step(ix).needs {
                let part = self.family.step(*need).part;
                if !chosen.contains(&part) && !self.action(*need).is_done() {
                    unmet.insert(ix, part);
                }
            }
        }
        unmet
    }

    /// The step at `ix` is blocked, unless it was begun.
    fn block_step(&mut self, ix: StepIx, blocker: &Blocker) {
        let continues = matches!(self.action(ix), Action::Run(Reason::Continues { .. }));
        let is_new = self.action(ix).runs() && !continues;
        if is_new {
            self.actions[ix.0 as usize] = Action::Blocked(blocker.clone());
        }
    }

    /// The first step of `part` that was not begun is blocked.
    fn block(&mut self, part: PartIx, blocker: &Blocker) {
        let is_begun = |action: &Action| {
            matches!(
                action,
                Action::Reuse | Action::Run(Reason::Continues { .. })
            )
        };
        let first = self
            .family
            .steps_of(part)
            .find(|ix| !is_begun(self.action(*ix)));
        if let Some(ix) = first
            && self.action(ix).runs()
        {
            self.actions[ix.0 as usize] = Action::Blocked(blocker.clone());
        }
    }
}
