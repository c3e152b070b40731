//! `status`: how a run stands, in short.

use super::args::{Globals, RunOfArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::open::{history, page, summary};
use super::output::Output;
use crate::report::{json, text};

pub(super) fn status(
    args: &RunOfArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let (_, history) = history(args, globals)?;
    let summary = summary(&history)?;
    let told = if output.is_json() {
        json::report(&summary)
    } else {
        text::status(&summary, page(globals, output.palette()))
    };
    output.print(&told)?;
    Ok(ExitCode::Success)
}
