//! The simulator's router as a transport, without sockets: for virtual time, where real sockets would misbehave.

use axum::Router;
use axum::body::Body as RouterBody;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::api::{SendFuture, Transport, TransportError};

/// Hands every request to a router in the same process.
#[derive(Debug, Clone)]
pub struct InProcess {
    router: Router,
}

impl InProcess {
    /// A transport to `router`.
    #[must_use]
    pub const fn new(router: Router) -> Self {
        Self { router }
    }
}

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        let router = self.router.clone();
        Box::pin(async move {
            let mut request = request.map(RouterBody::from);
            // What a socket would have seen: a path, and the host in a header.
            if let Some(authority) = request
                .uri()
                .authority()
                .and_then(|host| host.as_str().parse().ok())
            {
                request.headers_mut().insert(http::header::HOST, authority);
            }
            let response = router
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {});
            Ok(response.map(|body| {
                body.map_err(|error| TransportError::Lost(error.to_string()))
                    .boxed_unsync()
            }))
        })
    }
}
