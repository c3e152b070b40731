//! Somebody in the web app, and reviews that lead to an iteration.

use super::*;
use crate::simulator::{AfterFailure, Cents, Source, Switches, Visibility};

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

#[tokio::test(start_paused = true)]
async fn the_web_app_may_go_on_with_a_failed_job_as_the_switch_has_it() {
    for (after_failure, code) in [
        (AfterFailure::Accepted, ""),
        (AfterFailure::Refused, "job_not_completed"),
    ] {
        let client = Client::new(Config {
            switches: Switches {
                visibility: Visibility {
                    after_failure,
                    ..Visibility::default()
                },
                ..Switches::default()
            },
            ..Config::default()
        });
        let failing = json!({ "prompt": "A plate [sim:fail][sim:duration=1]" });
        let started = client.control("/_sim/webapp/jobs", failing).await;
        pass(1).await;
        let messages = format!("/_sim/webapp/jobs/{}/messages", started.text("id"));
        let typed = json!({ "prompt": "Once more." });
        let answer = client.control(&messages, typed).await;
        assert_eq!(answer.code(), code, "{answer:?}");
        let runs = client.simulator.books().jobs[0].writes.len();
        assert_eq!(runs, 1 + usize::from(code.is_empty()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_billing_stops_the_web_app_as_it_stops_clients() {
    for (control, body, code, status) in [
        (
            "/_sim/billing",
            json!({ "state": "required" }),
            "billing_required",
            402,
        ),
        (
            "/_sim/billing",
            json!({ "state": "needs-review" }),
            "billing_needs_review",
            402,
        ),
        (
            "/_sim/billing",
            json!({ "state": "unavailable" }),
            "service_unavailable",
            503,
        ),
        (
            "/_sim/balance",
            json!({ "cents": 199 }),
            "insufficient_balance",
            402,
        ),
    ] {
        let client = Client::new(Config::default());
        let typed = json!({ "prompt": "A plate [sim:duration=1]" });
        let started = client.control("/_sim/webapp/jobs", typed.clone()).await;
        let messages = format!("/_sim/webapp/jobs/{}/messages", started.text("id"));
        pass(1).await;
        let before = client.simulator.books();
        client.control(control, body).await;
        for path in ["/_sim/webapp/jobs", &messages] {
            let answer = client.control(path, typed.clone()).await;
            let seen = (answer.code(), answer.status.as_u16());
            assert_eq!(seen, (code.to_owned(), status), "{path}");
        }
        let books = client.simulator.books();
        assert_eq!(books.jobs, before.jobs, "{code}: nothing began");

        client
            .control("/_sim/billing", json!({ "state": "open" }))
            .await;
        client
            .control("/_sim/balance", json!({ "cents": 400 }))
            .await;
        let answer = client.control(&messages, typed.clone()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = client.control("/_sim/webapp/jobs", typed).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(client.available().await, 0, "both took a hold");
    }
}

#[tokio::test(start_paused = true)]
async fn holds_of_clients_are_in_the_way_of_the_web_app() {
    let client = Client::new(Config {
        balance_cents: Cents(300),
        ..Config::default()
    });
    client.job("k1", PLATE).await;
    let typed = json!({ "prompt": "A spacer" });
    let answer = client.control("/_sim/webapp/jobs", typed).await;
    assert_eq!(answer.code(), "projected_balance_exceeded");
    assert_eq!(answer.status, 429);
    assert_eq!(client.simulator.books().jobs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn control_calls_take_a_body_whatever_its_type_says() {
    for kind in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/json; charset=utf-8",
        "what is this",
    ] {
        let client = Client::new(Config::default());
        let send =
            async |path: &str, body: &str| client.post_as(path, "", kind, body.to_owned()).await;
        let typed = r#"{"prompt": "A plate, cut \ud83d [sim:duration=1]"}"#;
        let started = send("/_sim/webapp/jobs", typed).await;
        let id = started.text("id");
        pass(1).await;
        for (path, body) in [
            ("/_sim/top-up".to_owned(), r#"{"cents": 1000}"#),
            ("/_sim/balance".to_owned(), r#"{"cents": 5000}"#),
            ("/_sim/billing".to_owned(), r#"{"state": "open"}"#),
            (
                "/_sim/keys".to_owned(),
                r#"{"key": "gcad_sim_0123456789abcdef", "state": "valid"}"#,
            ),
            (format!("/_sim/jobs/{id}/hidden"), r#"{"hidden": false}"#),
            (format!("/_sim/jobs/{id}/charge"), ""),
            (
                format!("/_sim/webapp/jobs/{id}/messages"),
                r#"{"prompt": "Thicker."}"#,
            ),
            ("/_sim/faults".to_owned(), r#"{"rules": []}"#),
        ] {
            let answer = send(&path, body).await;
            assert_eq!(answer.status, 200, "{kind} {path}: {answer:?}");
        }
        for body in ["", "cents=1000", r#"{"cents": 1"#, r#"{"cent": 1}"#, "[1]"] {
            let answer = send("/_sim/top-up", body).await;
            assert_eq!(answer.code(), "invalid_request", "{kind} {body}");
        }
        let bare = Request::post("/_sim/top-up").body(Body::from(r#"{"cents": 1}"#));
        assert_eq!(
            client.send(bare.unwrap()).await.status,
            200,
            "no type at all"
        );
        let prompt = &client.simulator.books().jobs[0].prompt;
        assert!(prompt.contains("cut \u{fffd} ["), "{prompt}");
    }
}
