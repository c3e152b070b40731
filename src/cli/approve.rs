//! `approve`: a person's word on a gate.

use serde_json::json;

use super::args::{ApproveArgs, Globals};
use super::error::CliError;
use super::exit::ExitCode;
use super::origin::{options, origin, variable};
use super::output::Output;
use super::person::person;
use crate::plan::gate::Verdict;
use crate::report::json::{FORMAT_VERSION, document};
use crate::session::{self, Answer, Obeyed};

pub(super) fn approve(
    args: &ApproveArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let loaded = session::load(&args.manifest, &variable)?;
    let options = options(origin(globals)?, globals);
    let verdict = if args.reject {
        Verdict::Rejected
    } else {
        Verdict::Approved
    };
    let answer = Answer {
        step: args.step.clone(),
        verdict,
        reason: args.reason.clone(),
    };
    let obeyed = session::approve(&loaded, &options, answer, &person())?;
    if output.is_json() {
        output.print(&document(&json!({
            "format_version": FORMAT_VERSION,
            "run_id": obeyed.run().to_string(),
            "step": args.step.to_string(),
            "verdict": verdict.as_str(),
            "recorded": obeyed.is_recorded(),
            "exit_code": ExitCode::Success.number(),
        })))?;
    } else {
        let what = format!("{} is {}", args.step, verdict.as_str());
        output.print(&told(&obeyed, &what, verdict))?;
    }
    Ok(ExitCode::Success)
}

fn told(obeyed: &Obeyed, what: &str, verdict: Verdict) -> String {
    match (obeyed, verdict) {
        (Obeyed::ByRun(run), Verdict::Approved) => format!("{what}: {run} goes on behind it\n"),
        (Obeyed::ByRun(run), Verdict::Rejected) => {
            format!("{what}: {run} does nothing behind it\n")
        }
        (Obeyed::Recorded(_) | Obeyed::Here { .. }, Verdict::Approved) => {
            format!("{what}: `millrun run` goes on behind it\n")
        }
        (Obeyed::Recorded(_) | Obeyed::Here { .. }, Verdict::Rejected) => {
            format!("{what}: nothing is done behind it\n")
        }
        (Obeyed::Asked(run), _) => {
            format!("{run} was told, and has not answered yet: it obeys as soon as it looks\n")
        }
    }
}
