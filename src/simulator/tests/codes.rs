//! Every error code of the document, and those that it leaves to us, provoked by name: by an ordinary request, by a
//! directive, or by a control call.

use super::uploads::{FORM, JOBS, PROMPT, form};
use super::*;
use crate::simulator::{ApiKey, Cents, Scope};

/// Section "Common error codes", in its order, with the statuses of "Common statuses".
const DOCUMENTED: [(&str, u16); 21] = [
    ("missing_prompt", 400),
    ("prompt_too_long", 400),
    ("invalid_json", 400),
    ("invalid_form_data", 400),
    ("json_images_unsupported", 400),
    ("unsupported_image_field", 400),
    ("invalid_file_type", 400),
    ("file_too_large", 400),
    ("too_many_images", 400),
    ("idempotency_key_required", 400),
    ("idempotency_key_conflict", 409),
    ("job_already_running", 409),
    ("job_not_completed", 409),
    ("cad_revision_required", 409),
    ("review_agent_failed", 502),
    ("review_agent_unavailable", 503),
    ("billing_required", 402),
    ("billing_needs_review", 402),
    ("insufficient_balance", 402),
    ("projected_balance_exceeded", 429),
    ("rate_limited", 429),
];

/// Codes for statuses that the document describes without naming one, and for what no endpoint takes.
const OURS: [(&str, u16); 8] = [
    ("unauthorized", 401),
    ("insufficient_scope", 403),
    ("not_found", 404),
    ("method_not_allowed", 405),
    ("invalid_request", 400),
    ("payload_too_large", 413),
    ("internal_error", 500),
    ("service_unavailable", 503),
];

#[tokio::test(start_paused = true)]
async fn every_code_can_be_provoked() {
    for (code, status) in DOCUMENTED.into_iter().chain(OURS) {
        let answer = provoke(code).await;
        assert_eq!(
            (answer.code().as_str(), answer.status.as_u16()),
            (code, status)
        );
        assert_eq!(
            answer.header("x-request-id"),
            answer.text("request_id"),
            "{code}"
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{code}");
        let message = answer.json()["error"]["message"].clone();
        assert!(
            message.as_str().is_some_and(|text| !text.is_empty()),
            "{code}"
        );
        let told = !answer.header("retry-after").is_empty();
        assert_eq!(told, status == 429, "{code}");
    }
}

async fn provoke(code: &str) -> Answer {
    let client = Client::new(Config {
        balance_cents: Cents(300),
        keys: vec![
            ApiKey::new(SIM_API_KEY, Scope::ALL),
            ApiKey::new("gcad_sim_reader", [Scope::CadRead]),
        ],
        ..Config::default()
    });
    match code {
        "missing_prompt" | "prompt_too_long" | "invalid_json" | "json_images_unsupported" => {
            let body = match code {
                "missing_prompt" => "{}".to_owned(),
                "prompt_too_long" => json!({ "prompt": "x".repeat(60_001) }).to_string(),
                "invalid_json" => "{".to_owned(),
                _ => r#"{"prompt": "A plate", "images": []}"#.to_owned(),
            };
            client.post_as(JOBS, "k", "application/json", body).await
        }
        "invalid_form_data"
        | "unsupported_image_field"
        | "invalid_file_type"
        | "file_too_large"
        | "too_many_images" => client.post_as(JOBS, "k", FORM, bad_form(code)).await,
        "idempotency_key_required" => client.create("", PLATE).await,
        "idempotency_key_conflict" => {
            client.job("k", PLATE).await;
            client.create("k", "A spacer").await
        }
        "job_already_running"
        | "job_not_completed"
        | "cad_revision_required"
        | "review_agent_failed"
        | "review_agent_unavailable" => about_a_job(&client, code).await,
        "billing_required"
        | "billing_needs_review"
        | "service_unavailable"
        | "insufficient_balance"
        | "projected_balance_exceeded" => about_money(&client, code).await,
        "rate_limited" => {
            for _ in 0..10 {
                client.job("k", PLATE).await;
            }
            client.create("k", PLATE).await
        }
        "unauthorized" => {
            let key = json!({ "key": SIM_API_KEY, "state": "revoked" });
            client.post("/_sim/keys", "", key).await;
            client.get(JOBS).await
        }
        "insufficient_scope" => {
            let reader = Client {
                api_key: "gcad_sim_reader".to_owned(),
                ..client
            };
            reader.create("k", PLATE).await
        }
        "not_found" => client.get("/api/v1/cad/jobs/cadjob_x").await,
        "method_not_allowed" => client.post("/api/v1/billing/balance", "k", json!({})).await,
        "payload_too_large" => {
            let body = vec![b' '; 64 * 1024 * 1024 + 1];
            client.post_as(JOBS, "k", "application/json", body).await
        }
        "internal_error" => {
            let rule = json!({ "on": "create", "fault": { "kind": "answer", "status": 500 } });
            let rules = json!({ "rules": [rule] });
            client.post("/_sim/faults", "", rules).await;
            client.create("k", PLATE).await
        }
        "invalid_request" => client.get("/api/v1/cad/jobs?limit=101").await,
        unknown => panic!("nobody knows how to provoke {unknown}"),
    }
}

fn bad_form(code: &str) -> Vec<u8> {
    let large = vec![0; 10 * 1024 * 1024 + 1];
    let image = ("images", Some("a.png"), Some("image/png"), b"x".as_slice());
    match code {
        "invalid_form_data" => form(&[PROMPT, PROMPT]),
        "unsupported_image_field" => form(&[PROMPT, ("image", image.1, image.2, image.3)]),
        "invalid_file_type" => form(&[PROMPT, ("images", image.1, Some("image/bmp"), image.3)]),
        "file_too_large" => form(&[PROMPT, ("images", image.1, image.2, &large)]),
        _ => form(&[PROMPT, image, image, image, image, image, image]),
    }
}

async fn about_a_job(client: &Client, code: &str) -> Answer {
    let (prompt, wait, question) = match code {
        "job_already_running" | "job_not_completed" => (PLATE, 0, "Risks?"),
        "cad_revision_required" => ("A plate [sim:fail][sim:duration=1]", 1, "Risks?"),
        "review_agent_failed" => (PLATE, 100, "Risks? [sim:review-fails]"),
        _ => (PLATE, 100, "Risks? [sim:review-unavailable]"),
    };
    let job = client.job("k1", prompt).await;
    pass(wait).await;
    let endpoint = if code == "job_already_running" {
        "messages"
    } else {
        "review"
    };
    let body = json!({ "prompt": question });
    client.post(&format!("{job}/{endpoint}"), "k2", body).await
}

async fn about_money(client: &Client, code: &str) -> Answer {
    let control = match code {
        "billing_required" => Some(("/_sim/billing", json!({ "state": "required" }))),
        "billing_needs_review" => Some(("/_sim/billing", json!({ "state": "needs-review" }))),
        "service_unavailable" => Some(("/_sim/billing", json!({ "state": "unavailable" }))),
        "insufficient_balance" => Some(("/_sim/balance", json!({ "cents": 0 }))),
        _ => None,
    };
    match control {
        Some((path, body)) => {
            let answer = client.post(path, "", body).await;
            assert_eq!(answer.status, 200, "{code}");
        }
        None => {
            client.job("k1", PLATE).await;
        }
    }
    client.create("k2", PLATE).await
}

#[tokio::test(start_paused = true)]
async fn every_endpoint_asks_for_its_scopes_and_for_no_others() {
    const JOB: &str = "/api/v1/cad/jobs/cadjob_x";
    const DOWNLOAD: &str = "/api/v1/artifacts/art_x/download";
    let all = [
        (Scope::CadRead, "cad:read"),
        (Scope::CadWrite, "cad:write"),
        (Scope::BillingRead, "billing:read"),
    ];
    for (method, path, needed) in [
        (Method::GET, JOBS.to_owned(), vec!["cad:read"]),
        (Method::POST, JOBS.to_owned(), vec!["cad:write"]),
        (Method::GET, JOB.to_owned(), vec!["cad:read"]),
        (Method::GET, format!("{JOB}/messages"), vec!["cad:read"]),
        (Method::POST, format!("{JOB}/messages"), vec!["cad:write"]),
        (
            Method::POST,
            format!("{JOB}/review"),
            vec!["cad:read", "cad:write"],
        ),
        (Method::GET, format!("{JOB}/artifacts"), vec!["cad:read"]),
        (Method::GET, DOWNLOAD.to_owned(), vec!["cad:read"]),
        (
            Method::GET,
            "/api/v1/billing/balance".to_owned(),
            vec!["billing:read"],
        ),
    ] {
        // Each set of scopes that a key can have.
        for set in 0..8_u8 {
            let has = |index: usize| set & (1 << index) != 0;
            let scopes = all.iter().enumerate().filter(|(index, _)| has(*index));
            let client = Client::new(Config {
                keys: vec![ApiKey::new(
                    SIM_API_KEY,
                    scopes.map(|(_, (scope, _))| *scope),
                )],
                ..Config::default()
            });
            let answer = if method == Method::GET {
                client.get(&path).await
            } else {
                client
                    .post(&path, "k", json!({ "prompt": "A plate" }))
                    .await
            };
            let mut named = all.iter().enumerate();
            let missing = named.find(|(index, (_, name))| !has(*index) && needed.contains(name));
            let refused = answer.code() == "insufficient_scope";
            assert_eq!(
                refused,
                missing.is_some(),
                "{method} {path} {set}: {answer:?}"
            );
            assert_eq!(refused, answer.status == 403, "{method} {path} {set}");
            if let Some((_, (_, name))) = missing {
                let message = answer.json()["error"]["message"].clone();
                assert!(message.as_str().unwrap().contains(name), "{message}");
            }
        }
    }
}
