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
use crate::report::safe;

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
        let title = job.title.as_deref().or(job.prompt_preview.as_deref());
        text.push_str(&format!(
            "{}  {:<9}  {}  {}\n",
            safe::line(job.id.as_str()),
            safe::clipped(job.status.as_str(), 12),
            safe::clipped(job.created_at.as_deref().unwrap_or("-"), 24),
            safe::clipped(title.unwrap_or(""), 60),
        ));
    }
    if let Some(cursor) = &page.next_cursor {
        text.push_str(&format!("\nMore with --cursor {}\n", safe::line(cursor)));
    }
    text
}

fn list_json(page: &JobPage) -> Value {
    let jobs = page.jobs.iter().map(|job| {
        json!({
            "id": job.id,
            "status": job.status.as_str(),
            "source": job.source,
            "title": job.title,
            "prompt_preview": job.prompt_preview,
            "last_message": job.last_message,
            "latest_revision_id": job.latest_revision_id,
            "created_at": job.created_at,
            "updated_at": job.updated_at,
        })
    });
    json!({
        "format_version": FORMAT_VERSION,
        "jobs": jobs.collect::<Vec<_>>(),
        "next_cursor": page.next_cursor,
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
        safe::line(job.id.as_str()),
        safe::line(job.status.as_str()),
        safe::line(job.created_at.as_deref().unwrap_or("-")),
    );
    for artifact in &job.artifacts {
        text.push_str(&format!(
            "  file     {}  {}\n",
            safe::line(artifact.id.as_str()),
            safe::line(artifact.label.as_deref().unwrap_or("")),
        ));
    }
    if let Some(explanation) = &job.explanation {
        text.push_str(&format!("\n{}\n", safe::lines(explanation.trim())));
    }
    text
}

fn job_json(job: &Job) -> Value {
    let charged = job.cost.as_ref().and_then(|cost| cost.charged);
    json!({
        "format_version": FORMAT_VERSION,
        "id": job.id,
        "status": job.status.as_str(),
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "explanation": job.explanation,
        "charged_cents": charged.map(|charged| Cents(charged.get())),
        "currency": job.cost.as_ref().and_then(|cost| cost.currency.as_deref()),
        "latest_revision_id": job.latest_revision_id,
        "artifacts": artifacts(&job.artifacts),
    })
}

fn messages_text(history: &History) -> String {
    let mut text = String::new();
    for message in &history.messages {
        text.push_str(&format!(
            "{}, {}\n",
            safe::line(role(&message.role)),
            safe::line(message.created_at.as_deref().unwrap_or("-")),
        ));
        for line in safe::lines(message.content.trim()).lines() {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

fn messages_json(history: &History) -> Value {
    let messages = history.messages.iter().map(|message| {
        json!({
            "id": message.id,
            "role": role(&message.role),
            "content": message.content,
            "created_at": message.created_at,
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
    let told = all.iter().map(
        |artifact| json!({ "id": artifact.id, "label": artifact.label, "kind": artifact.kind }),
    );
    told.collect()
}

fn role(role: &Role) -> &str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Other(text) => text,
    }
}
