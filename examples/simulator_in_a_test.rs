//! Tests a program that uses the API against the simulator, in one process, without sockets, in virtual time: a night of jobs
//! takes no time, and the books say what the service was asked for and charged.
//!
//! ```sh
//! cargo run --example simulator_in_a_test
//! cargo test --example simulator_in_a_test
//! ```

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::time::Duration;

use millrun::adapters::in_process::InProcess;
use millrun::api::{ApiKey, Client, IdempotencyKey, Job, JobStatus, Prompt};
use millrun::simulator::{Clock, Config, SIM_API_KEY, Simulator};

type Error = Box<dyn std::error::Error>;

/// The code under test: makes one part, and waits for it.
async fn make(client: &Client, key: &str, text: &str) -> Result<Job, Error> {
    let prompt = Prompt { text, images: &[] };
    let key = IdempotencyKey::new(key)?;
    let queued = client.create_job(prompt, &key).await?.value;
    let mut wait = queued.poll_after;
    loop {
        #[expect(clippy::disallowed_methods, reason = "an example waits")]
        tokio::time::sleep(wait.unwrap_or(Duration::from_secs(90))).await;
        let job = client.job(&queued.id).await?.value;
        match job.status {
            JobStatus::Completed | JobStatus::Failed => return Ok(job),
            _ => wait = job.poll_after,
        }
    }
}

/// A new workspace, and a client of it.
fn workspace() -> Result<(Simulator, Client), Error> {
    let simulator = Simulator::open(Config::default(), Clock::new(0, 1.0), None)?;
    let transport = InProcess::new(simulator.router());
    // Nothing listens there: the address only has to be one of this machine.
    let base_url = "http://127.0.0.1".parse()?;
    let client = Client::new(transport, base_url, ApiKey::new(SIM_API_KEY)?);
    Ok((simulator, client))
}

async fn check() -> Result<(), Error> {
    let (simulator, client) = workspace()?;
    // Orders to the simulator are a part of the prompt.
    let plate = "A plate, 80 x 60 x 6 mm. [sim:duration=200][sim:cost=150]";
    let job = make(&client, "plate", plate).await?;
    assert_eq!(job.status, JobStatus::Completed);
    // The same key once more: no second job, no second charge.
    let again = make(&client, "plate", plate).await?;
    assert_eq!(again.id, job.id);
    let failed = make(&client, "spacer", "A spacer. [sim:fail]").await?;
    assert_eq!(failed.status, JobStatus::Failed);

    let books = simulator.books();
    assert_eq!(books.jobs.len(), 2);
    assert_eq!(books.idempotency.replays, 1);
    assert_eq!(books.totals.charged_cents.0, 150);
    assert_eq!(books.early_polls.count, 0);
    Ok(())
}

fn main() -> Result<(), Error> {
    // Time that passes whenever there is nothing else to do.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(check())?;
    println!("two jobs, one of them failed: charged once, asked for twice, never polled too soon");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[tokio::test(start_paused = true)]
    async fn a_part_is_made_once_and_a_failure_is_free() {
        super::check().await.unwrap();
    }
}
