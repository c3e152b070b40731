//! The engine's questions, put to the typed client.

use http_body_util::{BodyExt as _, Full};

use super::*;
use crate::adapters::content_store::ContentStore;
use crate::api::{ApiKey, BaseUrl, SendFuture, Transport};
use crate::plan::content::Content;
use crate::plan::key::{LineageId, Salt, StepKey};

/// Answers everything with the same object.
struct Same(&'static str);

impl Transport for Same {
    fn send(&self, _: http::Request<Bytes>) -> SendFuture<'_> {
        let body = Full::new(Bytes::from(self.0)).map_err(|never| match never {});
        let response = http::Response::new(body.boxed_unsync());
        Box::pin(std::future::ready(Ok(response)))
    }
}

async fn reply(body: &'static str, request: Request) -> Reply {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(ContentStore::open(folder.path()).unwrap());
    let key = ApiKey::new("gcad_live_key").unwrap();
    let client = Client::new(Same(body), BaseUrl::default(), key);
    Orville::new(client, store).call(request).await
}

/// A poll, a follow-up and a review of `job`.
fn requests(job: &str) -> [Request; 3] {
    let job = JobId(job.to_owned());
    let prompt = Prompt::new("Thicker.");
    let step = StepKey::new(
        &Content::Review {
            prompt: Prompt::new("x"),
            view: None,
        },
        None,
    );
    let lineage = LineageId {
        create: step,
        ordinal: 0,
        generation: 0,
    };
    let salt = Salt {
        name: "plates".to_owned(),
        uid: String::new(),
    };
    let key = IdempotencyKey::new(&salt, step, lineage, 0);
    [
        Request::Job(job.clone()),
        Request::FollowUp {
            key: key.clone(),
            job: job.clone(),
            prompt: prompt.clone(),
            images: Vec::new(),
        },
        Request::Review {
            key,
            job,
            prompt,
            revision: None,
            viewer_state: None,
        },
    ]
}

const ENDPOINTS: [Endpoint; 3] = [Endpoint::Job, Endpoint::FollowUp, Endpoint::Review];

#[tokio::test]
async fn an_answer_about_another_job_proves_nothing() {
    const BODY: &str = r#"{"id":"cadjob_1","job_id":"cadjob_1","status":"completed","review":{},"request_id":"req_1"}"#;
    for (request, endpoint) in requests("cadjob_1").into_iter().zip(ENDPOINTS) {
        let reply = reply(BODY, request).await;
        assert_eq!(reply.call.endpoint, endpoint);
        assert!(matches!(reply.verdict, Verdict::Done(_)), "{reply:?}");
    }
    for (request, endpoint) in requests("cadjob_2").into_iter().zip(ENDPOINTS) {
        let reply = reply(BODY, request).await;
        assert_eq!(reply.call.endpoint, endpoint);
        assert_eq!(
            (reply.call.status, reply.call.request_id.is_some()),
            (Some(200), true)
        );
        assert_eq!(
            reply.verdict,
            unknown("an answer about another job".to_owned())
        );
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_made_was_not_sent() {
    for (request, endpoint) in requests("..").into_iter().zip(ENDPOINTS) {
        let reply = reply("{}", request).await;
        assert_eq!(reply.call, no_call(endpoint));
        assert!(
            matches!(reply.verdict, Verdict::NotSent { .. }),
            "{reply:?}"
        );
    }
}
