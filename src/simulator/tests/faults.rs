//! Faults at the seam: each kind, in process.

use std::pin::pin;

use futures_util::FutureExt as _;

use super::*;
use crate::simulator::{FaultRule, Severed};

fn client(rules: &str) -> Client {
    let client = Client::new(Config::default());
    client
        .simulator
        .add_faults(FaultRule::parse_all(&format!("{{\"rules\":[{rules}]}}")).unwrap());
    client
}

/// A completed job behind rules that begin afterwards.
async fn completed(rules: &str) -> (Client, String) {
    let client = Client::new(Config::default());
    let job = client
        .job("k0", "A plate [sim:duration=1][sim:propose]")
        .await;
    pass(100).await;
    client
        .simulator
        .add_faults(FaultRule::parse_all(&format!("{{\"rules\":[{rules}]}}")).unwrap());
    (client, job)
}

impl Client {
    /// Sends without reading the answer's body.
    async fn raw(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    fn create_request(&self, key: &str) -> Request<Body> {
        Request::post("/api/v1/cad/jobs")
            .header("authorization", format!("Bearer {}", self.api_key))
            .header("idempotency-key", key)
            .body(Body::from(json!({ "prompt": PLATE }).to_string()))
            .unwrap()
    }

    fn get_request(&self, path: &str) -> Request<Body> {
        Request::get(path)
            .header("authorization", format!("Bearer {}", self.api_key))
            .header("host", "127.0.0.1:8080")
            .body(Body::empty())
            .unwrap()
    }

    fn jobs(&self) -> usize {
        self.simulator.books().totals.jobs
    }
}

#[tokio::test(start_paused = true)]
async fn strange_answers_are_as_the_rule_says() {
    for (fault, status, kind, begins, retry_after, jobs) in [
        (
            r#""rate_limited""#,
            429,
            "application/json",
            r#"{"error":{"code":"rate_limited""#,
            "5",
            0,
        ),
        (
            r#"{"kind":"rate_limited","retry_after":"-1"}"#,
            429,
            "application/json",
            r#"{"error""#,
            "-1",
            0,
        ),
        (
            r#"{"kind":"answer","status":503}"#,
            503,
            "application/json",
            r#"{"error":{"code":"service_unavailable""#,
            "",
            0,
        ),
        (
            r#"{"kind":"answer","status":502,"shape":"html","effect":"applied"}"#,
            502,
            "text/html; charset=utf-8",
            "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title>",
            "",
            1,
        ),
        (
            r#"{"kind":"answer","status":429,"shape":"html"}"#,
            429,
            "text/html; charset=utf-8",
            "<!DOCTYPE html>\n<html><head><title>429 Too Many Requests</title>",
            "",
            0,
        ),
        (
            r#"{"kind":"answer","status":599,"shape":"html"}"#,
            599,
            "text/html; charset=utf-8",
            "<!DOCTYPE html>\n<html><head><title>599 Unknown</title>",
            "",
            0,
        ),
        (
            r#"{"kind":"answer","status":500,"shape":"text","retry_after":1.5}"#,
            500,
            "application/json",
            "{\"id\": \"cadjob_385f, upstream",
            "1.5",
            0,
        ),
        (
            r#"{"kind":"answer","status":504,"shape":"empty"}"#,
            504,
            "application/json",
            "",
            "",
            0,
        ),
        (
            r#"{"kind":"answer","status":418,"code":"teapot","message":"short and stout"}"#,
            418,
            "application/json",
            r#"{"error":{"code":"teapot","message":"short and stout"}"#,
            "",
            0,
        ),
        (
            r#""not_json""#,
            202,
            "application/json",
            "{\"id\": \"cadjob_385f, ",
            "",
            1,
        ),
        (
            r#""html""#,
            202,
            "text/html; charset=utf-8",
            "<!DOCTYPE html>\n<html><head><title>202 Accepted</title>",
            "",
            1,
        ),
        (r#""empty""#, 202, "application/json", "", "", 1),
    ] {
        let client = client(&format!(r#"{{"on":"create","nth":1,"fault":{fault}}}"#));
        let answer = client.create("k1", PLATE).await;
        assert_eq!(answer.status, status, "{fault}");
        assert_eq!(answer.header("content-type"), kind, "{fault}");
        assert!(answer.bytes.starts_with(begins.as_bytes()), "{fault}");
        assert_eq!(answer.bytes.is_empty(), begins.is_empty(), "{fault}");
        assert_eq!(answer.header("retry-after"), retry_after, "{fault}");
        assert_eq!(client.jobs(), jobs, "{fault}");
        // The exact retry ends well, and nothing is there twice.
        assert_eq!(client.create("k1", PLATE).await.status, 202, "{fault}");
        assert_eq!(client.jobs(), 1, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_severs_the_answer_before_or_after_the_effect() {
    for (effect, jobs) in [("none", 0), ("applied", 1)] {
        let client = client(&format!(
            r#"{{"on":"create","nth":1,"fault":{{"kind":"reset","effect":"{effect}"}}}}"#
        ));
        let answer = client.raw(client.create_request("k1")).await;
        assert!(answer.extensions().get::<Severed>().is_some());
        assert!(answer.into_body().collect().await.is_err());
        assert_eq!(client.jobs(), jobs, "{effect}");
        assert_eq!(client.create("k1", PLATE).await.status, 202);
        assert_eq!(client.jobs(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_hangs_has_no_answer_though_it_may_have_happened() {
    let client = client(r#"{"on":"create","fault":{"kind":"hang","effect":"applied"}}"#);
    {
        let mut hanging = pin!(client.raw(client.create_request("k1")));
        assert!((&mut hanging).now_or_never().is_none());
        pass(86_400).await;
        assert!((&mut hanging).now_or_never().is_none());
    }
    assert_eq!(client.jobs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_takes_its_time_on_the_simulators_clock() {
    let (client, job) =
        completed(r#"{"on":"status","nth":1,"fault":{"kind":"slow","seconds":32}}"#).await;
    let started = tokio::time::Instant::now();
    let answer = client.get(&job).await;
    let took = started.elapsed();
    assert!((31..=32).contains(&took.as_secs()), "{took:?}");
    assert_eq!(answer.json()["status"], "completed");
    assert_eq!(
        answer.header("content-length"),
        answer.bytes.len().to_string()
    );
}

#[tokio::test(start_paused = true)]
async fn half_a_body_arrives_and_then_the_line_is_cut() {
    let (client, job) = completed(r#"{"on":"status","nth":1,"fault":"truncated"}"#).await;
    let answer = client.raw(client.get_request(&job)).await;
    let promised: usize = answer.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut body = answer.into_body();
    let half = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(half.len(), promised / 2);
    assert!(body.frame().await.unwrap().is_err());
    assert_eq!(client.get(&job).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_goes_on_for_whoever_reads() {
    let (client, job) = completed(r#"{"on":"status","fault":"endless"}"#).await;
    let answer = client.raw(client.get_request(&job)).await;
    assert_eq!(answer.headers().get("content-length"), None);
    let mut body = answer.into_body();
    let mut read = 0;
    while read < 9 * 1024 * 1024 {
        let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
        if read == 0 {
            assert!(piece.starts_with(b"{\"id\":"));
        }
        read += piece.len();
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_url_is_handed_out_or_met() {
    let (client, job) = completed(r#"{"on":"download","times":2,"fault":"expired_url"}"#).await;
    let status = client.get(&job).await.json();
    let url = status["artifacts"][0]["download_url"].as_str().unwrap();
    let path = |url: &str| url[url.find("/_storage/").unwrap()..].to_owned();
    let told = client.get(&format!("{url}?redirect=false")).await;
    assert_eq!(client.get(&path(&told.text("url"))).await.status, 403);
    let location = client.get(url).await;
    assert_eq!(
        client.get(&path(location.header("location"))).await.status,
        403
    );
    let good = client.get(&format!("{url}?redirect=false")).await;
    let rule = r#"{"rules":[{"on":"storage","nth":1,"fault":"expired_url"}]}"#;
    client
        .simulator
        .add_faults(FaultRule::parse_all(rule).unwrap());
    assert_eq!(client.get(&path(&good.text("url"))).await.status, 403);
    assert_eq!(client.get(&path(&good.text("url"))).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_url_stands_wherever_a_file_is_named() {
    for (to, expected) in [
        (
            "other_host",
            "https://storage.attacker.example/part.step?signature=0",
        ),
        (
            "plain_http",
            "http://storage.attacker.example/part.step?signature=0",
        ),
        ("file", "file:///etc/passwd"),
        (
            "private_address",
            "http://169.254.169.254/latest/meta-data/",
        ),
        ("//evil.example/f", "//evil.example/f"),
    ] {
        let (client, job) = completed(&format!(
            r#"{{"on":"any","fault":{{"kind":"foreign_url","to":"{to}"}}}}"#
        ))
        .await;
        let status = client.get(&job).await.json();
        assert_eq!(status["artifacts"][0]["download_url"], expected);
        let artifact = status["artifacts"][0]["id"].as_str().unwrap();
        let download = format!("/api/v1/artifacts/{artifact}/download");
        let told = client.get(&format!("{download}?redirect=false")).await;
        assert_eq!(told.text("url"), expected);
        assert_eq!(client.get(&download).await.header("location"), expected);
        let listed = client.get(&format!("{job}/artifacts")).await.json();
        assert_eq!(listed["artifacts"][0]["download_url"], expected);
        let history = client.get(&format!("{job}/messages")).await.json();
        assert_eq!(
            history["messages"][1]["artifacts"][0]["download_url"],
            expected
        );
    }
}

#[tokio::test(start_paused = true)]
async fn hostile_words_stand_in_every_text_but_the_clients_own() {
    let (client, job) =
        completed(r#"{"on":"any","fault":{"kind":"hostile","words":"terminal"}}"#).await;
    let is_hostile = |value: &Value| {
        let text = value.as_str().unwrap();
        text.chars().any(char::is_control)
    };
    let status = client.get(&job).await.json();
    assert!(is_hostile(&status["explanation"]));
    assert!(is_hostile(&status["assembly_tree"]["label"]));
    assert!(is_hostile(&status["artifacts"][0]["filename"]));
    let listed = client.get("/api/v1/cad/jobs").await.json();
    assert!(is_hostile(&listed["jobs"][0]["title"]));
    let history = client.get(&format!("{job}/messages")).await.json();
    assert!(!is_hostile(&history["messages"][0]["content"]));
    assert!(is_hostile(&history["messages"][1]["content"]));
    let question = json!({ "prompt": "Risks? [sim:propose]" });
    let review = client
        .post(&format!("{job}/review"), "r1", question)
        .await
        .json();
    assert!(is_hostile(&review["review"]["message"]));
    assert!(is_hostile(
        &review["review"]["iteration_proposal"]["summary"]
    ));
    let refused = client.get("/api/v1/cad/jobs/none").await;
    assert_eq!(refused.code(), "not_found");
    assert!(is_hostile(&refused.json()["error"]["message"]));

    // The kinds take turns, and the same answer is spoiled in the same way.
    let (client, job) = completed(r#"{"on":"status","fault":"hostile"}"#).await;
    let first = client.get(&job).await.json();
    assert_eq!(
        client.get(&job).await.json()["artifacts"],
        first["artifacts"]
    );
    let texts = first.to_string();
    for expected in ["\\u001b[2J", "\u{202e}", "../../etc", "<script>", "=cmd|"] {
        assert!(texts.contains(expected), "{expected}: {texts}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_executed_or_has_the_same_key() {
    for (copy, jobs) in [("executed", 2), ("same_key", 1)] {
        let client = client(&format!(
            r#"{{"on":"create","nth":1,"fault":{{"kind":"duplicated","copy":"{copy}"}}}}"#
        ));
        let first = client.create("k1", PLATE).await;
        assert_eq!(
            (first.status.as_u16(), client.jobs()),
            (202, jobs),
            "{copy}"
        );
        let again = client.create("k1", PLATE).await;
        assert_eq!(again.text("id"), first.text("id"));
        assert_eq!(client.jobs(), jobs);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_request_has_its_effect_when_nobody_waits_any_more() {
    let client = client(r#"{"on":"create","nth":1,"fault":{"kind":"late","seconds":600}}"#);
    let answer = client.raw(client.create_request("k1")).await;
    assert!(answer.extensions().get::<Severed>().is_some());
    tokio::task::yield_now().await;
    pass(599).await;
    tokio::task::yield_now().await;
    assert_eq!(client.jobs(), 0);
    pass(2).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let books = client.simulator.books();
    assert_eq!(books.jobs[0].created_ms, START_MS + 601_000);
    assert_eq!(
        client.create("k1", PLATE).await.text("id"),
        books.jobs[0].id.as_str()
    );
}
