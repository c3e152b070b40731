//! `ledger`: what was held and charged, entry by entry.

use super::args::{Globals, RunOfArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::open::{history, summary};
use super::output::Output;
use crate::report::ledger::LedgerView;
use crate::report::moment::Zone;

pub(super) fn ledger(
    args: &RunOfArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let (_, history) = history(args, globals)?;
    let summary = summary(&history)?;
    let view = LedgerView::new(&history.memory, Some(summary.run));
    let text = if output.is_json() {
        view.json()
    } else {
        view.text(&Zone::named(&summary.zone), output.palette())
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}
