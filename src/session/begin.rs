//! Whether a run is a new one or goes on with the last: product rules, no IO.

use std::collections::BTreeSet;

use super::select;
use crate::execute::engine::Begin;
use crate::plan::action::{Action, EditedLineage};
use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::{Family, StepIx};
use crate::plan::ids::StepRef;
use crate::plan::selection::{SelectionError, Wish};
use crate::run::event::Record;
use crate::run::history::History;
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
