//! A job from its create to its files.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_job_is_queued_runs_completes_and_gives_its_file() {
    let client = Client::new(Config::default());
    let created = client.create("k1", PLATE).await;
    assert_eq!(created.status, 202);
    assert_eq!(created.json()["status"], "queued");
    assert_eq!(created.json()["poll_after_seconds"], 30);
    assert_eq!(created.header("cache-control"), "no-store");
    assert_eq!(created.header("x-request-id"), created.text("request_id"));
    let job = format!("/api/v1/cad/jobs/{}", created.text("id"));

    pass(30).await;
    let running = client.get(&job).await.json();
    assert_eq!(running["status"], "running");
    assert_eq!(running["poll_after_seconds"], 30);
    assert_eq!(running["assembly_tree"], Value::Null);
    assert_eq!(
        running["cost"],
        json!({ "currency": "usd", "charged_cents": null })
    );

    pass(70).await;
    let done = client.get(&job).await.json();
    assert_eq!(done["status"], "completed");
    assert_eq!(done["poll_after_seconds"], Value::Null);
    assert_eq!(done["cost"]["charged_cents"], 150);
    assert_eq!(done["updated_at"], "2026-05-20T14:01:40.000Z");
    assert_eq!(
        done["assembly_tree"]["artifact_id"],
        done["artifacts"][0]["id"]
    );
    assert_eq!(done["artifacts"][0]["label"], "mounting_plate");

    let url = done["artifacts"][0]["download_url"].as_str().unwrap();
    let redirect = client.get(url).await;
    assert_eq!(redirect.status, 302);
    let told = client.get(&format!("{url}?redirect=false")).await.json();
    assert_eq!(told["expires_in_seconds"], 900);
    assert_eq!(redirect.header("location"), told["url"]);
    let link = told["url"]
        .as_str()
        .unwrap()
        .strip_prefix("http://127.0.0.1:8081")
        .unwrap();
    let file = client
        .send(Request::get(link).body(Body::empty()).unwrap())
        .await;
    assert!(
        file.bytes.starts_with(b"ISO-10303-21;") && file.bytes.ends_with(b"END-ISO-10303-21;\n")
    );
    let forged = link.replace("expires=1", "expires=2");
    assert_eq!(client.get(&forged).await.status, 403);
    pass(900).await;
    assert_eq!(client.get(link).await.status, 403);

    let books = client.simulator.books();
    assert_eq!(books.jobs[0].downloads.values().sum::<u64>(), 1);
    assert_eq!(books.early_polls.count, 0);
    // The link was also tried with the key, as some clients follow a redirect.
    assert_eq!(books.leaks, 2);
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_makes_the_next_revision_and_keeps_the_last_one_visible() {
    let client = Client::new(Config::default());
    let job = client.job("k1", PLATE).await;
    let messages = format!("{job}/messages");
    let thicker = json!({ "prompt": "Make it 8 mm thick. [sim:duration=100][sim:cost=130]" });
    assert_eq!(
        client.post(&messages, "k2", thicker.clone()).await.code(),
        "job_already_running"
    );
    pass(100).await;
    let first = client.get(&job).await.text("latest_revision_id");

    let accepted = client.post(&messages, "k2", thicker).await;
    assert_eq!(accepted.status, 202);
    pass(50).await;
    let during = client.get(&job).await.json();
    assert_eq!(
        (&during["status"], &during["latest_revision_id"]),
        (&json!("running"), &json!(first))
    );
    assert_eq!(during["cost"]["charged_cents"], Value::Null);
    pass(50).await;
    let done = client.get(&job).await.json();
    assert_ne!(done["latest_revision_id"], first);
    assert_eq!(done["cost"]["charged_cents"], 280);
    assert!(done["explanation"].as_str().unwrap().contains("8 mm thick"));

    let history = client.get(&messages).await.json();
    let spoken: Vec<_> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            (
                message["role"].as_str().unwrap(),
                message["revision"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        spoken,
        [
            ("user", None),
            ("assistant", Some("A")),
            ("user", None),
            ("assistant", Some("B"))
        ]
    );
    assert_eq!(history["messages"][0]["content"], PLATE);
    assert_eq!(history["messages"][2]["id"], accepted.text("message_id"));
}

#[tokio::test(start_paused = true)]
async fn reviews_are_answered_at_once_and_only_on_completed_jobs() {
    let client = Client::new(Config::default());
    let job = client.job("k1", PLATE).await;
    let review = format!("{job}/review");
    let question =
        json!({ "prompt": "Any risks? [sim:propose=1]", "viewer_state": { "camera": {} } });
    assert_eq!(
        client.post(&review, "r1", question.clone()).await.code(),
        "job_not_completed"
    );
    pass(100).await;
    let answered = client.post(&review, "r1", question.clone()).await;
    assert_eq!(answered.status, 200);
    assert!(answered.json()["review"]["iteration_proposal"]["prompt"].is_string());
    let again = client.post(&review, "r2", question).await.json();
    assert_eq!(again["review"]["iteration_proposal"], Value::Null);
    let unknown = json!({ "prompt": "And this?", "revision_id": "rev_unknown" });
    assert_eq!(client.post(&review, "r3", unknown).await.status, 404);
    let history = client.get(&format!("{job}/messages")).await.json();
    assert_eq!(history["messages"][3]["review"], answered.json()["review"]);

    let failed = client.job("k2", "A plate [sim:fail][sim:duration=1]").await;
    pass(1).await;
    let refused = client
        .post(&format!("{failed}/review"), "r4", json!({ "prompt": "?" }))
        .await;
    assert_eq!(refused.code(), "cad_revision_required");
}

#[tokio::test(start_paused = true)]
async fn the_same_prompt_and_seed_have_the_same_fate_and_file() {
    let night = async |key: &str| {
        let client = Client::new(Config {
            seed: 7,
            ..Config::default()
        });
        let prompt = "A bracket, 60 x 40 x 5 mm [sim:files=3]";
        let job = client.job(key, prompt).await;
        pass(240).await;
        let status = client.get(&job).await.json();
        (
            status["updated_at"].clone(),
            status["cost"].clone(),
            status["assembly_tree"].clone(),
        )
    };
    let one = night("some key").await;
    let other = night("another key").await;
    assert_eq!(one.1, other.1);
    assert_eq!(one.2, other.2);
    assert_eq!(one.2["children"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_directive_fails_the_first_attempts_at_a_content() {
    let client = Client::new(Config::default());
    let mut outcomes = Vec::new();
    for key in ["k1", "k2", "k3"] {
        let job = client
            .job(key, "A plate [sim:fail=2][sim:duration=1]")
            .await;
        pass(30).await;
        outcomes.push(client.get(&job).await.text("status"));
    }
    assert_eq!(outcomes, ["failed", "failed", "completed"]);
}

#[tokio::test(start_paused = true)]
async fn the_list_is_newest_first_searchable_and_paged() {
    let client = Client::new(Config::default());
    for size in 1..=5 {
        client
            .create(
                &format!("k{size}"),
                &format!("A mounting plate, {size}0 x 40 mm"),
            )
            .await;
    }
    client.create("k6", "A spacer").await;
    let titles = |page: &Value| -> Vec<String> {
        let jobs = page["jobs"].as_array().unwrap();
        jobs.iter()
            .map(|job| job["prompt_preview"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = client
        .get("/api/v1/cad/jobs?limit=3&q=MOUNTING%20plate")
        .await
        .json();
    assert_eq!(
        titles(&first),
        [
            "A mounting plate, 50 x 40 mm",
            "A mounting plate, 40 x 40 mm",
            "A mounting plate, 30 x 40 mm"
        ]
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = client
        .get(&format!("/api/v1/cad/jobs?cursor={cursor}"))
        .await
        .json();
    assert_eq!(
        titles(&rest),
        [
            "A mounting plate, 20 x 40 mm",
            "A mounting plate, 10 x 40 mm"
        ]
    );
    assert_eq!(rest["next_cursor"], Value::Null);
    for bad in [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=%21",
        "cursor=OTk5OTk6Mjo",
        "limit=1&limit=2",
    ] {
        assert_eq!(
            client.get(&format!("/api/v1/cad/jobs?{bad}")).await.status,
            400,
            "{bad}"
        );
    }
}
