//! `jobs list`: one page of the recent jobs.

use serde_json::{Value, json};

use super::{columns, data};
use crate::api::{JobPage, JobQuery};
use crate::cli::args::{Globals, JobsListArgs};
use crate::report::json::FORMAT_VERSION;
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
            "\nMore: {}\n",
            next(&cursor.for_terminal_line(), args, globals)
        ));
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
