//! Somebody in the web app, and reviews that lead to an iteration.

use super::*;
use crate::simulator::Source;

impl Client {
    async fn control(&self, path: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_of_the_web_app_iterates_behind_the_clients_back() {
    let client = Client::new(Config::default());
    let job = client.job("k1", PLATE).await;
    let id = job.rsplit('/').next().unwrap().to_owned();
    pass(100).await;
    let before = client.get(&job).await.json();
    let money = client.available().await;

    let messages = format!("/_sim/webapp/jobs/{id}/messages");
    let typed = json!({ "prompt": "Make it 9 mm thick. [sim:duration=60][sim:cost=170]" });
    let started = client.control(&messages, typed.clone()).await;
    assert_eq!(started.json()["status"], "queued", "{started:?}");
    // To the client the job is simply busy.
    let refused = client
        .post(
            &format!("{job}/messages"),
            "k2",
            json!({ "prompt": "Thinner." }),
        )
        .await;
    assert_eq!(refused.code(), "job_already_running");
    let again = client.control(&messages, typed).await;
    assert_eq!(again.code(), "job_already_running");
    assert_eq!(client.get(&job).await.json()["status"], "queued");

    pass(60).await;
    let after = client.get(&job).await.json();
    assert_ne!(after["latest_revision_id"], before["latest_revision_id"]);
    assert!(
        after["explanation"]
            .as_str()
            .unwrap()
            .contains("9 mm thick")
    );
    assert_eq!(client.available().await, money - 170);
    let history = client.get(&format!("{job}/messages")).await.json();
    assert_eq!(history["messages"][3]["revision"], "B");
    let books = client.simulator.books();
    let sources: Vec<Source> = books.jobs[0]
        .writes
        .iter()
        .map(|write| write.source)
        .collect();
    assert_eq!(sources, [Source::Api, Source::Webapp]);
    assert_eq!(books.idempotency.seen, 1, "they have no keys");
    assert_eq!(books.early_polls.count, 0, "nobody was told to wait");
}

#[tokio::test(start_paused = true)]
async fn jobs_of_the_web_app_are_listed_and_hidden_ones_are_not() {
    let client = Client::new(Config::default());
    let typed = json!({ "prompt": "A spacer [sim:duration=1]" });
    let started = client.control("/_sim/webapp/jobs", typed).await;
    let theirs = started.text("id");
    client.create("k1", PLATE).await;
    let listed = async || -> Vec<(String, String)> {
        let list = client.get("/api/v1/cad/jobs?limit=1").await.json();
        let mut jobs = list["jobs"].as_array().unwrap().clone();
        if let Some(cursor) = list["next_cursor"].as_str() {
            let rest = client
                .get(&format!("/api/v1/cad/jobs?cursor={cursor}"))
                .await
                .json();
            jobs.extend(rest["jobs"].as_array().unwrap().clone());
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        jobs.iter()
            .map(|job| (text(&job["source"]), text(&job["title"])))
            .collect()
    };
    let plate = ("api".to_owned(), "Mounting plate".to_owned());
    let spacer = ("webapp".to_owned(), "Spacer".to_owned());
    assert_eq!(listed().await, [plate.clone(), spacer.clone()]);

    let hidden = format!("/_sim/jobs/{theirs}/hidden");
    let done = client.control(&hidden, json!({ "hidden": true })).await;
    assert_eq!(done.json()["hidden"], true);
    assert_eq!(listed().await, std::slice::from_ref(&plate));
    // Who knows its id still finds it, and may go on with it.
    let job = format!("/api/v1/cad/jobs/{theirs}");
    pass(60).await;
    assert_eq!(client.get(&job).await.json()["status"], "completed");
    let follow_up = json!({ "prompt": "Make it 9 mm thick." });
    let messages = format!("{job}/messages");
    let accepted = client.post(&messages, "k2", follow_up).await;
    assert_eq!(accepted.status, 202);
    client.control(&hidden, json!({ "hidden": false })).await;
    assert_eq!(listed().await, [plate, spacer]);

    let nobody = client
        .control("/_sim/jobs/none/hidden", json!({ "hidden": true }))
        .await;
    assert_eq!(nobody.status, 404);
    let wrong = client
        .control("/_sim/webapp/jobs", json!({ "promt": "A plate" }))
        .await;
    assert_eq!(wrong.code(), "invalid_request");
}

#[tokio::test]
async fn what_the_web_app_did_outlives_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let clock = Clock::new(START_MS, 1.0);
        Client::of(Simulator::open(Config::default(), clock, Some(dir.path())).unwrap())
    };
    let client = open();
    let typed = json!({ "prompt": "A spacer" });
    let started = client.control("/_sim/webapp/jobs", typed).await;
    let hidden = format!("/_sim/jobs/{}/hidden", started.text("id"));
    client.control(&hidden, json!({ "hidden": true })).await;
    let before = client.simulator.books();
    drop(client);
    let client = open();
    assert_eq!(client.simulator.books().jobs, before.jobs);
    let list = client.get("/api/v1/cad/jobs").await.json();
    assert_eq!(list["jobs"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_review_proposes_until_what_it_proposed_is_done() {
    let client = Client::new(Config::default());
    let job = client.job("k1", "A plate [sim:duration=1]").await;
    pass(60).await;
    let (review_path, messages) = (format!("{job}/review"), format!("{job}/messages"));
    let mut number = 0;
    let mut review = async || {
        number += 1;
        let question = json!({ "prompt": "Ready? [sim:propose=until-done]" });
        let key = format!("r{number}");
        let answer = client.post(&review_path, &key, question).await.json();
        answer["review"]["iteration_proposal"].clone()
    };
    let proposal = review().await;
    assert_eq!(review().await, proposal);
    let follow = async |key: &str, prompt: &str| {
        let prompt = format!("{prompt} [sim:duration=1]");
        let accepted = client
            .post(&messages, key, json!({ "prompt": prompt }))
            .await;
        assert_eq!(accepted.status, 202);
        pass(60).await;
    };
    follow("k2", "Make it 9 mm thick.").await;
    assert!(review().await.is_object(), "something else was done");
    let prompt = proposal["prompt"].as_str().unwrap();
    // A run that failed has done nothing; while the job is so there is no review.
    follow("k3", &format!("{prompt} [sim:fail]")).await;
    follow("k4", prompt).await;
    assert_eq!(review().await, Value::Null);
}
