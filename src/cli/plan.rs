//! `plan`: what a run would do, why, and what it costs. Nothing is sent.

use super::args::{Globals, PlanArgs};
use super::complaint::diagnostics;
use super::error::CliError;
use super::exit::ExitCode;
use super::open::open;
use super::output::Output;
use crate::report::{plan_json, plan_text};

pub(super) fn plan(
    args: &PlanArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let session = open(&args.manifest, globals)?;
    let (plan, memory) = session.plan(&args.selection.wish())?;
    let loaded = &session.loaded;
    output.note(&diagnostics(&loaded.lints, &loaded.sources, output));
    let text = if output.is_json() {
        plan_json::plan(&plan, &memory)
    } else {
        plan_text::plan(&plan, &memory, output.palette(), globals.verbose > 0)
    };
    output.print(&text)?;
    Ok(if args.detailed_exitcode && plan_text::has_work(&plan) {
        ExitCode::SomethingToDo
    } else {
        ExitCode::Success
    })
}
