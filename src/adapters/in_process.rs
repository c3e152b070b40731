//! The simulator's router as a transport, without sockets: for virtual time, where real sockets would misbehave.

use axum::Router;
use axum::body::Body as RouterBody;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::api::{SendFuture, Transport, TransportError};
use crate::simulator::Severed;

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
            if response.extensions().get::<Severed>().is_some() {
                return Err(TransportError::Lost("connection reset".to_owned()));
            }
            Ok(response.map(|body| {
                body.map_err(|error| TransportError::Lost(error.to_string()))
                    .boxed_unsync()
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::simulator::{Clock, Config, FaultRule, SIM_API_KEY, Simulator};

    fn balance() -> Request<Bytes> {
        Request::get("http://127.0.0.1:8080/api/v1/billing/balance")
            .header("authorization", format!("Bearer {SIM_API_KEY}"))
            .body(Bytes::new())
            .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn faults_look_as_they_would_over_a_socket() {
        let simulator = Simulator::open(Config::default(), Clock::new(0, 1.0), None).unwrap();
        let rules = r#"{"rules": [
            {"on": "balance", "nth": 1, "fault": "reset"},
            {"on": "balance", "nth": 2, "fault": "truncated"},
            {"on": "balance", "nth": 3, "fault": "hang"}
        ]}"#;
        simulator.add_faults(FaultRule::parse_all(rules).unwrap());
        let transport = InProcess::new(simulator.router());
        let Err(error) = transport.send(balance()).await else {
            panic!("a connection that is reset has no answer");
        };
        assert_eq!(error, TransportError::Lost("connection reset".to_owned()));
        let truncated = transport.send(balance()).await.unwrap();
        let error = truncated.into_body().collect().await.unwrap_err();
        assert!(matches!(error, TransportError::Lost(_)), "{error}");
        assert!(transport.send(balance()).now_or_never().is_none());
        let answer = transport.send(balance()).await.unwrap();
        assert!(answer.into_body().collect().await.is_ok());
    }
}
