//! `jobs`: what the service has, looked at directly.

use serde_json::{Value, json};

use super::args::{Globals, JobArgs, JobsCommand, JobsListArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use super::remote::ask;
use crate::api::{Artifact, History, Job, JobId, JobPage, JobQuery, Role};
use crate::plan::money::Cents;
use crate::report::json::{FORMAT_VERSION, document};
use crate::untrusted::Untrusted;

pub(super) fn jobs(
    command: &JobsCommand,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let json = output.is_json();
    let text = match command {
        JobsCommand::List(args) => {
            let page = ask(globals, async |client| client.list_jobs(query(args)).await)?;
            if json {
                document(&list_json(&page))
            } else {
                list_text(&page)
            }
        }
        JobsCommand::Show(args) => {
            let id = job_id(args)?;
            let job = ask(globals, async |client| client.job(&id).await)?;
            if json {
                document(&job_json(&job))
            } else {
                job_text(&job)
            }
        }
        JobsCommand::Messages(args) => {
            let id = job_id(args)?;
            let history = ask(globals, async |client| client.messages(&id).await)?;
            if json {
                document(&messages_json(&history))
            } else {
                messages_text(&history)
            }
        }
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}

fn query(args: &JobsListArgs) -> JobQuery<'_> {
    JobQuery {
        limit: Some(args.limit),
        cursor: args.cursor.as_deref(),
        q: args.search.as_deref(),
    }
}

fn job_id(args: &JobArgs) -> Result<JobId, CliError> {
    JobId::new(args.job.as_str()).map_err(|why| {
        CliError::usage(
            format!("the job: {why}"),
            "`millrun jobs list` shows the ids",
        )
    })
}

fn list_text(page: &JobPage) -> String {
    if page.jobs.is_empty() {
        return "No jobs.\n".to_owned();
    }
    let mut text = String::new();
    for job in &page.jobs {
        let title = job.title.as_ref().or(job.prompt_preview.as_ref());
        text.push_str(&format!(
            "{}  {:<9}  {}  {}\n",
            job.id,
            job.status.to_untrusted().for_terminal_columns(12),
            columns(job.created_at.as_ref(), "-", 24),
            columns(title, "", 60),
        ));
    }
    if let Some(cursor) = &page.next_cursor {
        text.push_str(&format!(
            "\nMore with --cursor {}\n",
            cursor.for_terminal_line()
        ));
    }
    text
}

fn list_json(page: &JobPage) -> Value {
    let jobs = page.jobs.iter().map(|job| {
        json!({
            "id": job.id,
            "status": data(Some(&job.status.to_untrusted())),
            "source": data(job.source.as_ref()),
            "title": data(job.title.as_ref()),
            "prompt_preview": data(job.prompt_preview.as_ref()),
            "last_message": data(job.last_message.as_ref()),
            "latest_revision_id": job.latest_revision_id,
            "created_at": data(job.created_at.as_ref()),
            "updated_at": data(job.updated_at.as_ref()),
        })
    });
    json!({
        "format_version": FORMAT_VERSION,
        "jobs": jobs.collect::<Vec<_>>(),
        "next_cursor": data(page.next_cursor.as_ref()),
    })
}

fn job_text(job: &Job) -> String {
    let charged = job.cost.as_ref().and_then(|cost| cost.charged);
    let cost = charged.map_or_else(
        || "not known yet".to_owned(),
        |charged| format!("{} charged", Cents(charged.get())),
    );
    let mut text = format!(
        "{}\n  status   {}\n  created  {}\n  cost     {cost}\n",
        job.id,
        job.status.to_untrusted().for_terminal_line(),
        line(job.created_at.as_ref(), "-"),
    );
    for artifact in &job.artifacts {
        text.push_str(&format!(
            "  file     {}  {}\n",
            artifact.id,
            line(artifact.label.as_ref(), ""),
        ));
    }
    if let Some(explanation) = &job.explanation {
        text.push_str(&format!("\n{}\n", explanation.for_terminal().trim()));
    }
    text
}

fn job_json(job: &Job) -> Value {
    let charged = job.cost.as_ref().and_then(|cost| cost.charged);
    json!({
        "format_version": FORMAT_VERSION,
        "id": job.id,
        "status": data(Some(&job.status.to_untrusted())),
        "created_at": data(job.created_at.as_ref()),
        "updated_at": data(job.updated_at.as_ref()),
        "explanation": data(job.explanation.as_ref()),
        "charged_cents": charged.map(|charged| Cents(charged.get())),
        "currency": data(job.cost.as_ref().and_then(|cost| cost.currency.as_ref())),
        "latest_revision_id": job.latest_revision_id,
        "artifacts": artifacts(&job.artifacts),
    })
}

fn messages_text(history: &History) -> String {
    let mut text = String::new();
    for message in &history.messages {
        text.push_str(&format!(
            "{}, {}\n",
            role(&message.role).for_terminal_line(),
            line(message.created_at.as_ref(), "-"),
        ));
        for line in message.content.for_terminal().trim().lines() {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

fn messages_json(history: &History) -> Value {
    let messages = history.messages.iter().map(|message| {
        json!({
            "id": message.id,
            "role": data(Some(&role(&message.role))),
            "content": data(Some(&message.content)),
            "created_at": data(message.created_at.as_ref()),
            "revision_id": message.revision_id,
            "artifacts": artifacts(&message.artifacts),
        })
    });
    json!({
        "format_version": FORMAT_VERSION,
        "job_id": history.job_id,
        "messages": messages.collect::<Vec<_>>(),
    })
}

fn artifacts(all: &[Artifact]) -> Vec<Value> {
    let told = all.iter().map(|artifact| {
        json!({
            "id": artifact.id,
            "label": data(artifact.label.as_ref()),
            "kind": data(artifact.kind.as_ref()),
        })
    });
    told.collect()
}

fn role(role: &Role) -> Untrusted {
    match role {
        Role::User => "user".into(),
        Role::Assistant => "assistant".into(),
        Role::Other(text) => text.clone(),
    }
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
