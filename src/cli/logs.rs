//! `logs`: what happened in a run, event by event.

use super::args::{Globals, RunOfArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::open::{history, summary};
use super::output::Output;
use crate::report::logs::Story;
use crate::report::moment::Zone;

pub(super) fn logs(
    args: &RunOfArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let (session, history) = history(args, globals)?;
    let summary = summary(&history)?;
    let zone = Zone::named(&summary.zone);
    let mut story = Story::default();
    for record in &session.records {
        if record.run != Some(summary.run) {
            // The story has to know which step of an earlier run made a send.
            story.tell(record);
            continue;
        }
        let line = if output.is_json() {
            story.json_line(record)
        } else {
            story.line(record, &zone, output.palette())
        };
        output.print(&line)?;
    }
    Ok(ExitCode::Success)
}
