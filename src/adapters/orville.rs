//! The service behind the engine's `Api` port: requests into calls of the typed client, and its answers into the engine's
//! words. A fetched file is put into the content store before the reply is given.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinError, JoinHandle};

use super::content_store::Objects;
use super::transcript;
use super::translate::{
    api_images, done_call, failed_call, job_lines, job_view, message, no_call, proposal, raw,
    verdict,
};
use crate::api::{self, CallError, Client};
use crate::execute::ports::{Api, ImageFile, Request};
use crate::geometry::part21;
use crate::plan::content::Prompt;
use crate::plan::digest::Digest;
use crate::plan::key::IdempotencyKey;
use crate::plan::money::Cents;
use crate::plan::remote::{ArtifactId, JobId, ReviewResult, RevisionId, Stored};
use crate::run::call::{Call, Endpoint};
use crate::schedule::answer::{Answer, Reply, Verdict};
use crate::teeth::{Bug, bites};

/// The most that the API gives ("List recent jobs").
const JOBS_A_PAGE: u8 = 100;

/// The service, by the typed client.
#[derive(Debug, Clone)]
pub struct Orville {
    client: Client,
    store: Arc<dyn Objects>,
}

impl Orville {
    /// The service that `client` talks to; files go into `store`.
    #[must_use]
    pub fn new(client: Client, store: Arc<impl Objects + 'static>) -> Self {
        Self { client, store }
    }
}

impl Api for Orville {
    fn call(&self, request: Request) -> BoxFuture<'static, Reply> {
        let service = self.clone();
        let endpoint = endpoint(&request);
        // A task of its own: the loop may be waiting for the disk while an answer is read.
        let task = AbortOnDrop(tokio::spawn(async move {
            match service.perform(request).await {
                Ok((call, answer)) => Reply {
                    call,
                    verdict: Verdict::Done(answer),
                },
                Err(trouble) => trouble.reply(endpoint),
            }
        }));
        async move {
            task.await.unwrap_or_else(|error| Reply {
                call: no_call(endpoint),
                verdict: unknown(error.to_string()),
            })
        }
        .boxed()
    }
}

/// A task that ends when nobody waits for it any more.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a request brought nothing.
enum Trouble {
    /// The client says so.
    Call(CallError),
    /// What it brought is of no use to us.
    Useless(Call, String),
    /// It can't even be made.
    Unmade(String),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl Trouble {
    fn reply(self, endpoint: Endpoint) -> Reply {
        match self {
            Self::Call(error) => Reply {
                call: failed_call(endpoint, &error),
                verdict: verdict(error),
            },
            Self::Useless(call, why) => Reply {
                call,
                verdict: unknown(why),
            },
            Self::Unmade(why) => Reply {
                call: no_call(endpoint),
                verdict: Verdict::NotSent { why },
            },
        }
    }
}

impl Orville {
    async fn perform(&self, request: Request) -> Result<(Call, Answer), Trouble> {
        match request {
            Request::Create {
                key,
                prompt,
                images,
            } => self.create(&key, &prompt, images).await,
            Request::FollowUp {
                key,
                job,
                prompt,
                images,
            } => self.follow_up(&key, job, &prompt, images).await,
            Request::Review {
                key,
                job,
                prompt,
                revision,
                viewer_state,
            } => {
                let shown = (revision, viewer_state);
                self.review(&key, &job, &prompt, shown).await
            }
            Request::Job(job) => self.job(&job).await,
            Request::List(cursor) => self.list(cursor.as_deref()).await,
            Request::History(job) => self.history(&job).await,
            Request::Transcript(job) => self.transcript(&job).await,
            Request::Balance => self.balance().await,
            Request::Fetch { artifact, step } => self.fetch(artifact, step).await,
        }
    }

    async fn create(
        &self,
        key: &IdempotencyKey,
        prompt: &Prompt,
        images: Vec<ImageFile>,
    ) -> Result<(Call, Answer), Trouble> {
        let images = api_images(images);
        let prompt = api_prompt(prompt, &images);
        let reply = self.client.create_job(prompt, &api_key(key)?).await?;
        let call = done_call(Endpoint::Create, &reply);
        let answer = Answer::Accepted {
            job: JobId(reply.value.id.as_str().to_owned()),
            poll_after: reply.value.poll_after,
        };
        Ok((call, answer))
    }

    async fn follow_up(
        &self,
        key: &IdempotencyKey,
        job: JobId,
        prompt: &Prompt,
        images: Vec<ImageFile>,
    ) -> Result<(Call, Answer), Trouble> {
        let images = api_images(images);
        let prompt = api_prompt(prompt, &images);
        let (id, key) = (job_id(&job)?, api_key(key)?);
        let reply = self.client.follow_up(&id, prompt, &key).await?;
        let call = done_call(Endpoint::FollowUp, &reply);
        let call = about(&id, &reply.value.id, call)?;
        let poll_after = reply.value.poll_after;
        Ok((call, Answer::Accepted { job, poll_after }))
    }

    async fn review(
        &self,
        key: &IdempotencyKey,
        job: &JobId,
        prompt: &Prompt,
        (revision, viewer_state): (Option<RevisionId>, Option<serde_json::Value>),
    ) -> Result<(Call, Answer), Trouble> {
        let revision = revision
            .map(|RevisionId(id)| api::RevisionId::new(id))
            .transpose()
            .map_err(unmade)?;
        let request = api::ReviewRequest {
            prompt: prompt.as_str(),
            revision_id: revision.as_ref(),
            viewer_state: viewer_state.as_ref(),
        };
        let (id, key) = (job_id(job)?, api_key(key)?);
        let reply = self.client.review(&id, request, &key).await?;
        let call = done_call(Endpoint::Review, &reply);
        let call = about(&id, &reply.value.job_id, call)?;
        let note = reply.value.review;
        let review = ReviewResult {
            proposal: proposal(&note.iteration_proposal),
            message: raw(note.message),
        };
        Ok((call, Answer::Reviewed(review)))
    }

    async fn job(&self, job: &JobId) -> Result<(Call, Answer), Trouble> {
        let id = job_id(job)?;
        let reply = self.client.job(&id).await?;
        let call = done_call(Endpoint::Job, &reply);
        let call = about(&id, &reply.value.id, call)?;
        Ok((call, Answer::Job(job_view(reply.value))))
    }

    async fn list(&self, cursor: Option<&str>) -> Result<(Call, Answer), Trouble> {
        let query = api::JobQuery {
            limit: Some(JOBS_A_PAGE),
            cursor,
            q: None,
        };
        let reply = self.client.list_jobs(query).await?;
        let call = done_call(Endpoint::List, &reply);
        Ok((call, job_lines(reply.value)))
    }

    async fn history(&self, job: &JobId) -> Result<(Call, Answer), Trouble> {
        let id = job_id(job)?;
        let reply = self.client.messages(&id).await?;
        let call = done_call(Endpoint::Messages, &reply);
        let call = about(&id, &reply.value.job_id, call)?;
        let messages = reply.value.messages.into_iter().map(message);
        Ok((call, Answer::History(messages.collect())))
    }

    async fn transcript(&self, job: &JobId) -> Result<(Call, Answer), Trouble> {
        let id = job_id(job)?;
        let reply = self.client.messages(&id).await?;
        let call = done_call(Endpoint::Messages, &reply);
        let call = about(&id, &reply.value.job_id, call)?;
        let text = transcript::markdown(&reply.value);
        match self.put(text.into(), false).await {
            Ok(stored) => Ok((call, Answer::File(stored))),
            Err(why) => Err(Trouble::Useless(call, why)),
        }
    }

    async fn balance(&self) -> Result<(Call, Answer), Trouble> {
        let reply = self.client.balance().await?;
        let call = done_call(Endpoint::Balance, &reply);
        let balance = reply.value;
        let answer = Answer::Balance {
            available: Cents(balance.available.get()),
            hold: Cents(balance.job_hold.get()),
            currency: balance.currency.map_or_else(|| "usd".to_owned(), raw),
        };
        Ok((call, answer))
    }

    async fn fetch(&self, artifact: ArtifactId, step: bool) -> Result<(Call, Answer), Trouble> {
        let id = api::ArtifactId::new(artifact.0).map_err(unmade)?;
        let reply = self.client.download(&id).await?;
        let call = done_call(Endpoint::Download, &reply);
        match self.put(reply.value.content, step).await {
            Ok(stored) => Ok((call, Answer::File(stored))),
            Err(why) => Err(Trouble::Useless(call, why)),
        }
    }

    /// Reading, hashing and syncing leave the loop's thread, unless it is the only one: then every night with the same
    /// seed is the same.
    async fn put(&self, content: Bytes, step: bool) -> Result<Stored, String> {
        let store = Arc::clone(&self.store);
        let put = move || {
            if step && !part21::is_whole(&content) && !bites(Bug::TakeAnyFile) {
                let bytes = content.len();
                return Err(format!("what came is no whole STEP file ({bytes} bytes)"));
            }
            if bites(Bug::StoredBeforePut) {
                let (sha256, bytes) = (Digest::of(&content), content.len() as u64);
                return Ok(Stored { sha256, bytes });
            }
            store.put(&content).map_err(|error| error.to_string())
        };
        if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
            return put();
        }
        tokio::task::spawn_blocking(put)
            .await
            .unwrap_or_else(|error| Err(format!("the content store: {error}")))
    }
}

const fn endpoint(request: &Request) -> Endpoint {
    match request {
        Request::Create { .. } => Endpoint::Create,
        Request::FollowUp { .. } => Endpoint::FollowUp,
        Request::Review { .. } => Endpoint::Review,
        Request::Job(_) => Endpoint::Job,
        Request::List(_) => Endpoint::List,
        Request::History(_) | Request::Transcript(_) => Endpoint::Messages,
        Request::Balance => Endpoint::Balance,
        Request::Fetch { .. } => Endpoint::Download,
    }
}

/// The call, when its answer is about the job that was asked for. Whatever mixes answers up may mix writes up as well,
/// so such an answer proves nothing.
fn about(asked: &api::JobId, answered: &api::JobId, call: Call) -> Result<Call, Trouble> {
    if asked == answered {
        Ok(call)
    } else {
        let why = "an answer about another job".to_owned();
        Err(Trouble::Useless(call, why))
    }
}

fn unknown(why: String) -> Verdict {
    Verdict::Unknown {
        why,
        retry_after: None,
    }
}

fn unmade(error: impl std::fmt::Display) -> Trouble {
    Trouble::Unmade(error.to_string())
}

fn job_id(job: &JobId) -> Result<api::JobId, Trouble> {
    api::JobId::new(job.0.clone()).map_err(unmade)
}

fn api_key(key: &IdempotencyKey) -> Result<api::IdempotencyKey, Trouble> {
    api::IdempotencyKey::new(key.as_str()).map_err(unmade)
}

fn api_prompt<'a>(prompt: &'a Prompt, images: &'a [api::Image]) -> api::Prompt<'a> {
    api::Prompt {
        text: prompt.as_str(),
        images,
    }
}

#[cfg(test)]
mod tests;
