//! `jobs list`: one page of the recent jobs.

use serde_json::{Value, json};

use crate::api::{JobPage, JobQuery};
use crate::cli::args::{Globals, JobsListArgs};
use crate::report::json::FORMAT_VERSION;
use crate::report::safe;
use crate::report::shell::word;

pub(super) fn query(args: &JobsListArgs) -> JobQuery<'_> {
    JobQuery {
        limit: Some(args.limit),
        cursor: args.cursor.as_deref(),
        q: args.search.as_deref(),
    }
}

pub(super) fn text(page: &JobPage, args: &JobsListArgs, globals: &Globals) -> String {
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
        text.push_str(&format!("\nMore: {}\n", next(cursor, args, globals)));
    }
    text
}

/// The command for the next page. The cursor is text of the service: it is one word of a shell, whatever stands in it.
fn next(cursor: &str, args: &JobsListArgs, globals: &Globals) -> String {
    let mut command = "millrun jobs list".to_owned();
    if let Some(url) = &globals.base_url {
        command.push_str(&format!(" --base-url {}", word(url)));
    }
    if let Some(search) = &args.search {
        command.push_str(&format!(" --search={}", word(search)));
    }
    command.push_str(&format!(
        " --limit {} --cursor={}",
        args.limit,
        word(cursor)
    ));
    command
}

pub(super) fn json(page: &JobPage) -> Value {
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Args, Command, JobsCommand};

    #[test]
    fn the_command_for_the_next_page_is_safe_to_copy() {
        let words = ["millrun", "jobs", "list", "--limit", "5", "--search=a b"];
        let args = Args::try_parse_from(words).unwrap();
        let Command::Jobs(JobsCommand::List(list)) = &args.command else {
            unreachable!("that is what was typed");
        };
        let page = JobPage {
            jobs: Vec::new(),
            next_cursor: None,
        };
        assert_eq!(text(&page, list, &args.globals), "No jobs.\n");
        assert_eq!(
            next("x; rm -rf '$HOME'\n\u{1b}[2J", list, &args.globals),
            "millrun jobs list --search='a b' --limit 5 --cursor='x; rm -rf '\\''$HOME'\\'' \\u{1b}[2J'"
        );
    }
}
