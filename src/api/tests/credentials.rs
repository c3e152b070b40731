//! Whoever is not the API's exact origin sees no credential, however the client was sent there.

use http::header::{AUTHORIZATION, COOKIE, REFERER};

use super::documented;
use super::loopback::{Place, Server, response};
use super::scripted::{CANARY, Scripted, answer, key};
use crate::api::{
    ArtifactId, CallError, Client, JobId, JobQuery, Prompt, ReviewRequest, UnknownReason,
};

const STEP: &str = "ISO-10303-21;\nEND-ISO-10303-21;\n";
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];
const ARTIFACT: &str = "art_pW89wqwr67T7O00Ri_8ThA";

/// Where a redirect or a link may lead from <https://www.ballistalabs.ai>, and whether anything is fetched there.
const PLACES: [(&str, bool); 24] = [
    ("https://www.ballistalabs.ai:8443/f", true),
    ("https://www.ballistalabs.ai:443/f", true),
    ("https://WWW.BallistaLabs.AI/f", true),
    ("https://www.ballistalabs.ai./f", true),
    ("https://ballistalabs.ai/f", true),
    ("https://files.www.ballistalabs.ai/f", true),
    ("https://www.ballistalabs.ai.evil.example/f", true),
    ("https://www.b\u{e4}llistalabs.ai/f", true),
    ("https://www.xn--bllistalabs-l8a.ai/f", true),
    ("https://www\u{3002}ballistalabs\u{ff0e}ai/f", true),
    ("//evil.example/f", true),
    ("/f", true),
    (
        "https://evil.example/f?next=https://www.ballistalabs.ai/",
        true,
    ),
    ("https:\\\\evil.example\\f", true),
    ("http://www.ballistalabs.ai/f", false),
    ("http://www.ballistalabs.ai:443/f", false),
    ("https://key@www.ballistalabs.ai/f", false),
    ("https://www.ballistalabs.ai@evil.example/f", false),
    ("https://:word@evil.example/f", false),
    ("ftp://www.ballistalabs.ai/f", false),
    ("file:///etc/passwd", false),
    ("javascript:alert(1)", false),
    ("https://127.0.0.1/f", false),
    ("https://[::1]/f", false),
];

async fn every_json_call(client: &Client) -> Vec<Result<(), CallError>> {
    let job = JobId::new("cadjob_1").unwrap();
    let prompt = Prompt {
        text: "A plate.",
        images: &[],
    };
    let review = ReviewRequest {
        prompt: "Risks?",
        revision_id: None,
        viewer_state: None,
    };
    vec![
        client.list_jobs(JobQuery::default()).await.map(drop),
        client.create_job(prompt, &key()).await.map(drop),
        client.job(&job).await.map(drop),
        client.follow_up(&job, prompt, &key()).await.map(drop),
        client.review(&job, review, &key()).await.map(drop),
        client.messages(&job).await.map(drop),
        client.artifacts(&job).await.map(drop),
        client.balance().await.map(drop),
    ]
}

fn assert_redirected(result: &Result<(), CallError>, case: &str) {
    let Err(CallError::Unknown { reason, .. }) = result else {
        panic!("{case}: {result:?}");
    };
    assert_eq!(*reason, UnknownReason::Redirected, "{case}");
}

fn link(url: &str) -> String {
    serde_json::json!({ "url": url }).to_string()
}

async fn download(client: &Client) -> bool {
    let artifact = ArtifactId::new(ARTIFACT).unwrap();
    client.download(&artifact).await.is_ok()
}

/// The first request is the API's own; none of the others has any credential.
fn assert_only_the_first_has_credentials(script: &Scripted, count: usize, case: &str) {
    let (requests, _) = script.so_far();
    assert_eq!(requests.len(), count, "{case}");
    let url =
        format!("https://www.ballistalabs.ai/api/v1/artifacts/{ARTIFACT}/download?redirect=false");
    assert_eq!(requests[0].uri().to_string(), url);
    assert_eq!(
        requests[0].headers()[AUTHORIZATION],
        format!("Bearer {CANARY}")
    );
    for request in &requests[1..] {
        for name in [
            AUTHORIZATION.as_str(),
            COOKIE.as_str(),
            REFERER.as_str(),
            "idempotency-key",
        ] {
            assert!(!request.headers().contains_key(name), "{case}: {name}");
        }
        let shown = format!("{:?} {:?}", request.uri(), request.body());
        assert!(!shown.contains(CANARY), "{case}: {shown}");
    }
}

#[tokio::test]
async fn no_call_follows_a_redirect_wherever_it_leads() {
    for status in REDIRECTS {
        for (place, _) in PLACES.iter().filter(|(place, _)| place.is_ascii()) {
            let redirect = || answer(status, &[("location", *place)], "{}");
            let script = Scripted::new((0..8).map(|_| redirect()));
            for result in every_json_call(&script.client()).await {
                assert_redirected(&result, place);
            }
            for request in script.requests() {
                assert_eq!(request.uri().host(), Some("www.ballistalabs.ai"));
            }
        }
    }
}

#[tokio::test]
async fn a_link_is_fetched_without_credentials_or_not_at_all() {
    for (place, allowed) in PLACES {
        let script = Scripted::new([answer(200, &[], link(place)), answer(200, &[], STEP)]);
        assert_eq!(download(&script.client()).await, allowed, "{place}");
        assert_only_the_first_has_credentials(&script, 1 + usize::from(allowed), place);
    }
}

#[tokio::test]
async fn a_redirect_of_storage_is_followed_without_credentials_or_not_at_all() {
    for status in REDIRECTS {
        for (place, allowed) in PLACES.iter().filter(|(place, _)| place.is_ascii()) {
            let script = Scripted::new([
                answer(
                    200,
                    &[("set-cookie", "session=canary")],
                    link("https://storage.example/1"),
                ),
                answer(
                    status,
                    &[("location", *place), ("set-cookie", "s=canary")],
                    "",
                ),
                answer(200, &[], STEP),
            ]);
            let case = format!("{status} {place}");
            assert_eq!(download(&script.client()).await, *allowed, "{case}");
            assert_only_the_first_has_credentials(&script, 2 + usize::from(*allowed), &case);
        }
    }
}

#[tokio::test]
async fn the_documented_redirect_of_a_download_is_followed_without_credentials() {
    for (place, allowed) in PLACES.iter().filter(|(place, _)| place.is_ascii()) {
        let script = Scripted::new([
            answer(302, &[("location", *place)], ""),
            answer(200, &[], STEP),
        ]);
        assert_eq!(download(&script.client()).await, *allowed, "{place}");
        assert_only_the_first_has_credentials(&script, 1 + usize::from(*allowed), place);
    }
    // Only 302 is documented.
    for status in [301, 303, 307, 308] {
        let script = Scripted::new([answer(status, &[("location", "https://s.example/")], "")]);
        assert!(!download(&script.client()).await, "{status}");
        assert_only_the_first_has_credentials(&script, 1, "undocumented");
    }
}

/// What must be in no request but those to the API itself.
fn assert_bare(request: &str) {
    let request = request.to_ascii_lowercase();
    for secret in [
        "authorization",
        "cookie",
        "idempotency-key",
        "referer",
        CANARY,
    ] {
        assert!(!request.contains(secret), "{secret} in {request}");
    }
}

#[tokio::test]
async fn on_the_wire_a_redirected_call_reaches_nobody_else() {
    for status in REDIRECTS {
        let (api, other) = (Place::new().await, Place::new().await);
        let target = format!("{}/api/v1/elsewhere", other.origin);
        let client = api.client();
        let other = other.serve(|_| response(200, &[], documented::POLL));
        let api = api.serve(move |_| {
            let headers = [
                ("location", target.as_str()),
                ("set-cookie", "session=canary"),
            ];
            response(status, &headers, "{}")
        });
        for result in every_json_call(&client).await {
            assert_redirected(&result, "on the wire");
        }
        assert_eq!(api.requests().len(), 8);
        for request in api.requests() {
            assert!(
                request.contains(&format!("authorization: Bearer {CANARY}")),
                "{request}"
            );
            assert!(
                !request.to_ascii_lowercase().contains("cookie:"),
                "{request}"
            );
        }
        assert_eq!(other.requests(), Vec::<String>::new(), "{status}");
    }
}

#[tokio::test]
async fn on_the_wire_a_chain_there_and_back_and_there_again_is_bare_all_the_way() {
    for status in REDIRECTS {
        let (api, other) = (Place::new().await, Place::new().await);
        let (here, there) = (api.origin.clone(), other.origin.clone());
        let client = api.client();
        // a (with the key) → b → a → b
        let answers = move |line: &str, there: &str| {
            let to = |place: String| {
                response(
                    status,
                    &[("location", &place), ("set-cookie", "s=canary")],
                    "",
                )
            };
            if line.starts_with("GET /api/v1/artifacts/") {
                response(
                    200,
                    &[("set-cookie", "s=canary")],
                    &link(&format!("{there}/one")),
                )
            } else if line.starts_with("GET /one ") {
                to(format!("{there}/two"))
            } else if line.starts_with("GET /two ") {
                to(format!("{there}/three"))
            } else {
                response(200, &[], STEP)
            }
        };
        let there_again = answers;
        let api: Server = api.serve(move |line| answers(line, &there));
        let other = other.serve(move |line| there_again(line, &here));
        assert!(download(&client).await, "{status}");
        let [asked, back] = api.requests().try_into().unwrap();
        assert!(asked.contains(&format!("authorization: Bearer {CANARY}")));
        assert!(back.starts_with("GET /two HTTP/1.1"), "{back}");
        let [first, again] = other.requests().try_into().unwrap();
        assert!(first.starts_with("GET /one "), "{first}");
        assert!(again.starts_with("GET /three "), "{again}");
        for request in [back, first, again] {
            assert_bare(&request);
        }
    }
}

#[tokio::test]
async fn the_key_goes_to_the_origin_that_was_named_however_it_is_written() {
    for (base, authority) in [
        ("https://WWW.BallistaLabs.AI", "www.ballistalabs.ai"),
        ("https://www.ballistalabs.ai:443", "www.ballistalabs.ai"),
        (
            "https://www.ballistalabs.ai:8443",
            "www.ballistalabs.ai:8443",
        ),
        ("https://www.ballistalabs.ai.", "www.ballistalabs.ai."),
        ("https://b\u{fc}cher.example", "xn--bcher-kva.example"),
        ("http://127.1:80", "127.0.0.1"),
    ] {
        let script = Scripted::new([answer(200, &[], documented::BALANCE)]);
        script.client_at(base).balance().await.unwrap();
        let [request] = script.requests().try_into().unwrap();
        assert_eq!(
            request.uri().authority().unwrap().as_str(),
            authority,
            "{base}"
        );
        assert!(request.headers().contains_key(AUTHORIZATION));
    }
}
