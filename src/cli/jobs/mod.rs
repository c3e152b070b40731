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
use crate::untrusted::{Untrusted, UntrustedValue};

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
            "label": data(artifact.label.as_ref()),
            "filename": data(artifact.filename.as_ref()),
            "kind": data(artifact.kind.as_ref()),
        })
    });
    told.collect()
}

fn line(text: Option<&Untrusted>, absent: &str) -> String {
    text.map_or_else(|| absent.to_owned(), Untrusted::for_terminal_line)
}

fn columns(text: Option<&Untrusted>, absent: &str, columns: usize) -> String {
    text.map_or_else(
        || absent.to_owned(),
        |text| text.for_terminal_columns(columns),
    )
}

/// A text as data: [`document`] makes the JSON around it safe.
fn data(text: Option<&Untrusted>) -> Option<&str> {
    text.map(Untrusted::as_raw_untrusted)
}

/// The same for a value without a known shape.
fn value(value: &UntrustedValue) -> &Value {
    value.as_raw_untrusted()
}
