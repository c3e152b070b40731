//! Asks the review assistant about what a viewer shows: a camera, and a picture with something marked. Start a service as
//! for `create_poll_download`, then, with the id of a completed job (`millrun jobs list`):
//!
//! ```sh
//! cargo run --example review_with_snapshot -- cadjob_… marked.png "Is this wall thick enough?"
//! ```

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example prints and reads its environment"
)]

use data_encoding::BASE64;
use millrun::api::{
    ApiKey, BaseUrl, Client, HttpTransport, IdempotencyKey, ImageType, JobId, ReviewRequest,
};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [job, picture, question] = words.as_slice() else {
        return Err("usage: review_with_snapshot JOB PICTURE QUESTION".into());
    };
    let base_url: BaseUrl = std::env::var("ORVILLE_BASE_URL")?.parse()?;
    let key = ApiKey::new(std::env::var("ORVILLE_API_KEY")?)?;
    let client = Client::new(HttpTransport::new(&base_url)?, base_url, key);

    let picture = std::fs::read(picture)?;
    let kind = ImageType::sniff(&picture).ok_or("the picture is of no type that the API takes")?;
    let viewer_state = json!({
        "camera": { "position": [120, 80, 90], "target": [0, 0, 0], "up": [0, 0, 1] },
        "snapshots": [{
            "label": "Marked area",
            "mime_type": kind.mime(),
            "data_base64": BASE64.encode(&picture),
            "source": "viewer_snapshot",
        }],
    });

    let id = JobId::new(job.as_str())?;
    let revision = client.job(&id).await?.value.latest_revision_id;
    let revision = revision.ok_or("the job has no revision yet")?;
    let request = ReviewRequest {
        prompt: question,
        revision_id: Some(&revision),
        viewer_state: Some(&viewer_state),
    };
    // One review for each revision: asking again with the same key gives the same answer, and another question with it
    // is refused.
    let key = IdempotencyKey::new(format!("example-review-{}", revision.as_str()))?;
    let review = client.review(&id, request, &key).await?.value.review;
    println!("{}", review.message.for_terminal());
    if let Some(proposal) = review.iteration_proposal.summary("summary") {
        println!("\nIt proposes: {}", proposal.for_terminal());
    }
    Ok(())
}
