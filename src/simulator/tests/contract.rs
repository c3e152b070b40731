//! The simulator held to the API document's own examples: every answer has exactly the fields of its example, of the
//! same JSON types, and nothing is null that would not be at that moment.

use super::*;

macro_rules! example {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            "../../../tests/fixtures/api/",
            $name,
            ".json"
        )))
        .unwrap()
    };
}

/// What a field that the examples show as null, or that the answer has as null, is when it is not: by its name, since no
/// name means two things in this API.
fn nullable(field: &str) -> Option<Value> {
    Some(match field {
        "next_cursor" | "explanation" => json!("text"),
        "latest_revision_id" | "revision_id" => json!("rev_4FIoIk2zfzNGakNvYMXDAA"),
        "revision" => json!("A"),
        "poll_after_seconds" => json!(30),
        "charged_cents" => json!(200),
        "iteration_proposal" => json!({ "summary": "text", "prompt": "text" }),
        "assembly_tree" => example!("poll_job_status")["assembly_tree"].clone(),
        "review" => example!("ask_the_review_assistant")["review"].clone(),
        _ => return None,
    })
}

/// An element of an array that an example shows empty.
fn element(field: &str) -> Value {
    match field {
        "children" => example!("poll_job_status")["assembly_tree"].clone(),
        "artifacts" => example!("poll_job_status")["artifacts"][0].clone(),
        _ => panic!("{field} is always empty"),
    }
}

/// Holds `answer` to `example`: objects have the same fields, arrays the same kind of elements, texts the same form.
fn assert_like(answer: &Value, example: &Value, path: &str) {
    let field = path.rsplit('.').next().unwrap_or_default();
    match (answer, example) {
        (Value::Null, _) => assert!(nullable(field).is_some(), "{path} is null"),
        (answer, Value::Null) => {
            let example = nullable(field).unwrap_or_else(|| panic!("{path} is never null"));
            assert_like(answer, &example, path);
        }
        (Value::Object(answer), Value::Object(example)) => {
            let names = |object: &serde_json::Map<String, Value>| -> Vec<String> {
                object.keys().cloned().collect()
            };
            assert_eq!(names(answer), names(example), "{path}");
            for (name, value) in answer {
                assert_like(value, &example[name], &format!("{path}.{name}"));
            }
        }
        (Value::Array(answers), Value::Array(examples)) => {
            for answer in answers {
                let example = examples.first().cloned().unwrap_or_else(|| element(field));
                assert_like(answer, &example, path);
            }
        }
        (Value::String(answer), Value::String(example)) => {
            assert_eq!(
                form(answer),
                form(example),
                "{path}: {answer} and {example}"
            );
        }
        (Value::Number(answer), Value::Number(_)) => {
            assert!(answer.is_u64(), "{path} is {answer}");
        }
        (answer, example) => panic!("{path}: {answer} is not like {example}"),
    }
}

/// Ids keep their prefix, their length and which characters are letters; times and UUIDs keep their punctuation. Other
/// texts have no form.
fn form(text: &str) -> String {
    let is_time = text.len() == 24 && text.ends_with('Z') && text.contains('T');
    let is_uuid = text.len() == 36 && text.matches('-').count() == 4;
    if is_time || is_uuid {
        let hidden = |c: char| if c.is_ascii_hexdigit() { 'x' } else { c };
        return text.chars().map(hidden).collect();
    }
    for prefix in ["cadjob_", "rev_", "art_", "file_", "req_"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return format!("{prefix}{}", rest.len());
        }
    }
    if let Some(rest) = text.strip_prefix("/api/v1/artifacts/") {
        return format!("/api/v1/artifacts/{}", rest.len());
    }
    "text".to_owned()
}

/// Holds an answer to `example`, and to what every answer of the API has.
fn hold(answer: &Answer, status: u16, example: &Value) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_stamped(answer);
    assert_eq!(answer.header("x-request-id"), answer.text("request_id"));
    let body = answer.json();
    assert_like(&body, example, "");
    body
}

fn assert_stamped(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(form(answer.header("x-request-id")), "req_32");
}

/// A client of a world without rate limits: this is about answers.
fn unlimited() -> Client {
    Client::new(Config {
        limits: crate::simulator::Limits::off(),
        ..Config::default()
    })
}

const JOBS: &str = "/api/v1/cad/jobs";

/// A job with an image, done, reviewed with a proposal, continued and done again; and its path.
async fn long_life(client: &Client) -> String {
    let form = "--XX\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\nA bracket [sim:duration=9][sim:files=3]\r\n\
                --XX\r\ncontent-disposition: form-data; name=\"images\"; filename=\"sketch.png\"\r\n\
                content-type: image/png\r\n\r\nbytes\r\n--XX--\r\n";
    let kind = "multipart/form-data; boundary=XX";
    let created = client.post_as(JOBS, "k1", kind, form).await;
    hold(&created, 202, &example!("create_a_cad_job"));
    let job = format!("{JOBS}/{}", created.text("id"));
    pass(9).await;
    let question = json!({ "prompt": "Risks? [sim:propose]" });
    let reviewed = client.post(&format!("{job}/review"), "k2", question).await;
    let reviewed = hold(&reviewed, 200, &example!("ask_the_review_assistant"));
    assert!(reviewed["review"]["iteration_proposal"].is_object());
    let thicker = json!({ "prompt": "8 mm thick [sim:duration=9][sim:files=3]" });
    let queued = client.post(&format!("{job}/messages"), "k3", thicker).await;
    hold(&queued, 202, &example!("send_a_follow_up_iteration"));
    pass(9).await;
    job
}

#[tokio::test(start_paused = true)]
async fn every_endpoint_answers_with_the_fields_of_its_example() {
    let client = unlimited();
    let job = long_life(&client).await;

    let done = hold(&client.get(&job).await, 200, &example!("poll_job_status"));
    assert_eq!(done["artifacts"].as_array().unwrap().len(), 3);
    assert_eq!(
        done["assembly_tree"]["children"].as_array().unwrap().len(),
        2
    );
    for field in ["explanation", "latest_revision_id", "assembly_tree"] {
        assert!(!done[field].is_null(), "{field}");
    }
    assert!(done["cost"]["charged_cents"].is_u64());

    let listed = client.get(&format!("{job}/artifacts")).await;
    let listed = hold(&listed, 200, &example!("list_latest_artifacts"));
    assert_eq!(listed["artifacts"], done["artifacts"]);
    assert_eq!(listed["assembly_tree"], done["assembly_tree"]);
    assert_eq!(listed["revision_id"], done["latest_revision_id"]);

    client.create("k9", "A spacer").await;
    let page = client.get(&format!("{JOBS}?limit=1")).await;
    let page = hold(&page, 200, &example!("list_recent_jobs"));
    assert!(page["next_cursor"].is_string());
    assert_eq!(page["jobs"][0]["source"], "api");
    let page = client.get(JOBS).await;
    let page = hold(&page, 200, &example!("list_recent_jobs"));
    assert!(page["next_cursor"].is_null());

    let balance = client.get("/api/v1/billing/balance").await;
    hold(&balance, 200, &example!("read_billing_status"));
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_message_has_the_fields_of_its_example() {
    let client = unlimited();
    let job = long_life(&client).await;
    let example = example!("read_message_history");
    let history = client.get(&format!("{job}/messages")).await;
    let history = hold(&history, 200, &example);
    // The user's prompt with an image, its revision, the review's question and answer, the follow-up and its revision.
    let kinds = [0, 1, 0, 2, 0, 1];
    let messages = history["messages"].as_array().unwrap();
    assert_eq!(messages.len(), kinds.len());
    for (message, kind) in messages.iter().zip(kinds) {
        let example = &example["messages"][kind];
        assert_eq!(message["role"], example["role"]);
        for field in ["revision_id", "revision", "review"] {
            assert_eq!(
                message[field].is_null(),
                example[field].is_null(),
                "{field}"
            );
        }
        for field in ["artifacts", "images"] {
            for element in message[field].as_array().unwrap() {
                assert_like(element, &example[field][0], field);
            }
        }
    }
    assert_eq!(messages[0]["images"].as_array().unwrap().len(), 1);
    assert_eq!(messages[1]["artifacts"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_not_done_has_the_same_fields_with_nulls() {
    let client = unlimited();
    let example = example!("poll_job_status");
    let queued = client.job("k1", "A plate [sim:duration=100]").await;
    let failed = client.job("k2", "A plate [sim:fail][sim:duration=1]").await;
    pass(50).await;
    for (job, status) in [(&queued, "running"), (&failed, "failed")] {
        let body = hold(&client.get(job).await, 200, &example);
        assert_eq!(body["status"], status);
        assert_eq!(body["poll_after_seconds"].is_null(), status == "failed");
        for field in ["explanation", "latest_revision_id", "assembly_tree"] {
            assert!(body[field].is_null(), "{field}");
        }
        assert_eq!(body["artifacts"], json!([]));
        let listed = client.get(&format!("{job}/artifacts")).await;
        hold(&listed, 200, &example!("list_latest_artifacts"));
        let history = client.get(&format!("{job}/messages")).await;
        hold(&history, 200, &example!("read_message_history"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_is_a_redirect_or_on_request_json() {
    let client = unlimited();
    let job = long_life(&client).await;
    let done = client.get(&job).await.json();
    let url = done["artifacts"][0]["download_url"].as_str().unwrap();
    let redirect = client.get(url).await;
    assert_eq!(redirect.status, 302);
    assert_stamped(&redirect);
    assert!(redirect.header("location").starts_with("http://127.0.0.1"));
    let told = client.get(&format!("{url}?redirect=false")).await;
    let told = hold(&told, 200, &example!("download_a_step_file"));
    assert_eq!(told["artifact_id"], done["artifacts"][0]["id"]);
    assert_eq!(told["filename"], done["artifacts"][0]["filename"]);
}

#[tokio::test(start_paused = true)]
async fn every_error_has_the_documented_shape() {
    let client = unlimited();
    let example = example!("error_shape");
    let running = client.job("k1", PLATE).await;
    let prompt = json!({ "prompt": "Thicker" });
    for (status, answer) in [
        (400, client.post(JOBS, "k2", json!({})).await),
        (400, client.post(JOBS, "", prompt.clone()).await),
        (400, client.get(&format!("{JOBS}?limit=0")).await),
        (404, client.get(&format!("{JOBS}/cadjob_none")).await),
        (404, client.get("/api/v1/artifacts/art_none/download").await),
        (404, client.get("/api/v1/nothing").await),
        (
            405,
            client.post("/api/v1/billing/balance", "k", json!({})).await,
        ),
        (
            409,
            client.post(JOBS, "k1", json!({ "prompt": "Other" })).await,
        ),
        (
            409,
            client
                .post(&format!("{running}/messages"), "k4", prompt.clone())
                .await,
        ),
        (
            409,
            client
                .post(&format!("{running}/review"), "k5", prompt.clone())
                .await,
        ),
        (
            401,
            client
                .send(Request::get(JOBS).body(Body::empty()).unwrap())
                .await,
        ),
    ] {
        hold(&answer, status, &example);
    }
    let poor = Client::new(Config {
        balance_cents: crate::simulator::Cents(0),
        ..Config::default()
    });
    hold(&poor.create("k", "A plate").await, 402, &example);
}

#[tokio::test(start_paused = true)]
async fn the_documented_requests_are_taken() {
    let client = unlimited();
    let create = example!("create_a_cad_job.request");
    let created = client.post(JOBS, "k1", create).await;
    hold(&created, 202, &example!("create_a_cad_job"));
    let job = format!("{JOBS}/{}", created.text("id"));
    pass(300).await;
    let follow_up = example!("send_a_follow_up_iteration.request");
    let queued = client
        .post(&format!("{job}/messages"), "k2", follow_up)
        .await;
    hold(&queued, 202, &example!("send_a_follow_up_iteration"));
    pass(300).await;
    let mut review = example!("ask_the_review_assistant.request");
    review["revision_id"] = client.get(&job).await.json()["latest_revision_id"].clone();
    for (key, question) in [
        ("k3", review),
        ("k4", example!("ask_the_review_assistant.snapshot.request")),
    ] {
        let answered = client.post(&format!("{job}/review"), key, question).await;
        hold(&answered, 200, &example!("ask_the_review_assistant"));
    }
}

#[tokio::test(start_paused = true)]
async fn every_documented_image_type_is_taken() {
    let client = unlimited();
    for kind in [
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "image/heic",
        "image/heif",
    ] {
        let form = format!(
            "--XX\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\nA plate\r\n\
             --XX\r\ncontent-disposition: form-data; name=\"images\"; filename=\"a\"\r\n\
             content-type: {kind}\r\n\r\nbytes\r\n--XX--\r\n"
        );
        let created = client
            .post_as(JOBS, kind, "multipart/form-data; boundary=XX", form)
            .await;
        let history = format!("{JOBS}/{}/messages", created.text("id"));
        let history = client.get(&history).await.json();
        assert_eq!(history["messages"][0]["images"][0]["content_type"], kind);
    }
}
