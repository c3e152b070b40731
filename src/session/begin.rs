//! Whether a run is a new one or goes on with the last: product rules, no IO.

use std::collections::BTreeSet;

use crate::execute::engine::Begin;
use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::{Family, StepIx};
use crate::plan::ids::{PartId, StepRef};
use crate::run::event::Record;
use crate::run::history::History;
use crate::run::progress::Run;
use crate::run::sheet::{Heading, Sheet, Start};
use crate::teeth::{Bug, bites};

/// Plans `family` after `records`. An unfinished run of the same plan goes on; `reopen` lets a finished one go on too.
/// Anything else is a new run, and closes the one before it.
#[must_use]
pub fn begin(
    family: Family,
    records: &[Record],
    missing: &BTreeSet<String>,
    heading: &Heading,
    reopen: bool,
) -> (Plan, History, Begin) {
    begin_anew(family, records, missing, heading, reopen, &BTreeSet::new())
}

/// The same, with the parts of `anew` made anew on purpose: once, so that a run which did so already goes on as it is.
#[must_use]
pub fn begin_anew(
    family: Family,
    records: &[Record],
    missing: &BTreeSet<String>,
    heading: &Heading,
    reopen: bool,
    anew: &BTreeSet<PartId>,
) -> (Plan, History, Begin) {
    let history = History::of(records);
    let may_go_on = |run: &&Run| {
        let is_open = reopen || !(run.is_finished() || bites(Bug::ForgetUnfinishedRun));
        is_open && anew.iter().all(|part| makes_anew(run, part))
    };
    if let Some(run) = history.run.as_ref().filter(may_go_on) {
        let parts = &run.sheet.parts;
        let same = (family.digest() == run.sheet.plan)
            .then(|| family.in_order_of(parts.iter().map(|part| &part.id)))
            .flatten();
        if let Some(family) = same {
            let lineages = parts.iter().map(|part| part.lineage).collect();
            let plan = Plan::of_jobs(family, lineages, &history.memory, missing);
            let again = downloads_to_repeat(&plan, run);
            let output = heading.output.clone();
            return (plan, history, Begin::Resume { again, output });
        }
    }
    let plan = Plan::making_anew(family, &history.memory, missing, anew);
    let sheet = Sheet::new(&plan, heading);
    (plan, history, Begin::Start(Box::new(sheet)))
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
