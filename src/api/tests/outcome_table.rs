//! The table of outcomes: what every status, body and failure of the transport proves, at every endpoint, for a first
//! send and for an exact retry alike. The client has no memory: that a refused *retry* proves less is for its user to know.

use serde_json::{Value, json};

use super::documented::{self, parsed};
use super::scripted::{Played, Scripted, answer, cut_off, key};
use crate::api::{
    ArtifactId, CallError, Client, JobId, JobQuery, Prompt, ReviewRequest, TransportError,
    UnknownReason,
};

/// The codes of the document, those that its statuses without a code are given here, and two that are nobody's but the
/// simulator's.
const CODES: [&str; 29] = [
    "missing_prompt",
    "prompt_too_long",
    "invalid_json",
    "invalid_form_data",
    "json_images_unsupported",
    "unsupported_image_field",
    "invalid_file_type",
    "file_too_large",
    "too_many_images",
    "idempotency_key_required",
    "idempotency_key_conflict",
    "job_already_running",
    "job_not_completed",
    "cad_revision_required",
    "review_agent_failed",
    "review_agent_unavailable",
    "billing_required",
    "billing_needs_review",
    "insufficient_balance",
    "projected_balance_exceeded",
    "rate_limited",
    "unauthorized",
    "insufficient_scope",
    "not_found",
    "method_not_allowed",
    "internal_error",
    "service_unavailable",
    "invalid_request",
    "payload_too_large",
];

const UNHEARD_OF: &str = "out_of_unicorns";

/// Codes that tell of an outage: nothing about the request, whatever the status blames.
const OUTAGES: [&str; 3] = [
    "internal_error",
    "service_unavailable",
    "review_agent_unavailable",
];

const SUCCESSES: &[u16] = &[200, 201, 202, 203, 204, 206, 226, 299];
const REDIRECTS: &[u16] = &[
    100, 101, 103, 199, 300, 301, 302, 303, 304, 305, 307, 308, 399,
];
/// Statuses that say enough without a code, and the code that stands for each.
const TELLING: &[(u16, &str)] = &[
    (401, "unauthorized"),
    (403, "insufficient_scope"),
    (404, "not_found"),
    (413, "http_413"),
    (415, "http_415"),
    (422, "http_422"),
];
const MUTE: &[u16] = &[
    400, 402, 405, 406, 407, 408, 409, 410, 411, 412, 414, 416, 417, 418, 421, 423, 424, 425, 426,
    428, 429, 431, 451, 499,
];
const FAILURES: &[u16] = &[
    500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 522, 529, 599, 600, 999,
];

/// What an answer has in its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// The endpoint's documented answer.
    Documented,
    /// The same, with an error in it.
    DocumentedWithError(&'static str),
    /// The documented error.
    Error(&'static str),
    /// Some other object.
    Object(&'static str),
    /// No object.
    NoObject(&'static str),
    /// The connection is lost before its end.
    CutOff,
    /// More than is read.
    TooLong,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused(String),
    Unknown(&'static str),
    NotSent,
}

fn contents() -> Vec<Content> {
    let mut contents = vec![Content::Documented, Content::CutOff, Content::TooLong];
    for code in CODES.into_iter().chain([UNHEARD_OF]) {
        contents.extend([Content::Error(code), Content::DocumentedWithError(code)]);
    }
    let objects = ["{}", r#"{"error":null}"#, r#"{"error":{"code":""}}"#];
    contents.extend(objects.map(Content::Object));
    let no_objects = ["", "null", "[]", "<html>Bad gateway</html>", "{\"id\":\"c"];
    contents.extend(no_objects.map(Content::NoObject));
    contents
}

/// The table, row by row from the top.
fn expected(status: u16, content: Content) -> Outcome {
    use Content as C;
    use Outcome::{Done, Refused, Unknown};

    let telling = TELLING.iter().find(|(telling, _)| *telling == status);
    let group = |statuses: &[u16]| statuses.contains(&status);
    match content {
        C::CutOff => Unknown("lost"),
        C::TooLong => Unknown("too long"),
        _ if group(REDIRECTS) => Unknown("redirected"),
        C::Documented | C::DocumentedWithError(_) if group(SUCCESSES) => Done,
        C::Error(_) | C::Object(_) if group(SUCCESSES) => Unknown("incomplete"),
        C::NoObject(_) if group(SUCCESSES) => Unknown("malformed"),
        C::Error(code) | C::DocumentedWithError(code) if code == "review_agent_failed" => {
            Refused(code.to_owned())
        }
        _ if group(FAILURES) => Unknown("failure"),
        C::Error(code) | C::DocumentedWithError(code) if OUTAGES.contains(&code) => {
            Unknown("failure")
        }
        C::Error(code) | C::DocumentedWithError(code) => Refused(code.to_owned()),
        C::Documented | C::Object(_) | C::NoObject(_) => match telling {
            Some((_, code)) => Refused((*code).to_owned()),
            None => Unknown("malformed"),
        },
    }
}

#[derive(Debug, Clone, Copy)]
enum Endpoint {
    List,
    Create,
    Poll,
    FollowUp,
    Review,
    Messages,
    Artifacts,
    Download,
    Balance,
}

const ENDPOINTS: [(Endpoint, &str); 9] = [
    (Endpoint::List, documented::LIST),
    (Endpoint::Create, documented::CREATE),
    (Endpoint::Poll, documented::POLL),
    (Endpoint::FollowUp, documented::FOLLOW_UP),
    (Endpoint::Review, documented::REVIEW),
    (Endpoint::Messages, documented::MESSAGES),
    (Endpoint::Artifacts, documented::ARTIFACTS),
    (Endpoint::Download, documented::DOWNLOAD),
    (Endpoint::Balance, documented::BALANCE),
];

impl Endpoint {
    async fn call(self, client: &Client) -> Result<(), CallError> {
        let job = JobId::new("cadjob_385f3130-1ebc-40b7-85d9-6ded5ecc8a0f").unwrap();
        let artifact = ArtifactId::new("art_pW89wqwr67T7O00Ri_8ThA").unwrap();
        let prompt = Prompt {
            text: "A plate.",
            images: &[],
        };
        let review = ReviewRequest {
            prompt: "Risks?",
            revision_id: None,
            viewer_state: None,
        };
        match self {
            Self::List => client.list_jobs(JobQuery::default()).await.map(drop),
            Self::Create => client.create_job(prompt, &key()).await.map(drop),
            Self::Poll => client.job(&job).await.map(drop),
            Self::FollowUp => client.follow_up(&job, prompt, &key()).await.map(drop),
            Self::Review => client.review(&job, review, &key()).await.map(drop),
            Self::Messages => client.messages(&job).await.map(drop),
            Self::Artifacts => client.artifacts(&job).await.map(drop),
            Self::Download => client.download(&artifact).await.map(drop),
            Self::Balance => client.balance().await.map(drop),
        }
    }

    /// Sends, and sends exactly the same again. Each is one request to the API, and takes no time.
    async fn call_twice(self, play: impl Fn() -> Played) -> [Outcome; 2] {
        let mut outcomes = Vec::new();
        let mut sent = Vec::new();
        for _ in 0..2 {
            let began = tokio::time::Instant::now();
            let file = answer(200, &[], "ISO-10303-21;");
            let script = Scripted::new([play(), file]);
            outcomes.push(outcome(self.call(&script.client()).await));
            assert_eq!(began.elapsed().as_nanos(), 0, "it waited");
            let (mut requests, unasked) = script.so_far();
            let fetched = matches!(self, Self::Download) && outcomes.ends_with(&[Outcome::Done]);
            assert_eq!(
                (requests.len(), unasked),
                if fetched { (2, 0) } else { (1, 1) }
            );
            let request = requests.swap_remove(0);
            sent.push((
                request.uri().clone(),
                request.headers().clone(),
                request.into_body(),
            ));
        }
        assert_eq!(sent[0], sent[1], "a retry is exact");
        outcomes.try_into().unwrap()
    }
}

fn outcome(result: Result<(), CallError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(CallError::Refused { code, .. }) => Outcome::Refused(code.as_str().to_owned()),
        Err(CallError::NotSent { .. }) => Outcome::NotSent,
        Err(CallError::Unknown { reason, .. }) => Outcome::Unknown(match reason {
            UnknownReason::Lost(_) => "lost",
            UnknownReason::ServerFailure => "failure",
            UnknownReason::Redirected => "redirected",
            UnknownReason::Malformed => "malformed",
            UnknownReason::TooLong => "too long",
            UnknownReason::Incomplete(_) => "incomplete",
            UnknownReason::Storage(_) => "storage",
        }),
    }
}

fn played(status: u16, content: Content, example: &'static str) -> Played {
    let error = |code| json!({ "code": code, "message": "words" });
    let body = match content {
        Content::CutOff => return cut_off(status, example),
        Content::TooLong => return answer(status, &[("content-length", "8388609")], example),
        Content::Documented => example.to_owned(),
        Content::DocumentedWithError(code) => {
            let mut body: Value = parsed(example);
            body["error"] = error(code);
            body.to_string()
        }
        Content::Error(code) => json!({ "error": error(code) }).to_string(),
        Content::Object(text) | Content::NoObject(text) => text.to_owned(),
    };
    answer(status, &[], body)
}

#[tokio::test(start_paused = true)]
async fn every_status_and_body_has_its_outcome_at_every_endpoint() {
    let groups = [SUCCESSES, REDIRECTS, MUTE, FAILURES].concat();
    let statuses = groups
        .into_iter()
        .chain(TELLING.iter().map(|(status, _)| *status));
    let mut cases = 0;
    for status in statuses {
        for content in contents() {
            for (endpoint, example) in ENDPOINTS {
                let outcomes = endpoint
                    .call_twice(|| played(status, content, example))
                    .await;
                let expected = expected(status, content);
                let case = format!("{endpoint:?} {status} {content:?}");
                assert_eq!(outcomes, [expected.clone(), expected], "{case}");
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 66 * (3 + 2 * 30 + 8) * 9);
}

#[tokio::test(start_paused = true)]
async fn every_failure_of_the_transport_has_its_outcome_at_every_endpoint() {
    let not_sent = || Err(TransportError::NotSent("connection refused".into()));
    let lost = || Err(TransportError::Lost("connection reset".into()));
    for (endpoint, _) in ENDPOINTS {
        let outcomes = endpoint.call_twice(not_sent).await;
        assert_eq!(
            outcomes,
            [Outcome::NotSent, Outcome::NotSent],
            "{endpoint:?}"
        );
        let outcomes = endpoint.call_twice(lost).await;
        let unknown = Outcome::Unknown("lost");
        assert_eq!(outcomes, [unknown.clone(), unknown], "{endpoint:?}");
    }
}
