//! `plan`: what a run would do, why, what it costs and how long it takes. Nothing is sent.

use std::io::Write as _;
use std::path::Path;

use super::args::{Globals, PlanArgs};
use super::complaint::diagnostics;
use super::error::CliError;
use super::exit::ExitCode;
use super::open::open;
use super::origin::origin;
use super::output::Output;
use crate::manifest::Format;
use crate::plan::actions::Plan;
use crate::plan::forecast::Forecast;
use crate::plan::memory::Memory;
use crate::report::plan_cost::PlanCost;
use crate::report::plan_json::{self, With};
use crate::report::{plan_text, prompts, shell};
use crate::schedule::rehearsal;
use crate::session::Saved;

pub(super) fn plan(
    args: &PlanArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let name = args.output.as_deref().and_then(Path::file_name);
    let is_manifest = |name: &std::ffi::OsStr| name.to_str().and_then(Format::of).is_some();
    if name.is_some_and(is_manifest) {
        return Err(CliError::usage(
            "a saved plan has another name than a manifest: `run` tells them apart by it",
            "`-o night.plan`",
        ));
    }
    let session = open(&args.manifest, globals)?;
    let wish = args.selection.wish();
    let (plan, memory) = session.plan(&wish)?;
    let loaded = &session.loaded;
    output.note(&diagnostics(&loaded.lints, &loaded.sources, output));
    let rehearsed = rehearsal::expected(&plan, &memory, &memory.durations);
    let forecast = Forecast::new(&plan, &memory.durations, rehearsed);
    if output.is_json() {
        let with = With {
            prompts: args.show_prompts,
            saved: None,
        };
        output.stream(|out| plan_json::write(&plan, &memory, &forecast, with, out))?;
    } else {
        let full = globals.verbose > 0;
        let palette = output.palette();
        if args.show_prompts {
            output.print(&prompts::prompts(&plan, &memory, palette))?;
        }
        output.print(&plan_text::with_forecast(
            &plan, &memory, &forecast, palette, full,
        ))?;
    }
    if let Some(file) = &args.output {
        let max = PlanCost::new(&plan, &memory).max_cents;
        let saved = Saved::new(&session, &origin(globals)?, &wish, (&plan, &memory), max)?;
        save(file, &saved, &plan, &memory, &forecast)?;
        let name = shell::word(&file.display().to_string());
        output.note(&format!("saved: `millrun run {name}` does exactly that\n"));
    }
    Ok(if args.detailed_exitcode && plan_text::has_work(&plan) {
        ExitCode::SomethingToDo
    } else {
        ExitCode::Success
    })
}

/// Writes the plan beside its name first: whoever reads it finds all of it or what was there before.
fn save(
    file: &Path,
    saved: &Saved,
    plan: &Plan,
    memory: &Memory,
    forecast: &Forecast,
) -> Result<(), CliError> {
    let failed = |why| CliError::io(format!("saving {}", file.display()), why);
    let saved = serde_json::to_value(saved).map_err(|why| failed(why.into()))?;
    let with = With {
        prompts: false,
        saved: Some(&saved),
    };
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut out = std::io::BufWriter::new(&mut beside);
    let written = plan_json::write(plan, memory, forecast, with, &mut out);
    written.and_then(|()| out.flush()).map_err(failed)?;
    drop(out);
    beside.as_file().sync_all().map_err(failed)?;
    beside.persist(file).map_err(|error| failed(error.error))?;
    Ok(())
}
