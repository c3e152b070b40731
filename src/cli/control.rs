//! `pause` and `cancel`: what a person asks of a run.

use serde_json::json;

use super::args::{CancelArgs, Globals, PauseArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::open::open;
use super::origin::{options, origin, variable};
use super::output::Output;
use super::person::person;
use crate::plan::ids::PartId;
use crate::report::json::{FORMAT_VERSION, document};
use crate::report::words::counted;
use crate::run::control::Order;
use crate::session::{self, Obeyed};

pub(super) fn pause(
    args: &PauseArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let (order, done) = if args.off {
        (Order::Unpause, "goes on")
    } else {
        let done = "is paused: nothing new is sent, and what was sent comes home; `millrun pause --off` lets it go on";
        (Order::Pause, done)
    };
    ask(&args.manifest, &order, done, globals, output)
}

pub(super) fn cancel(
    args: &CancelArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let parts = match args.selection.wish() {
        wish if wish.is_everything() => Vec::new(),
        _ => selected(args, globals)?,
    };
    let done = if parts.is_empty() {
        "is cancelled: nothing new is sent, and it ends when what is paid is home".to_owned()
    } else {
        format!(
            "sends nothing new for {}; what is paid comes home",
            counted(parts.len(), "part")
        )
    };
    let order = Order::Cancel {
        parts,
        why: args.why.clone(),
    };
    ask(&args.manifest, &order, &done, globals, output)
}

/// The parts of the last run that are meant: as many as are named, never none.
fn selected(args: &CancelArgs, globals: &Globals) -> Result<Vec<PartId>, CliError> {
    let session = open(&args.manifest, globals)?;
    let history = session.history(None)?;
    let ids = args.selection.of_run(&session, &history)?;
    let ids: Vec<PartId> = ids.into_iter().flatten().collect();
    if ids.is_empty() {
        let message = "no part of the last run is selected";
        return Err(CliError::usage(message, "`millrun status` shows its parts"));
    }
    Ok(ids)
}

fn ask(
    manifest: &std::path::Path,
    order: &Order,
    done: &str,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let loaded = session::load(manifest, &variable)?;
    let options = options(origin(globals)?, globals);
    let obeyed = session::command(&loaded, &options, order, &person())?;
    if output.is_json() {
        output.print(&document(&json!({
            "format_version": FORMAT_VERSION,
            "run_id": obeyed.run().to_string(),
            "recorded": obeyed.is_recorded(),
            "exit_code": ExitCode::Success.number(),
        })))?;
        return Ok(ExitCode::Success);
    }
    output.print(&told(&obeyed, order, done))?;
    Ok(ExitCode::Success)
}

fn told(obeyed: &Obeyed, order: &Order, done: &str) -> String {
    match obeyed {
        Obeyed::ByRun(run) | Obeyed::Recorded(run) => format!("{run} {done}\n"),
        Obeyed::Here { run, .. } if !order.is_of_the_run() => {
            format!("{run} {done}; no process was at it\n")
        }
        Obeyed::Here { run, .. } if matches!(order, Order::Pause) => format!(
            "{run} is paused: no process was at it; `millrun run` brings home what was sent and sends nothing new until \
             `millrun pause --off`\n"
        ),
        Obeyed::Here { run, .. } if matches!(order, Order::Unpause) => {
            format!(
                "{run} is not paused any more: no process was at it; `millrun run` goes on with it\n"
            )
        }
        Obeyed::Here { run, in_flight: 0 } => {
            format!("{run} is cancelled: no process was at it, and nothing of it is under way\n")
        }
        Obeyed::Here { run, in_flight } => format!(
            "{run} is cancelled: no process was at it; {in_flight} of its sends are still under way, and `millrun run` \
             brings home what they cost and sends nothing new\n"
        ),
        Obeyed::Asked(run) => {
            format!("{run} was asked, and has not answered yet: it obeys as soon as it looks\n")
        }
    }
}
