//! `status`: how a run stands, in short.

use super::args::{Globals, LookArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::open::{Typed, history, summary};
use super::output::Output;
use crate::report::{json, text};

pub(super) fn status(
    args: &LookArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let (session, history) = history(&args.of, globals)?;
    let summary = args
        .selection
        .narrow(summary(&history)?, &session, &history)?;
    let told = if output.is_json() {
        json::report(&summary)
    } else {
        let typed = Typed::new(&args.of.manifest, globals);
        text::status(&summary, typed.page(output.palette()))
    };
    output.print(&told)?;
    Ok(ExitCode::Success)
}
