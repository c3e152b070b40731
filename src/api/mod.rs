//! The typed client of the Orville public CAD API, usable on its own.
//!
//! [`Client`] has one async method for each documented endpoint. It classifies every answer and does
//! nothing more: it never retries, never waits, never follows a redirect with credentials and reads
//! no environment. What goes over the wire passes through one [`Transport`]; [`HttpTransport`] is the
//! real one, and a test or a simulator may bring its own.
//!
//! Every text that comes from the service is [`Untrusted`]: it is made safe for the place it goes to.

mod answer;
mod artifact;
mod base_url;
mod billing;
mod classify;
mod client;
mod conversation;
mod credentials;
mod depth;
mod download;
mod error;
mod error_code;
mod http_transport;
mod id;
mod image;
mod job;
mod lenient;
mod multipart;
mod request;
mod retry_after;
mod surrogates;
mod transport;

#[cfg(test)]
mod tests;

pub use crate::untrusted::{Untrusted, UntrustedValue};
pub use answer::{MAX_JSON_BYTES, Reply, RequestIds};
pub use artifact::{Artifact, AssemblyNode, LatestArtifacts};
pub use base_url::{BaseUrl, DEFAULT_BASE_URL, InvalidBaseUrl};
pub use billing::{Balance, Cents, Cost};
pub use client::{Client, READ_LIMIT, WRITE_LIMIT};
pub use conversation::{History, Message, MessageImage, Review, ReviewNote, Role};
pub use credentials::{ApiKey, IdempotencyKey, InvalidApiKey, InvalidIdempotencyKey};
pub use depth::MAX_JSON_DEPTH;
pub use download::{Download, MAX_ARTIFACT_BYTES, MAX_LINK_LIFE};
pub use error::{CallError, MAX_MESSAGE_CHARS, UnknownReason};
pub use error_code::ErrorCode;
pub use http_transport::{HttpTransport, TransportSetupError};
pub use id::{ArtifactId, InvalidId, JobId, MessageId, RequestId, RevisionId};
pub use image::{Image, ImageType};
pub use job::{FollowUp, Job, JobPage, JobStatus, JobSummary, MAX_POLL_AFTER, QueuedJob};
pub use request::{JobQuery, Prompt, ReviewRequest};
pub use retry_after::MAX_RETRY_AFTER;
pub use transport::{Body, SendFuture, TimeLimit, Transport, TransportError};
