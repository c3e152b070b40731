//! Continues work that exists, wherever it was begun: finds a job by its title or first prompt, and sends a follow-up. Start a
//! service as for `create_poll_download`, run that, then:
//!
//! ```sh
//! cargo run --example list_and_continue -- bracket "Increase the thickness to 8 mm."
//! ```

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example prints, waits and reads its environment"
)]

use std::time::Duration;

use millrun::api::{
    ApiKey, BaseUrl, Client, HttpTransport, IdempotencyKey, JobQuery, JobStatus, JobSummary, Prompt,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(search), Some(text)) = (words.next(), words.next()) else {
        return Err("usage: list_and_continue SEARCH PROMPT".into());
    };
    let base_url: BaseUrl = std::env::var("ORVILLE_BASE_URL")?.parse()?;
    let key = ApiKey::new(std::env::var("ORVILLE_API_KEY")?)?;
    let client = Client::new(HttpTransport::new(&base_url)?, base_url, key);

    let found = newest_completed(&client, &search).await?;
    let found = found.ok_or("no completed job has this in its title or first prompt")?;
    // What the service wrote is made safe for the place it goes to.
    let title = found.title.unwrap_or_default().for_terminal_line();
    println!("continuing {}: {title}", found.id);

    // The same key for the same work: running this twice on one revision sends one follow-up.
    let revision = found.latest_revision_id.ok_or("it has no revision")?;
    let key = IdempotencyKey::new(format!("example-continue-{}", revision.as_str()))?;
    let prompt = Prompt {
        text: &text,
        images: &[],
    };
    let queued = client.follow_up(&found.id, prompt, &key).await?.value;
    let mut wait = queued.poll_after;
    loop {
        tokio::time::sleep(wait.unwrap_or(Duration::from_secs(90))).await;
        let job = client.job(&queued.id).await?.value;
        match job.status {
            JobStatus::Completed => {
                let explanation = job.explanation.unwrap_or_default();
                println!("{}", explanation.for_terminal());
                return Ok(());
            }
            JobStatus::Failed => return Err("the service failed the follow-up".into()),
            _ => wait = job.poll_after,
        }
    }
}

/// Goes through the pages, newest first, until one has a completed job.
async fn newest_completed(
    client: &Client,
    search: &str,
) -> Result<Option<JobSummary>, Box<dyn std::error::Error>> {
    let mut cursor = None;
    loop {
        let query = JobQuery {
            limit: Some(100),
            cursor: cursor.as_deref(),
            q: Some(search),
        };
        let page = client.list_jobs(query).await?.value;
        let mut jobs = page.jobs.into_iter();
        if let Some(job) = jobs.find(|job| job.status == JobStatus::Completed) {
            return Ok(Some(job));
        }
        // Sent back where it came from, a text may stay as it is.
        match page.next_cursor {
            Some(next) => cursor = Some(next.into_raw_untrusted()),
            None => return Ok(None),
        }
    }
}
