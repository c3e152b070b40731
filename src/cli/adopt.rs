//! `adopt`.

use serde_json::json;

use super::args::{AdoptArgs, Globals};
use super::error::CliError;
use super::exit::ExitCode;
use super::origin::{limits_folder, options, variable, with_key};
use super::output::Output;
use super::person::person;
use crate::report::json::{FORMAT_VERSION, document};
use crate::session::{self, Adoption, Options};
use crate::untrusted::terminal;

pub(super) fn adopt(
    args: &AdoptArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let loaded = session::load(&args.manifest, &variable)?;
    let options = Options {
        limits: limits_folder(),
        ..options(with_key(globals)?, globals)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|why| CliError::io("starting", why))?;
    let by = person();
    let adopting = session::adopt_jobs(loaded, &options, &args.jobs, &by);
    let adoptions = runtime.block_on(adopting)?;
    let code = match adoptions.iter().all(|adoption| adoption.outcome.is_ok()) {
        true => ExitCode::Success,
        false => ExitCode::PartFailed,
    };
    if output.is_json() {
        output.print(&document(&json!({
            "format_version": FORMAT_VERSION,
            "adopted": adoptions.iter().map(told).collect::<Vec<_>>(),
            "exit_code": code.number(),
        })))?;
    } else if adoptions.is_empty() {
        output.print("nothing to adopt: no job was found that may be a part's\n")?;
    } else {
        let lines: String = adoptions.iter().map(line).collect();
        output.print(&lines)?;
    }
    Ok(code)
}

fn told(adoption: &Adoption) -> serde_json::Value {
    json!({
        "part": adoption.part,
        "job_id": adoption.job,
        "writes": adoption.outcome.as_ref().ok(),
        "error": adoption.outcome.as_ref().err(),
    })
}

fn line(adoption: &Adoption) -> String {
    let (part, job) = (&adoption.part, terminal::line(&adoption.job.0));
    match &adoption.outcome {
        Ok(1) => format!("{part}: adopted {job}, as its create left it\n"),
        Ok(writes) => format!(
            "{part}: adopted {job}, with {} iterates applied\n",
            writes - 1
        ),
        Err(why) => format!("{part}: not adopted: {}\n", terminal::line(why)),
    }
}
