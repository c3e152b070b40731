//! Bodies: multipart as clients write it, and everything that is wrong with one.

use super::*;

pub(super) const JOBS: &str = "/api/v1/cad/jobs";
pub(super) const FORM: &str = "multipart/form-data; boundary=XX";

/// One part: its name, file name, type and bytes.
pub(super) type Part<'a> = (&'a str, Option<&'a str>, Option<&'a str>, &'a [u8]);

pub(super) fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, filename, kind, bytes) in parts {
        body.extend(format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"").bytes());
        body.extend(
            filename
                .iter()
                .flat_map(|name| format!("; filename=\"{name}\"").into_bytes()),
        );
        body.extend(
            kind.iter()
                .flat_map(|kind| format!("\r\nContent-Type: {kind}").into_bytes()),
        );
        body.extend(b"\r\n\r\n");
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--XX--\r\n");
    body
}

fn image(bytes: &[u8]) -> Part<'_> {
    ("images", Some("a.png"), Some("image/png"), bytes)
}

pub(super) const PROMPT: Part<'static> = ("prompt", None, None, b"A plate");

#[tokio::test(start_paused = true)]
async fn images_are_kept_as_what_they_are_but_not_their_bytes() {
    let client = Client::new(Config::default());
    let body = form(&[PROMPT, image(b"hello")]);
    let created = client.post_as(JOBS, "k1", FORM, body).await;
    assert_eq!(created.status, 202);
    let history = client
        .get(&format!("{JOBS}/{}/messages", created.text("id")))
        .await
        .json();
    let shown = &history["messages"][0]["images"][0];
    assert_eq!(shown["filename"], "a.png");
    assert_eq!(shown["content_type"], "image/png");
    assert_eq!(shown["size_bytes"], 5);
    let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(client.simulator.books().jobs[0].images, [digest]);

    let other_bytes = form(&[PROMPT, image(b"hullo")]);
    let conflict = client.post_as(JOBS, "k1", FORM, other_bytes).await;
    assert_eq!(conflict.code(), "idempotency_key_conflict");
    let reframed = String::from_utf8(form(&[PROMPT, image(b"hello")]))
        .unwrap()
        .replace("XX", "YY");
    let replay = client
        .post_as(JOBS, "k1", "multipart/form-data; boundary=\"YY\"", reframed)
        .await;
    assert_eq!(
        replay.text("id"),
        created.text("id"),
        "framing does not count"
    );
}

#[tokio::test(start_paused = true)]
async fn forms_that_break_a_rule_are_refused_by_name() {
    let config = Config {
        limits: crate::simulator::Limits::off(),
        ..Config::default()
    };
    let client = Client::new(config);
    let cases: [(&str, &[Part<'_>]); 7] = [
        ("missing_prompt", &[image(b"x")]),
        (
            "too_many_images",
            &[
                PROMPT,
                image(b"1"),
                image(b"2"),
                image(b"3"),
                image(b"4"),
                image(b"5"),
                image(b"6"),
            ],
        ),
        (
            "unsupported_image_field",
            &[PROMPT, ("image", Some("a.png"), Some("image/png"), b"x")],
        ),
        (
            "invalid_file_type",
            &[
                PROMPT,
                ("images", Some("a.svg"), Some("image/svg+xml"), b"x"),
            ],
        ),
        (
            "invalid_file_type",
            &[PROMPT, ("images", Some("a.png"), None, b"x")],
        ),
        ("invalid_form_data", &[PROMPT, PROMPT]),
        ("invalid_form_data", &[("prompt", None, None, b"\xff")]),
    ];
    for (code, parts) in cases {
        let answer = client.post_as(JOBS, "k", FORM, form(parts)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, code)
        );
    }
    for body in [
        "",
        "--XX",
        "garbage",
        "--XX\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\ncut",
    ] {
        assert_eq!(
            client.post_as(JOBS, "k", FORM, body).await.code(),
            "invalid_form_data",
            "{body}"
        );
    }
    let no_boundary = client.post_as(JOBS, "k", "multipart/form-data", "x").await;
    assert_eq!(no_boundary.code(), "invalid_form_data");
}

#[tokio::test(start_paused = true)]
async fn an_image_may_have_ten_mebibytes_and_not_one_byte_more() {
    let client = Client::new(Config::default());
    let mut bytes = vec![7; 10 * 1024 * 1024];
    let fits = client
        .post_as(JOBS, "k1", FORM, form(&[PROMPT, image(&bytes)]))
        .await;
    assert_eq!(fits.status, 202);
    bytes.push(7);
    let too_large = client
        .post_as(JOBS, "k2", FORM, form(&[PROMPT, image(&bytes)]))
        .await;
    assert_eq!(too_large.code(), "file_too_large");
}

#[tokio::test(start_paused = true)]
async fn json_bodies_are_held_to_the_prompt() {
    let config = Config {
        limits: crate::simulator::Limits::off(),
        ..Config::default()
    };
    let client = Client::new(config);
    let cases = [
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ("{}", "missing_prompt"),
        (r#"{"prompt": 5}"#, "missing_prompt"),
        (r#"{"prompt": " \n "}"#, "missing_prompt"),
        (
            r#"{"prompt": "A plate", "images": []}"#,
            "json_images_unsupported",
        ),
    ];
    for (body, code) in cases {
        assert_eq!(
            client
                .post_as(JOBS, "k", "application/json", body)
                .await
                .code(),
            code
        );
    }
    assert_eq!(
        client.create("k", &"ü".repeat(60_001)).await.code(),
        "prompt_too_long"
    );
    assert_eq!(client.create("k", &"ü".repeat(60_000)).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_form_is_json_whatever_it_is_called() {
    let client = Client::new(Config::default());
    for (n, kind) in ["text/plain", "application/vnd.api+json", ""]
        .iter()
        .enumerate()
    {
        let key = format!("k{n}");
        let body = r#"{"prompt":"A plate"}"#;
        let created = client.post_as("/api/v1/cad/jobs", &key, kind, body).await;
        assert_eq!(created.status, 202, "{kind}");
        let refused = client
            .post_as("/api/v1/cad/jobs", "other", kind, "prompt=A+plate")
            .await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (400, "invalid_json"),
            "{kind}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_nobody_chose_is_none() {
    let client = Client::new(Config::default());
    let form = |content: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nA plate\r\n\
             --b\r\nContent-Disposition: form-data; name=\"images\"; filename=\"\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n{content}\r\n--b--\r\n"
        )
    };
    let kind = "multipart/form-data; boundary=b";
    let sent = client
        .post_as("/api/v1/cad/jobs", "a", kind, form(""))
        .await;
    assert_eq!(sent.status, 202);
    let sent = client
        .post_as("/api/v1/cad/jobs", "b", kind, form("bytes"))
        .await;
    assert_eq!(sent.code(), "invalid_file_type");
}

#[tokio::test(start_paused = true)]
async fn half_a_character_in_json_is_a_replacement_character() {
    let client = Client::new(Config::default());
    let send = async |path: &str, key: &str, body: String| {
        client.post_as(path, key, "application/json", body).await
    };
    let halved = r#"{"prompt": "A plate \ud83d [sim:duration=1]"}"#;
    let created = send(JOBS, "k1", halved.to_owned()).await;
    assert_eq!(created.status, 202, "{created:?}");
    let replaced = halved.replace("d83d", "fffd");
    let again = send(JOBS, "k1", replaced).await;
    assert_eq!(again.text("id"), created.text("id"));
    let job = format!("{JOBS}/{}", created.text("id"));
    pass(1).await;
    let review = r#"{"prompt": "\udc00?", "viewer_state": {"snapshots": [{"label": "\ud83d"}]}}"#;
    let reviewed = send(&format!("{job}/review"), "r1", review.to_owned()).await;
    assert_eq!(reviewed.status, 200, "{reviewed:?}");
    let history = client.get(&format!("{job}/messages")).await.json();
    let said = |index: usize| history["messages"][index]["content"].clone();
    assert_eq!(said(0), "A plate \u{fffd} [sim:duration=1]");
    assert_eq!(said(2), "\u{fffd}?");
    // Each is one character.
    let long = |count: usize| format!(r#"{{"prompt": "{}"}}"#, r"\ud83d".repeat(count));
    assert_eq!(send(JOBS, "k2", long(60_000)).await.status, 202);
    let code = send(JOBS, "k3", long(60_001)).await.code();
    assert_eq!(code, "prompt_too_long");
    let broken = r#"{"prompt": "\ud83"}"#.to_owned();
    assert_eq!(send(JOBS, "k4", broken).await.code(), "invalid_json");
}
