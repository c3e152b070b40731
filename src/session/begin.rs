//! Whether a run is a new one or goes on with the last: product rules, no IO.

use std::collections::BTreeSet;

use crate::execute::engine::Begin;
use crate::plan::action::EditedLineage;
use crate::plan::actions::Plan;
use crate::plan::family::Family;
use crate::run::event::Record;
use crate::run::history::History;
use crate::run::progress::Run;
use crate::run::sheet::{Heading, Sheet};

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
    let may_go_on = |run: &&Run| reopen || !run.is_finished();
    if let Some(run) = history.run.as_ref().filter(may_go_on) {
        // The plan of a run was made from what was known before it started.
        let before = History::before_run(records, run.id);
        let ordered = family.in_order_of(run.sheet.parts.iter().map(|part| &part.id));
        if let Some(Ok(plan)) = ordered.map(|family| Plan::new(family, &before.memory, missing))
            && plan.digest() == run.sheet.plan
        {
            return Ok((plan, history, Begin::Resume));
        }
    }
    let plan = Plan::new(family, &history.memory, missing)?;
    let sheet = Sheet::new(&plan, heading);
    Ok((plan, history, Begin::Start(Box::new(sheet))))
}
