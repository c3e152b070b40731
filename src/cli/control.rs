//! `pause` and `cancel`: what a person asks of a run.

use serde_json::json;

use super::args::{CancelArgs, Globals, PauseArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::origin::{origin, variable};
use super::output::Output;
use super::person::person;
use crate::report::json::{FORMAT_VERSION, document};
use crate::run::control::Order;
use crate::session::{self, Obeyed, Options, Risks};

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
    let order = Order::Cancel {
        why: args.why.clone(),
    };
    let done = "is cancelled: nothing new is sent, and it ends when what is paid is home";
    ask(&args.manifest, &order, done, globals, output)
}

fn ask(
    manifest: &std::path::Path,
    order: &Order,
    done: &str,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let loaded = session::load(manifest, &variable)?;
    let options = Options {
        state: globals.state.clone(),
        risks: Risks {
            network_state: globals.force_network_state,
            rollback: false,
        },
        ..Options::new(origin(globals)?)
    };
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
    output.print(&told(&obeyed, done))?;
    Ok(ExitCode::Success)
}

fn told(obeyed: &Obeyed, done: &str) -> String {
    match obeyed {
        Obeyed::ByRun(run) | Obeyed::Recorded(run) => format!("{run} {done}\n"),
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
