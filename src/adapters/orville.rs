//! The service behind the engine's `Api` port: requests into calls of the typed client, and its answers into the engine's
//! words. A fetched file is put into the content store before the reply is given.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::task::{JoinError, JoinHandle};

use super::content_store::ContentStore;
use super::translate::{done_call, failed_call, job_view, proposal, verdict};
use crate::api::{self, CallError, Client};
use crate::execute::ports::{Api, ImageFile, Request, StorageError};
use crate::geometry::part21;
use crate::plan::content::{ImageType, Prompt};
use crate::plan::key::IdempotencyKey;
use crate::plan::money::Cents;
use crate::plan::remote::{ArtifactId, JobId, ReviewResult, RevisionId, Stored};
use crate::run::call::{Call, Endpoint};
use crate::schedule::answer::{Answer, Reply, Verdict};

/// The service, by the typed client.
#[derive(Debug, Clone)]
pub struct Orville {
    client: Client,
    store: Arc<ContentStore>,
}

impl Orville {
    /// The service that `client` talks to; files go into `store`.
    #[must_use]
    pub const fn new(client: Client, store: Arc<ContentStore>) -> Self {
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
                    call: Call { endpoint, ..call },
                    verdict: Verdict::Done(answer),
                },
                Err(Trouble::Call(error)) => Reply {
                    call: failed_call(endpoint, &error),
                    verdict: verdict(error),
                },
                Err(Trouble::Own(call, why)) => Reply {
                    call: Call { endpoint, ..call },
                    verdict: Verdict::Unknown {
                        why,
                        retry_after: None,
                    },
                },
            }
        }));
        async move {
            task.await.unwrap_or_else(|error| {
                let call = Call {
                    endpoint,
                    status: None,
                    request_id: None,
                    rate_limited: false,
                };
                Reply {
                    call,
                    verdict: Verdict::Unknown {
                        why: error.to_string(),
                        retry_after: None,
                    },
                }
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
    /// We can't use what it brought, or could not even ask.
    Own(Call, String),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl Orville {
    async fn perform(&self, request: Request) -> Result<(Call, Answer), Trouble> {
        match request {
            Request::Create {
                key,
                prompt,
                images,
            } => {
                let images = api_images(images);
                let reply = self
                    .client
                    .create_job(api_prompt(&prompt, &images), &api_key(&key)?)
                    .await?;
                let answer = Answer::Accepted {
                    job: JobId(reply.value.id.to_string()),
                    poll_after: reply.value.poll_after,
                };
                Ok((done_call(&reply), answer))
            }
            Request::FollowUp {
                key,
                job,
                prompt,
                images,
            } => {
                let images = api_images(images);
                let reply = self
                    .client
                    .follow_up(
                        &job_id(&job)?,
                        api_prompt(&prompt, &images),
                        &api_key(&key)?,
                    )
                    .await?;
                Ok((
                    done_call(&reply),
                    Answer::Accepted {
                        job,
                        poll_after: reply.value.poll_after,
                    },
                ))
            }
            Request::Review {
                key,
                job,
                prompt,
                revision,
            } => {
                let revision = revision
                    .map(|RevisionId(id)| api::RevisionId::new(id))
                    .transpose()
                    .map_err(own)?;
                let request = api::ReviewRequest {
                    prompt: prompt.as_str(),
                    revision_id: revision.as_ref(),
                    viewer_state: None,
                };
                let reply = self
                    .client
                    .review(&job_id(&job)?, request, &api_key(&key)?)
                    .await?;
                let note = &reply.value.review;
                let review = ReviewResult {
                    message: note.message.clone(),
                    proposal: proposal(&note.iteration_proposal),
                };
                Ok((done_call(&reply), Answer::Reviewed(review)))
            }
            Request::Job(job) => {
                let reply = self.client.job(&job_id(&job)?).await?;
                let call = done_call(&reply);
                Ok((call, Answer::Job(job_view(reply.value))))
            }
            Request::Balance => {
                let reply = self.client.balance().await?;
                let call = done_call(&reply);
                let (available, hold) = (
                    Cents(reply.value.available.get()),
                    Cents(reply.value.job_hold.get()),
                );
                let currency = reply.value.currency.unwrap_or_else(|| "usd".to_owned());
                Ok((
                    call,
                    Answer::Balance {
                        available,
                        hold,
                        currency,
                    },
                ))
            }
            Request::Fetch { artifact, step } => self.fetch(artifact, step).await,
        }
    }

    async fn fetch(&self, artifact: ArtifactId, step: bool) -> Result<(Call, Answer), Trouble> {
        let id = api::ArtifactId::new(artifact.0).map_err(own)?;
        let reply = self.client.download(&id).await?;
        let call = done_call(&reply);
        let content = reply.value.content;
        if step && !part21::is_whole(&content) {
            return Err(Trouble::Own(
                call,
                format!("what came is no whole STEP file ({} bytes)", content.len()),
            ));
        }
        match self.put(content).await {
            Ok(stored) => Ok((call, Answer::File(stored))),
            Err(error) => Err(Trouble::Own(call, error.to_string())),
        }
    }

    /// Hashing and syncing leave the loop's thread.
    async fn put(&self, content: Bytes) -> Result<Stored, StorageError> {
        let store = Arc::clone(&self.store);
        let put = tokio::task::spawn_blocking(move || store.put(&content));
        put.await
            .map_err(|error| StorageError::new("content store", error))?
    }
}

const fn endpoint(request: &Request) -> Endpoint {
    match request {
        Request::Create { .. } => Endpoint::Create,
        Request::FollowUp { .. } => Endpoint::FollowUp,
        Request::Review { .. } => Endpoint::Review,
        Request::Job(_) => Endpoint::Job,
        Request::Balance => Endpoint::Balance,
        Request::Fetch { .. } => Endpoint::Download,
    }
}

fn own(error: impl std::fmt::Display) -> Trouble {
    let call = Call {
        endpoint: Endpoint::Job,
        status: None,
        request_id: None,
        rate_limited: false,
    };
    Trouble::Own(call, error.to_string())
}

fn job_id(job: &JobId) -> Result<api::JobId, Trouble> {
    api::JobId::new(job.0.clone()).map_err(own)
}

fn api_key(key: &IdempotencyKey) -> Result<api::IdempotencyKey, Trouble> {
    api::IdempotencyKey::new(key.as_str()).map_err(own)
}

fn api_prompt<'a>(prompt: &'a Prompt, images: &'a [api::Image]) -> api::Prompt<'a> {
    api::Prompt {
        text: prompt.as_str(),
        images,
    }
}

fn api_images(images: Vec<ImageFile>) -> Vec<api::Image> {
    let media_type = |image_type| match image_type {
        ImageType::Jpeg => api::ImageType::Jpeg,
        ImageType::Png => api::ImageType::Png,
        ImageType::Webp => api::ImageType::Webp,
        ImageType::Gif => api::ImageType::Gif,
        ImageType::Heic => api::ImageType::Heic,
        ImageType::Heif => api::ImageType::Heif,
    };
    images
        .into_iter()
        .map(|image| api::Image {
            bytes: image.bytes,
            media_type: media_type(image.image_type),
        })
        .collect()
}
