//! The floor: what the requests and the rows cost by themselves.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use millrun::simulator::SIM_API_KEY;
use serde_json::{Value, json};

const IN_FLIGHT: usize = 256;
const GROUP: usize = 64;

/// Sends the requests of `parts` parts, and writes `rows` meanwhile; how long both took.
pub(crate) async fn run(
    place: &Path,
    base_url: &str,
    parts: usize,
    reviews: usize,
    rows: &[String],
) -> Duration {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let (sender, receiver) = mpsc::channel::<()>();
    let path = place.join("floor.db");
    // Each part brings as many rows as the engine wrote for one.
    let mut chunks: Vec<Vec<String>> = rows
        .chunks(rows.len().div_ceil(parts))
        .map(<[String]>::to_vec)
        .collect();
    let start = Instant::now();
    let writer = std::thread::spawn(move || {
        let mut connection = rusqlite::Connection::open(path).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection
            .pragma_update(None, "synchronous", "FULL")
            .unwrap();
        connection
            .execute_batch(
                "create table events (seq integer primary key, body text not null) strict",
            )
            .unwrap();
        let mut waiting: Vec<String> = Vec::new();
        loop {
            let more = receiver.recv().is_ok();
            waiting.extend(chunks.pop().unwrap_or_default());
            while waiting.len() >= GROUP || (!more && !waiting.is_empty()) {
                let change = connection.transaction().unwrap();
                for row in waiting.drain(..waiting.len().min(GROUP)) {
                    change
                        .prepare_cached("insert into events (body) values (?)")
                        .unwrap()
                        .execute([row])
                        .unwrap();
                }
                change.commit().unwrap();
            }
            if !more {
                return;
            }
        }
    });
    let work = futures_util::stream::iter(0..parts).for_each_concurrent(IN_FLIGHT, |n| {
        let (client, sender) = (&client, sender.clone());
        async move {
            part(client, base_url, n, reviews).await;
            sender.send(()).unwrap();
        }
    });
    work.await;
    drop(sender);
    writer.join().unwrap();
    start.elapsed()
}

async fn part(client: &reqwest::Client, base_url: &str, n: usize, reviews: usize) {
    let get = async |path: String| json_of(client.get(format!("{base_url}/api/v1/{path}"))).await;
    let post = async |path: String, key: String, body: Value| {
        let request = client
            .post(format!("{base_url}/api/v1/{path}"))
            .header("Idempotency-Key", key);
        json_of(
            request
                .header("Content-Type", "application/json")
                .body(body.to_string()),
        )
        .await
    };
    get("billing/balance".to_owned()).await;
    let prompt = json!({ "prompt": format!("A box {n} mm [sim:duration=0]") });
    let job = post("cad/jobs".to_owned(), format!("create-{n}"), prompt).await;
    let job = job["id"].as_str().unwrap();
    let done = get(format!("cad/jobs/{job}")).await;
    for artifact in done["artifacts"].as_array().unwrap() {
        let link = get(format!(
            "artifacts/{}/download?redirect=false",
            artifact["id"].as_str().unwrap()
        ))
        .await;
        client
            .get(link["url"].as_str().unwrap())
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
    }
    for review in 0..reviews {
        let prompt = json!({ "prompt": format!("Look at it for the {review}th time.") });
        post(
            format!("cad/jobs/{job}/review"),
            format!("review-{n}-{review}"),
            prompt,
        )
        .await;
    }
}

async fn json_of(request: reqwest::RequestBuilder) -> Value {
    let response = request
        .bearer_auth(SIM_API_KEY)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}
