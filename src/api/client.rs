//! The client: one method for each endpoint of the API.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use serde::de::DeserializeOwned;

use super::answer::{Answer, Reply};
use super::artifact::LatestArtifacts;
use super::base_url::BaseUrl;
use super::billing::Balance;
use super::conversation::{History, Review};
use super::credentials::{ApiKey, IdempotencyKey};
use super::error::CallError;
use super::id::{JobId, percent_encoded};
use super::job::{FollowUp, Job, JobPage, QueuedJob};
use super::multipart::Encoded;
use super::request::{JobQuery, Prompt, ReviewRequest};
use super::transport::{Body, TimeLimit, Transport, TransportError};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How long a read may take as a whole.
pub const READ_LIMIT: Duration = Duration::from_secs(60);

/// How long a write may take as a whole: images have to go up, and a review answers in place.
pub const WRITE_LIMIT: Duration = Duration::from_secs(180);

/// The Orville API at one base URL with one API key. Cheap to clone.
///
/// Every method sends exactly one request to the API and returns what it proves. The key goes to the
/// base URL's origin and nowhere else.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use millrun::api::{ApiKey, BaseUrl, Client, HttpTransport, IdempotencyKey, Prompt};
///
/// let base = BaseUrl::default();
/// let client = Client::new(HttpTransport::new(&base)?, base, ApiKey::new("gcad_live_...")?);
/// let prompt = Prompt { text: "A flat plate, 80 x 60 x 6 mm.", images: &[] };
/// let key = IdempotencyKey::new("the-same-for-every-retry")?;
/// let created = client.create_job(prompt, &key).await?;
/// let job = client.job(&created.value.id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) base: BaseUrl,
    key: ApiKey,
}

impl Client {
    /// A client that sends through `transport`.
    pub fn new(transport: impl Transport + 'static, base: BaseUrl, key: ApiKey) -> Self {
        Self {
            transport: Arc::new(transport),
            base,
            key,
        }
    }

    /// The API it speaks to.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.base
    }

    /// "List recent jobs": one page. Scope `cad:read`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn list_jobs(&self, query: JobQuery<'_>) -> Result<Reply<JobPage>, CallError> {
        self.read(&format!("/cad/jobs{}", query.query_string()))
            .await
    }

    /// "Create a CAD job". Scope `cad:write`. Paid.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn create_job(
        &self,
        prompt: Prompt<'_>,
        key: &IdempotencyKey,
    ) -> Result<Reply<QueuedJob>, CallError> {
        self.write("/cad/jobs", prompt.encode(), key).await
    }

    /// "Poll job status". Scope `cad:read`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn job(&self, job: &JobId) -> Result<Reply<Job>, CallError> {
        self.read(&job_path(job, "")).await
    }

    /// "Send a follow-up iteration". Scope `cad:write`. Paid.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn follow_up(
        &self,
        job: &JobId,
        prompt: Prompt<'_>,
        key: &IdempotencyKey,
    ) -> Result<Reply<FollowUp>, CallError> {
        self.write(&job_path(job, "/messages"), prompt.encode(), key)
            .await
    }

    /// "Ask the review assistant"; answers in place. Scopes `cad:read` and `cad:write`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn review(
        &self,
        job: &JobId,
        review: ReviewRequest<'_>,
        key: &IdempotencyKey,
    ) -> Result<Reply<Review>, CallError> {
        self.write(&job_path(job, "/review"), review.encode(), key)
            .await
    }

    /// "Read message history". Scope `cad:read`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn messages(&self, job: &JobId) -> Result<Reply<History>, CallError> {
        self.read(&job_path(job, "/messages")).await
    }

    /// "List latest artifacts". Scope `cad:read`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn artifacts(&self, job: &JobId) -> Result<Reply<LatestArtifacts>, CallError> {
        self.read(&job_path(job, "/artifacts")).await
    }

    /// "Read billing status". Scope `billing:read`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn balance(&self) -> Result<Reply<Balance>, CallError> {
        self.read("/billing/balance").await
    }

    /// Asks the API with the key, and brings back whatever it answers.
    pub(super) async fn get(&self, path: &str) -> Result<Response<Body>, CallError> {
        let request = self.request(Method::GET, path, READ_LIMIT);
        self.send(request.body(Bytes::new())).await
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<Reply<T>, CallError> {
        let response = self.get(path).await?;
        Answer::read(response).await?.into_reply()
    }

    async fn write<T: DeserializeOwned>(
        &self,
        path: &str,
        content: Encoded,
        key: &IdempotencyKey,
    ) -> Result<Reply<T>, CallError> {
        let request = self
            .request(Method::POST, path, WRITE_LIMIT)
            .header(CONTENT_TYPE, content.content_type)
            .header(IDEMPOTENCY_KEY, key.header());
        let response = self.send(request.body(content.body)).await?;
        Answer::read(response).await?.into_reply()
    }

    /// The only place where the key is put on a request. No header tells the program's version: an
    /// exact retry by a newer one is still exact.
    fn request(&self, method: Method, path: &str, limit: Duration) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.base.origin()))
            .header(AUTHORIZATION, self.key.authorization())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static("millrun"))
            .extension(TimeLimit::Whole(limit))
    }

    async fn send(
        &self,
        request: http::Result<Request<Bytes>>,
    ) -> Result<Response<Body>, CallError> {
        // An overlong cursor or search text makes an address that no request can have.
        let request = request.map_err(|error| CallError::NotSent {
            reason: error.to_string(),
        })?;
        self.transport
            .send(request)
            .await
            .map_err(|error| match error {
                TransportError::NotSent(reason) => CallError::NotSent { reason },
                TransportError::Lost(reason) => CallError::lost(reason),
            })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn job_path(job: &JobId, rest: &str) -> String {
    format!("/cad/jobs/{}{rest}", percent_encoded(job.as_str()))
}
