//! The OpenAPI document held to the simulator's real answers: statuses, content types, headers and bodies.

use std::collections::BTreeSet;

use super::schema::{self, resolved};
use super::*;
use crate::simulator::{ApiKey, Cents, Limits, Quota, Scope};

const JOBS: &str = "/api/v1/cad/jobs";
const FORM: &str = "multipart/form-data; boundary=XX";

/// A simulator whose every answer is held to its own document.
struct Described {
    client: Client,
    document: Value,
    /// `GET /path 200`
    seen: BTreeSet<String>,
    codes: BTreeSet<String>,
}

impl Described {
    async fn new(config: Config) -> Self {
        let client = Client::new(config);
        let document = client.get("/api/v1/openapi.json").await;
        assert_eq!(
            (document.status.as_u16(), document.header("cache-control")),
            (200, "no-store")
        );
        Self {
            document: document.json(),
            client,
            seen: BTreeSet::new(),
            codes: BTreeSet::new(),
        }
    }

    /// A workspace that refuses nothing for its limits.
    async fn unlimited() -> Self {
        Self::new(Config {
            limits: Limits::off(),
            ..Config::default()
        })
        .await
    }

    async fn get(&mut self, template: &str, id: &str, query: &str) -> Value {
        let path = path(template, id);
        let answer = self.client.get(&format!("{path}{query}")).await;
        self.hold("get", template, &answer)
    }

    async fn post(&mut self, template: &str, id: &str, key: &str, body: Value) -> Value {
        let kind = "application/json";
        self.post_as(template, id, key, (kind, body.to_string()))
            .await
    }

    async fn post_as(
        &mut self,
        template: &str,
        id: &str,
        key: &str,
        (kind, body): (&str, String),
    ) -> Value {
        let answer = self
            .client
            .post_as(&path(template, id), key, kind, body)
            .await;
        self.hold("post", template, &answer)
    }

    /// Finds the answer's description, and holds the answer to it.
    fn hold(&mut self, method: &str, template: &str, answer: &Answer) -> Value {
        let status = answer.status.as_u16();
        let case = format!("{} {template} {status}", method.to_uppercase());
        let operation = &self.document["paths"][template][method];
        assert!(operation.is_object(), "{case}: no such operation");
        let response = &operation["responses"][status.to_string()];
        assert!(response.is_object(), "{case} is not described: {answer:?}");
        let response = resolved(&self.document, response);
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let header = resolved(&self.document, header);
            match answer.headers.get(name) {
                Some(value) => {
                    let value = value.to_str().unwrap().into();
                    schema::hold(
                        &self.document,
                        &header["schema"],
                        &value,
                        &format!("{case} {name}"),
                    );
                }
                None => assert_ne!(header["required"], true, "{case} has no {name}"),
            }
        }
        let body = match &response["content"] {
            Value::Null => Value::Null,
            content => {
                let kind = answer.header("content-type");
                assert!(content[kind].is_object(), "{case} is {kind:?}");
                schema::hold(
                    &self.document,
                    &content[kind]["schema"],
                    &answer.json(),
                    &case,
                );
                answer.json()
            }
        };
        if status >= 400 {
            self.codes.insert(answer.code());
        }
        self.seen.insert(case);
        body
    }

    /// What is described, and was no answer yet.
    fn unmet(&self) -> BTreeSet<String> {
        let mut unmet = BTreeSet::new();
        for (template, methods) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                for status in operation["responses"].as_object().unwrap().keys() {
                    unmet.insert(format!("{} {template} {status}", method.to_uppercase()));
                }
            }
        }
        &unmet - &self.seen
    }
}

fn path(template: &str, id: &str) -> String {
    template
        .replace("{job_id}", id)
        .replace("{artifact_id}", id)
}

const JOB: &str = "/api/v1/cad/jobs/{job_id}";
const MESSAGES: &str = "/api/v1/cad/jobs/{job_id}/messages";
const REVIEW: &str = "/api/v1/cad/jobs/{job_id}/review";
const ARTIFACTS: &str = "/api/v1/cad/jobs/{job_id}/artifacts";
const DOWNLOAD: &str = "/api/v1/artifacts/{artifact_id}/download";
const BALANCE: &str = "/api/v1/billing/balance";

fn prompt(text: &str) -> Value {
    json!({ "prompt": text })
}

/// Every answer of a job's life.
async fn live(api: &mut Described) {
    let form = "--XX\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\nA plate [sim:duration=9][sim:files=3]\r\n\
                --XX\r\ncontent-disposition: form-data; name=\"images\"; filename=\"a.png\"\r\n\
                content-type: image/png\r\n\r\nx\r\n--XX--\r\n";
    let created = api.post_as(JOBS, "", "k1", (FORM, form.to_owned())).await;
    let job = created["id"].as_str().unwrap();
    for template in [JOB, MESSAGES, ARTIFACTS] {
        api.get(template, job, "").await;
    }
    api.post(MESSAGES, job, "k2", prompt("Thicker")).await;
    api.post(REVIEW, job, "k2", prompt("Risks?")).await;
    pass(9).await;
    api.post(REVIEW, job, "k3", prompt("Risks? [sim:propose]"))
        .await;
    api.post(MESSAGES, job, "k4", prompt("Thicker [sim:duration=9]"))
        .await;
    pass(9).await;
    for template in [JOB, MESSAGES, ARTIFACTS] {
        api.get(template, job, "").await;
    }
    api.get(JOBS, "", "?limit=1&q=plate").await;
    api.get(BALANCE, "", "").await;
    let done = api.get(JOB, job, "").await;
    let artifact = done["artifacts"][0]["id"].as_str().unwrap();
    api.get(DOWNLOAD, artifact, "").await;
    api.get(DOWNLOAD, artifact, "?redirect=false").await;
}

/// Every refusal that an ordinary request can meet.
async fn be_refused(api: &mut Described) {
    let failed = api
        .post(JOBS, "", "f", prompt("A plate [sim:fail][sim:duration=1]"))
        .await;
    pass(1).await;
    api.post(
        REVIEW,
        failed["id"].as_str().unwrap(),
        "k",
        prompt("Risks?"),
    )
    .await;
    api.get(JOBS, "", "?limit=0").await;
    for body in ["{}", "{", r#"{"prompt":"A plate","images":[]}"#] {
        api.post_as(JOBS, "", "r1", ("application/json", body.to_owned()))
            .await;
    }
    api.post(JOBS, "", "r1", prompt(&"x".repeat(60_001))).await;
    api.post(JOBS, "", "", prompt("A plate")).await;
    api.post(JOBS, "", &"k".repeat(161), prompt("A plate"))
        .await;
    api.post(JOBS, "", "f", prompt("Another plate")).await;
    let image = "content-disposition: form-data; name=\"images\"; filename=\"a\"\r\ncontent-type: image/png\r\n\r\nx\r\n";
    let whole = format!("--XX\r\n{image}").repeat(6) + "--XX--\r\n";
    let svg = format!("--XX\r\n{image}--XX--\r\n").replace("image/png", "image/svg+xml");
    let field = svg.replace("name=\"images\"", "name=\"image\"");
    let large = svg.replace("svg+xml", "png").replace(
        "\r\n\r\nx",
        &format!("\r\n\r\n{}", "x".repeat(10 * 1024 * 1024 + 1)),
    );
    let endless = "x".repeat(65 * 1024 * 1024);
    for form in [whole, svg, field, large, "--XX".to_owned(), endless.clone()] {
        api.post_as(JOBS, "", "r2", (FORM, form)).await;
    }
    api.post_as(REVIEW, "cadjob_none", "r3", ("application/json", endless))
        .await;
    api.post(
        REVIEW,
        "cadjob_none",
        "r3",
        json!({ "prompt": "?", "revision_id": 5 }),
    )
    .await;
    for template in [JOB, MESSAGES, ARTIFACTS, DOWNLOAD] {
        api.get(template, "none", "").await;
    }
    api.post(MESSAGES, "none", "r4", json!({})).await;
    for template in [MESSAGES, REVIEW] {
        api.post(template, "none", "r4", prompt("Thicker")).await;
    }
}

/// Asks every endpoint once, whatever it says.
async fn ask_all(api: &mut Described) {
    for template in [JOBS, JOB, MESSAGES, ARTIFACTS, DOWNLOAD, BALANCE] {
        api.get(template, "none", "").await;
    }
    for template in [JOBS, MESSAGES, REVIEW] {
        api.post(template, "none", "all", prompt("A plate")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_as_it_is_described() {
    let mut api = Described::unlimited().await;
    live(&mut api).await;
    be_refused(&mut api).await;
    for (secret, scopes) in [("wrong", vec![]), (SIM_API_KEY, vec![])] {
        let keys = vec![ApiKey::new(SIM_API_KEY, scopes)];
        let mut stranger = Described::new(Config {
            keys,
            ..Config::default()
        })
        .await;
        stranger.client.api_key = secret.to_owned();
        ask_all(&mut stranger).await;
        api.seen.append(&mut stranger.seen);
        api.codes.append(&mut stranger.codes);
    }
    let one = Some(Quota {
        count: 1,
        window_ms: 60_000,
    });
    let limits = Limits {
        cad_writes: one,
        reviews: one,
        job_polls: one,
        reads: one,
        artifacts: one,
        balance: one,
    };
    let mut hurried = Described::new(Config {
        limits,
        ..Config::default()
    })
    .await;
    ask_all(&mut hurried).await;
    ask_all(&mut hurried).await;
    let keys = vec![ApiKey::new(SIM_API_KEY, Scope::ALL)];
    let poor = Config {
        keys,
        balance_cents: Cents(250),
        ..Config::default()
    };
    let mut poor = Described::new(poor).await;
    poor.post(JOBS, "", "p1", prompt("A plate [sim:duration=9]"))
        .await;
    poor.post(JOBS, "", "p2", prompt("A plate")).await;
    pass(9).await;
    poor.post(JOBS, "", "p3", prompt("A plate")).await;
    for mut other in [hurried, poor] {
        api.seen.append(&mut other.seen);
        api.codes.append(&mut other.codes);
    }

    // What is described and was not met, is no answer to an ordinary request.
    let rare = |case: &String| {
        ["500", "502", "503"]
            .iter()
            .any(|status| case.ends_with(status))
            || case == &format!("POST {MESSAGES} 402")
            || case == &format!("POST {MESSAGES} 413")
            || case.starts_with("GET /api/v1/openapi.json")
    };
    assert_eq!(api.unmet().iter().find(|case| !rare(case)), None);
    for code in [
        "invalid_request",
        "payload_too_large",
        "insufficient_scope",
        "cad_revision_required",
    ] {
        assert!(api.codes.contains(code), "{code} in {:?}", api.codes);
    }
}

#[tokio::test(start_paused = true)]
async fn every_described_operation_is_served_and_takes_no_other_method() {
    let client = Client::new(Config::default());
    let document = client.get("/api/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 8);
    for (template, methods) in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let request = Request::builder()
                .method(method)
                .uri(path(template, "none"));
            let answer = client.send(request.body(Body::empty()).unwrap()).await;
            let is_served = methods.get(method.to_lowercase()).is_some();
            assert_eq!(answer.status != 405, is_served, "{method} {template}");
            if !is_served {
                assert_eq!(answer.code(), "method_not_allowed");
                let allowed = answer.header("allow").to_lowercase();
                for method in methods.as_object().unwrap().keys() {
                    assert!(allowed.contains(method.as_str()), "{template}: {allowed}");
                }
            }
        }
    }
}
