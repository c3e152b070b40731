//! `ledger`: what was held and charged, entry by entry.

use super::args::{Globals, RunOfArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::open::{history, summary};
use super::output::Output;
use crate::report::ledger::LedgerView;
use crate::report::moment::Zone;
use crate::run::history::History;

pub(super) fn ledger(
    args: &RunOfArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let (session, history) = history(args, globals)?;
    let summary = summary(&history)?;
    // What all runs cost together is what they cost by now, whichever run is asked for.
    let now = History::of(&session.records);
    let view = LedgerView::new(&now.memory, Some(summary.run));
    let text = if output.is_json() {
        view.json()
    } else {
        view.text(&Zone::named(&summary.zone), output.palette())
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}
