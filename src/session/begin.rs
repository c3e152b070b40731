//! Whether a run is a new one or goes on with the last: product rules, no IO.

use std::collections::BTreeSet;

use super::select;
use crate::execute::engine::Begin;
use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::{Ask, Family, StepIx};
use crate::plan::ids::{PartId, StepRef};
use crate::plan::selection::{SelectionError, Wish};
use crate::run::event::{Event, Record, Resolution};
use crate::run::history::History;
use crate::run::outcome::Outcome;
use crate::run::progress::Run;
use crate::run::sheet::{Heading, Sheet, Start};
use crate::teeth::{Bug, bites};

/// Plans `family` after `records`. An unfinished run of the same plan goes on; `reopen` lets a finished one go on too.
/// Anything else is a new run, and closes the one before it.
///
/// # Errors
/// None: everything is selected.
pub fn begin(
    family: Family,
    records: &[Record],
    missing: &BTreeSet<String>,
    heading: &Heading,
    reopen: bool,
) -> Result<(Plan, History, Begin), SelectionError> {
    let (everything, nothing) = (Wish::default(), BTreeSet::new());
    begin_selected(
        family,
        &everything,
        records,
        missing,
        heading,
        reopen,
        &nothing,
    )
}

/// The same for what `wish` selects, with the parts of `anew` made anew on purpose. A run that goes on keeps its parts: how
/// they stand has changed since it began; and it makes nothing anew a second time. One that is opened again keeps its
/// selection.
///
/// # Errors
/// When the selection can't be understood.
pub fn begin_selected(
    family: Family,
    wish: &Wish,
    records: &[Record],
    missing: &BTreeSet<String>,
    heading: &Heading,
    reopen: bool,
    anew: &BTreeSet<PartId>,
) -> Result<(Plan, History, Begin), SelectionError> {
    let history = History::of(records);
    let may_go_on = |run: &&Run| {
        let is_open = reopen || !(run.is_finished() || bites(Bug::ForgetUnfinishedRun));
        is_open && anew.iter().all(|part| makes_anew(run, part))
    };
    if let Some(run) = history.run.as_ref().filter(may_go_on)
        && let Some(plan) = same_plan(&family, wish, run, &history, missing, reopen)
    {
        let again = downloads_to_repeat(&plan, run);
        let output = heading.output.clone();
        return Ok((plan, history, Begin::Resume { again, output }));
    }
    let plan = select::plan(family, wish, &history, records, missing, anew)?;
    let sheet = Sheet {
        selection: wish.clone(),
        ..Sheet::new(&plan, heading)
    };
    let settled = settled(&plan);
    let sheet = Box::new(sheet);
    Ok((plan, history, Begin::Start { sheet, settled }))
}

/// Whether `run` set out to make `part` on a job that was not there before.
fn makes_anew(run: &Run, part: &PartId) -> bool {
    let mut parts = run.sheet.parts.iter();
    let part = parts.find(|known| known.id == *part);
    part.is_some_and(|part| {
        let create = part.steps.first().map(|step| &step.start);
        part.retires.is_some() || create == Some(&Start::Run)
    })
}

/// The plan of `run`, when `family` and `wish` still say the same.
fn same_plan(
    family: &Family,
    wish: &Wish,
    run: &Run,
    history: &History,
    missing: &BTreeSet<String>,
    reopen: bool,
) -> Option<Plan> {
    if !reopen && *wish != run.sheet.selection {
        return None;
    }
    let parts = &run.sheet.parts;
    if run.sheet.selection.is_everything() && parts.len() != family.parts.len() {
        return None;
    }
    let family = family
        .of_ids(parts.iter().map(|part| &part.id))
        .filter(|family| family.digest() == run.sheet.plan)?;
    let family = recall(family, run);
    let lineages = parts.iter().map(|part| part.lineage).collect();
    Some(Plan::of_jobs(family, lineages, &history.memory, missing))
}

/// The family of a run that goes on, with what its dynamic steps turned out to be.
fn recall(mut family: Family, run: &Run) -> Family {
    for ix in family.step_indices() {
        if matches!(family.step(ix).ask, Ask::Dynamic(_)) {
            if run.outcome(ix) == Outcome::Skipped {
                family.skip(ix);
            } else if let (Some(content), Some(send)) = (run.resolved.get(&ix), run.send_id(ix)) {
                family.know(ix, content.clone(), send.key);
            }
        }
    }
    family
}

/// What is recorded of the dynamic steps of `plan` that are known already.
fn settled(plan: &Plan) -> Vec<Event> {
    let settled = plan.family.step_indices().filter_map(|ix| {
        let resolution = match &plan.family.step(ix).ask {
            Ask::Resolved { content, .. } => Resolution::Asks {
                send: plan.send_id(ix)?,
                content: content.clone(),
            },
            Ask::Skipped => Resolution::Skipped {},
            Ask::Known { .. } | Ask::Dynamic(_) => return None,
        };
        let step = plan.family.step_ref(ix);
        Some(Event::Resolved { step, resolution })
    });
    settled.collect()
}

/// Downloads that were done, and whose files are no longer there or belong elsewhere by now.
fn downloads_to_repeat(plan: &Plan, run: &Run) -> Vec<StepRef> {
    let is_undone = |ix: &StepIx| {
        plan.family.step(*ix).kind == StepKind::Download
            && run.outcome(*ix).is_good()
            && plan.action(*ix).runs()
    };
    let steps = plan.family.step_indices().filter(is_undone);
    steps.map(|ix| plan.family.step_ref(ix)).collect()
}
