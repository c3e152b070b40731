//! The way in: words are parsed, the command is carried out, and its outcome becomes an exit code.

use std::io::Write as _;
use std::panic::PanicHookInfo;

use clap::Parser as _;

use super::args::{Args, Command, Globals, LogFormat};
use super::complaint::complain;
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use super::{
    adopt, approve, balance, check, completions, control, doctor, gc, graph, init, jobs, ledger,
    limits, logging, logs, plan, report, run, runs, schema, sim, state, status, why,
};
use crate::report::json::FORMAT_VERSION;
use crate::untrusted::terminal;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help that nobody reads is no error.
            let _ = error.print();
            let code = u8::try_from(error.exit_code()).unwrap_or(ExitCode::Usage.number());
            return code.into();
        }
    };
    let wants_json = |command: &Command| match command {
        Command::Check(check) => check.format == LogFormat::Json,
        _ => false,
    };
    let json = args.globals.json || wants_json(&args.command);
    std::panic::set_hook(Box::new(move |panic| report_bug(panic, json)));
    let globals = Globals {
        json,
        ..args.globals.clone()
    };
    let mut output = Output::new(&globals);
    logging::init(&args.globals, &output);
    let code = dispatch(&args, &mut output).unwrap_or_else(|error| complain(&error, &mut output));
    code.into()
}

fn dispatch(args: &Args, output: &mut Output) -> Result<ExitCode, CliError> {
    let globals = &args.globals;
    match &args.command {
        Command::Init(args) => init::init(args, output),
        Command::Check(args) => check::check(args, output),
        Command::Schema => schema::schema(output),
        Command::Plan(args) => plan::plan(args, globals, output),
        Command::Why(args) => why::why(args, globals, output),
        Command::Graph(args) => graph::graph(args, globals, output),
        Command::Run(args) => run::run(args, globals, false, output),
        Command::Resume(args) => run::run(args, globals, true, output),
        Command::Adopt(args) => adopt::adopt(args, globals, output),
        Command::Pause(args) => control::pause(args, globals, output),
        Command::Cancel(args) => control::cancel(args, globals, output),
        Command::Approve(args) => approve::approve(args, globals, output),
        Command::Status(args) => status::status(args, globals, output),
        Command::Report(args) => report::report(args, globals, output),
        Command::Runs(args) => runs::runs(args, globals, output),
        Command::Logs(args) => logs::logs(args, globals, output),
        Command::Ledger(args) => ledger::ledger(args, globals, output),
        Command::Jobs(command) => jobs::jobs(command, globals, output),
        Command::Balance => balance::balance(globals, output),
        Command::Limits(args) => limits::limits(args, globals, output),
        Command::Doctor(args) => doctor::doctor(args, globals, output),
        Command::State(command) => state::state(command, globals, output),
        Command::Gc(args) => gc::gc(args, globals, output),
        Command::Sim(args) => sim::sim(args, globals, output),
        Command::Completions(args) => completions::completions(args, output),
    }
}

/// Says that this is a bug and ends the process: a run must not go on half alive. What was sent is recorded.
fn report_bug(panic: &PanicHookInfo<'_>, json: bool) {
    let what = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(ToString::to_string);
    let message = format!(
        "{what} at {}",
        place.as_deref().unwrap_or("an unknown place")
    );
    let _ = write!(
        std::io::stderr(),
        "error: a bug in millrun {}: {}\n\
         hint: please report it with this message; what was sent is recorded, and `millrun resume` goes on\n",
        env!("CARGO_PKG_VERSION"),
        terminal::line(&message)
    );
    let code = ExitCode::Bug.number();
    if json {
        let error = serde_json::json!({
            "format_version": FORMAT_VERSION,
            "error": { "kind": "bug", "message": message },
            "exit_code": code,
        });
        let _ = writeln!(std::io::stdout(), "{}", terminal::json(&error.to_string()));
    }
    std::process::exit(i32::from(code));
}
