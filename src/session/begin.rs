//! Whether a run is a new one or goes on with the last: product rules, no IO.

use std::collections::BTreeSet;

use super::select;
use crate::execute::engine::Begin;
use crate::plan::action::{Action, EditedLineage};
use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::{Ask, Family, StepIx};
use crate::plan::ids::StepRef;
use crate::run::event::{Event, Record, Resolution};
use crate::plan::selection::{SelectionError, Wish};
use crate::run::event::Record;
use crate::run::history::History;
use crate::run::outcome::Outcome;
use crate::run::progress::Run;
use crate::run::sheet::{Heading, Sheet};
use crate::teeth::{Bug, bites};

/// Why a run can't begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeginError {
    /// Applied iterates were edited or removed.
    Edited(Vec<EditedLineage>),
    /// What was selected can't be understood, or names nothing that is there.
    Selection(SelectionError),
}

impl From<Vec<EditedLineage>> for BeginError {
    fn from(edits: Vec<EditedLineage>) -> Self {
        Self::Edited(edits)
    }
}

impl From<SelectionError> for BeginError {
    fn from(error: SelectionError) -> Self {
        Self::Selection(error)
    }
}

/// Plans `family` after `records`. An unfinished run of the same plan goes on; `reopen` lets a finished one go on too.
/// Anything else is a new run, and closes the one before it.
///
/// # Errors
/// When applied iterates were edited or removed.
pub fn begin(
    family: Family,
    records: &[Record],
    missing: &BTreeSet<String>,
    heading: &Heading,
    reopen: bool,
) -> Result<(Plan, History, Begin), BeginError> {
    begin_selected(family, &Wish::default(), records, missing, heading, reopen)
}

/// The same for what `wish` selects. A run that goes on keeps its parts: how they stand has changed since it began. One that
/// is opened again keeps its selection.
///
/// # Errors
/// When applied iterates were edited or removed, or the selection can't be understood.
pub fn begin_selected(
    family: Family,
    wish: &Wish,
    records: &[Record],
    missing: &BTreeSet<String>,
    heading: &Heading,
    reopen: bool,
) -> Result<(Plan, History, Begin), BeginError> {
    let history = History::of(records);
    let may_go_on = |run: &&Run| reopen || !(run.is_finished() || bites(Bug::ForgetUnfinishedRun));
    if let Some(run) = history.run.as_ref().filter(may_go_on) {
        let parts = &run.sheet.parts;
        let same = (family.digest() == run.sheet.plan)
            .then(|| family.in_order_of(parts.iter().map(|part| &part.id)))
            .flatten();
        if let Some(family) = same {
            let family = recall(family, run);
            let lineages = parts.iter().map(|part| part.lineage).collect();
            let plan = Plan::of_jobs(family, lineages, &history.memory, missing)?;
            let again = downloads_to_repeat(&plan, run);
            let output = heading.output.clone();
            return Ok((plan, history, Begin::Resume { again, output }));
        }
    }
    let plan = Plan::new(family, &history.memory, missing)?;
    let sheet = Box::new(Sheet::new(&plan, heading));
    let settled = settled(&plan);
    Ok((plan, history, Begin::Start { sheet, settled }))
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
    if let Some(run) = history.run.as_ref().filter(may_go_on)
        && let Some(plan) = same_plan(&family, wish, run, &history, missing, reopen)?
    {
        let again = downloads_to_repeat(&plan, run);
        let output = heading.output.clone();
        return Ok((plan, history, Begin::Resume { again, output }));
    }
    let plan = select::plan(family, wish, &history, records, missing)?;
    let sheet = Sheet {
        selection: wish.clone(),
        ..Sheet::new(&plan, heading)
    };
    Ok((plan, history, Begin::Start(Box::new(sheet))))
}

/// The plan of `run`, when `family` and `wish` still say the same.
fn same_plan(
    family: &Family,
    wish: &Wish,
    run: &Run,
    history: &History,
    missing: &BTreeSet<String>,
    reopen: bool,
) -> Result<Option<Plan>, BeginError> {
    if !reopen && *wish != run.sheet.selection {
        return Ok(None);
    }
    let parts = &run.sheet.parts;
    if run.sheet.selection.is_everything() && parts.len() != family.parts.len() {
        return Ok(None);
    }
    let same = family
        .of_ids(parts.iter().map(|part| &part.id))
        .filter(|family| family.digest() == run.sheet.plan);
    let Some(family) = same else { return Ok(None) };
    let lineages = parts.iter().map(|part| part.lineage).collect();
    Ok(Some(Plan::of_jobs(
        family,
        lineages,
        &history.memory,
        missing,
    )?))
}

/// Downloads that were done, and whose files are no longer there or belong elsewhere by now.
fn downloads_to_repeat(plan: &Plan, run: &Run) -> Vec<StepRef> {
    let is_undone = |ix: &StepIx| {
        plan.family.step(*ix).kind == StepKind::Download
            && run.outcome(*ix).is_good()
            && matches!(plan.action(*ix), Action::Run(_))
    };
    let steps = plan.family.step_indices().filter(is_undone);
    steps.map(|ix| plan.family.step_ref(ix)).collect()
}
