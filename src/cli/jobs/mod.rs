//! `jobs`: what the service has, looked at directly.

mod list;
mod messages;
mod show;

use serde_json::{Value, json};

use super::args::{Globals, JobArgs, JobsCommand};
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use super::remote::ask;
use crate::api::{Artifact, JobId};
use crate::report::json::document;

pub(super) fn jobs(
    command: &JobsCommand,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let json = output.is_json();
    let text = match command {
        JobsCommand::List(args) => {
            let page = ask(globals, async |client| {
                client.list_jobs(list::query(args)).await
            })?;
            if json {
                document(&list::json(&page))
            } else {
                list::text(&page, args, globals)
            }
        }
        JobsCommand::Show(args) => {
            let id = job_id(args)?;
            let job = ask(globals, async |client| client.job(&id).await)?;
            if json {
                document(&show::json(&job))
            } else {
                show::text(&job)
            }
        }
        JobsCommand::Messages(args) => {
            let id = job_id(args)?;
            let history = ask(globals, async |client| client.messages(&id).await)?;
            if json {
                document(&messages::json(&history))
            } else {
                messages::text(&history)
            }
        }
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}

fn job_id(args: &JobArgs) -> Result<JobId, CliError> {
    JobId::new(args.job.as_str()).map_err(|why| {
        CliError::usage(
            format!("the job: {why}"),
            "`millrun jobs list` shows the ids",
        )
    })
}

fn artifacts(all: &[Artifact]) -> Vec<Value> {
    let told = all.iter().map(|artifact| {
        json!({
            "id": artifact.id,
            "label": artifact.label,
            "filename": artifact.filename,
            "kind": artifact.kind,
        })
    });
    told.collect()
}
