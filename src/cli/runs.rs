//! `runs`: all runs of a manifest.

use super::args::{Globals, ManifestArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::open::open;
use super::output::Output;
use crate::report::runs;

pub(super) fn runs(
    args: &ManifestArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let session = open(&args.manifest, globals)?;
    let summaries = runs::summaries(&session.records);
    let text = if output.is_json() {
        runs::json(&summaries)
    } else if summaries.is_empty() {
        "This manifest has not run here yet.\n".to_owned()
    } else {
        runs::text(&summaries, output.palette())
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}
