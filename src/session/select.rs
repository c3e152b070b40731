//! Which parts a command is about: how they stand, and the plan for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::actions::Plan;
use crate::plan::family::{Family, PartIx};
use crate::plan::ids::PartId;
use crate::plan::key::StepKey;
use crate::plan::selection::{SelectionError, States, Wish};
use crate::run::event::{Event, Record};
use crate::run::history::History;
use crate::run::progress::Run;

/// A part in the last run that it was in.
struct Last {
    keys: Vec<Option<StepKey>>,
    is_good: bool,
}

impl Last {
    /// Whether its steps were these, as far as their keys are known before a run.
    fn is_like(&self, keys: impl Iterator<Item = Option<StepKey>>) -> bool {
        let keys: Vec<Option<StepKey>> = keys.collect();
        let mut both = self.keys.iter().zip(&keys);
        self.keys.len() == keys.len() && both.all(|(last, now)| now.is_none() || last == now)
    }
}

/// How the parts of `family` stand after `records`.
#[must_use]
pub fn states(family: &Family, records: &[Record]) -> States {
    let mut last = BTreeMap::new();
    let mut history = History::default();
    for record in records {
        if let (Event::RunStarted { .. }, Some(run)) = (&record.event, &history.run) {
            note(run, &mut last);
        }
        history.apply(record);
    }
    if let Some(run) = &history.run {
        note(run, &mut last);
    }
    let mut states = States {
        failed: last
            .iter()
            .filter(|(_, last)| !last.is_good)
            .map(|(id, _)| id.clone())
            .collect(),
        ..States::default()
    };
    for ix in family.part_indices() {
        let id = &family.part(ix).id;
        let keys = family.steps_of(ix).map(|step| family.step(step).key());
        match last.get(id) {
            None => states.new.insert(id.clone()),
            Some(last) if !last.is_like(keys) => states.changed.insert(id.clone()),
            Some(_) => false,
        };
    }
    states
}

fn note(run: &Run, last: &mut BTreeMap<PartId, Last>) {
    for (ix, part) in (0u32..).map(PartIx).zip(&run.sheet.parts) {
        let seen = Last {
            keys: part.steps.iter().map(|step| step.key).collect(),
            is_good: run.part_outcome(ix).is_good(),
        };
        last.insert(part.id.clone(), seen);
    }
}

/// The parts of `family` that `wish` selects, as they stand after `records`.
///
/// # Errors
/// When it can't be understood or names nothing that is there.
pub fn selected(
    family: &Family,
    wish: &Wish,
    records: &[Record],
) -> Result<Vec<PartIx>, SelectionError> {
    let states = if wish.asks_for_states()? {
        states(family, records)
    } else {
        States::default()
    };
    wish.parts(family, &states)
}

/// The plan for what `wish` selects of `family`. Which job a part has is the same as in the plan for all of them.
///
/// # Errors
/// When the selection can't be understood.
pub(super) fn plan(
    family: Family,
    wish: &Wish,
    history: &History,
    records: &[Record],
    missing: &BTreeSet<String>,
    anew: &BTreeSet<PartId>,
) -> Result<Plan, SelectionError> {
    let parts = match wish.is_everything() {
        true => None,
        false => Some(selected(&family, wish, records)?),
    };
    let whole = Plan::making_anew(family, &history.memory, missing, anew);
    Ok(match parts {
        None => whole,
        Some(parts) => whole.of_selected(&parts, &history.memory, missing),
    })
}
