//! The one seam between the client and the wire.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;

/// A response body that is read as it arrives. An error in it means that the rest is lost.
pub type Body = UnsyncBoxBody<Bytes, TransportError>;

/// What [`Transport::send`] returns.
pub type SendFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send + 'a>>;

/// Carries one request to a server and its response back, once: no retry, no redirect, no cookie,
/// no change to the bytes. The request's extensions hold a [`TimeLimit`].
pub trait Transport: Send + Sync {
    /// Sends the request; the future ends when the response's head has arrived.
    ///
    /// # Errors
    ///
    /// [`TransportError::NotSent`] only if no byte of the request can have reached a server,
    /// [`TransportError::Lost`] in every other case.
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_>;
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        (**self).send(request)
    }
}

/// How long a request may take, in real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// From the start to the last byte of the body.
    Whole(Duration),
    /// Without a byte arriving, by the transport's own measure; and from the start to the last byte of the body, so that
    /// a trickle ends as well.
    Idle {
        /// The limit of the whole.
        whole: Duration,
    },
}

/// Why an exchange did not end well. The reason never holds the request's address or headers, since
/// either may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nothing can have been sent: no connection came about.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Something may have been sent, and no whole answer came back.
    #[error("lost: {0}")]
    Lost(String),
}

impl TransportError {
    /// What happened, in words.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::NotSent(reason) | Self::Lost(reason) => reason,
        }
    }
}
