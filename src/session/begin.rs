//! Whether a run is a new one or goes on with the last: product rules, no IO.

use std::collections::BTreeSet;

use crate::execute::engine::Begin;
use crate::plan::action::{Action, EditedLineage};
use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::{Family, StepIx};
use crate::plan::ids::StepRef;
use crate::run::event::Record;
use crate::run::history::History;
use crate::run::progress::Run;
use crate::run::sheet::{Heading, Sheet};
use crate::teeth::{Bug, bites};

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
) -> Result<(Plan, History, Begin), Vec<EditedLineage>> {
    let history = History::of(records);
    let may_go_on = |run: &&Run| reopen || !(run.is_finished() || bites(Bug::ForgetUnfinishedRun));
    if let Some(run) = history.run.as_ref().filter(may_go_on) {
        let parts = &run.sheet.parts;
        let same = (family.digest() == run.sheet.plan)
            .then(|| family.in_order_of(parts.iter().map(|part| &part.id)))
            .flatten();
        if let Some(family) = same {
            let lineages = parts.iter().map(|part| part.lineage).collect();
            let plan = Plan::of_jobs(family, lineages, &history.memory, missing)?;
            let again = downloads_to_repeat(&plan, run);
            let output = heading.output.clone();
            return Ok((plan, history, Begin::Resume { again, output }));
        }
    }
    let plan = Plan::new(family, &history.memory, missing)?;
    let sheet = Sheet::new(&plan, heading);
    Ok((plan, history, Begin::Start(Box::new(sheet))))
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
