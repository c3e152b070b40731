//! The basic flow by hand: create a job, poll it as told, download its STEP files. Start a service, then:
//!
//! ```sh
//! cargo run -- sim --port 8787 --speed 30     # prints the two variables to export
//! cargo run --example create_poll_download
//! ```

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example prints, waits and reads its environment"
)]

use std::time::Duration;

use millrun::api::{ApiKey, BaseUrl, Client, HttpTransport, IdempotencyKey, JobStatus, Prompt};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base_url: BaseUrl = std::env::var("ORVILLE_BASE_URL")?.parse()?;
    let key = ApiKey::new(std::env::var("ORVILLE_API_KEY")?)?;
    let client = Client::new(HttpTransport::new(&base_url)?, base_url, key);

    // The same key for the same work: running this twice makes one job.
    let key = IdempotencyKey::new("example-bracket-1")?;
    let prompt = Prompt {
        text: "A bracket, a box 80 x 40 x 6 mm, with two 6 mm through holes.",
        images: &[],
    };
    let queued = client.create_job(prompt, &key).await?.value;
    let mut wait = queued.poll_after;
    let job = loop {
        tokio::time::sleep(wait.unwrap_or(Duration::from_secs(90))).await;
        let job = client.job(&queued.id).await?.value;
        match job.status {
            JobStatus::Completed | JobStatus::Failed => break job,
            _ => wait = job.poll_after,
        }
    };
    if job.status == JobStatus::Failed {
        return Err(format!("the service failed {}", job.id).into());
    }
    // Numbers of our own: a name or an id of the service is untrusted text, never a path.
    for (number, artifact) in job.artifacts.iter().enumerate() {
        let file = client.download(&artifact.id).await?.value;
        let name = format!("bracket-{number}.step");
        std::fs::write(&name, &file.content)?;
        println!("{name}: {} bytes", file.content.len());
    }
    Ok(())
}
