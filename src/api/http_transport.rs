//! The real [`Transport`]: reqwest over rustls, with everything that acts by itself turned off.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use reqwest::{Certificate, ClientBuilder, redirect, retry};

use super::base_url::BaseUrl;
use super::transport::{Body, SendFuture, TimeLimit, Transport, TransportError};

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// HTTP over TCP and TLS. Two connection pools: answers of the API are limited as a whole, files
/// from storage also by how long nothing arrives.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    whole: reqwest::Client,
    idle: reqwest::Client,
}

/// The TLS or proxy settings of this machine cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTP cannot be set up: {0}")]
pub struct TransportSetupError(String);

impl HttpTransport {
    /// A transport for the API at `base`. Plain HTTP on this machine goes past any proxy and needs
    /// no certificates; where the system has no certificate store, Mozilla's roots are used.
    ///
    /// # Errors
    ///
    /// [`TransportSetupError`] when no client can be built, for example for an invalid proxy variable.
    pub fn new(base: &BaseUrl) -> Result<Self, TransportSetupError> {
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            whole: client(base, reqwest::Client::builder)?,
            idle: client(base, || reqwest::Client::builder().read_timeout(IDLE_LIMIT))?,
        })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        Box::pin(async move {
            let limit = request.extensions().get::<TimeLimit>().copied();
            let mut request = reqwest::Request::try_from(request).map_err(not_sent)?;
            let (client, whole) = match limit {
                Some(TimeLimit::Whole(limit)) => (&self.whole, Some(limit)),
                Some(TimeLimit::Idle { whole }) => (&self.idle, Some(whole)),
                None => (&self.idle, None),
            };
            *request.timeout_mut() = whole;
            let response = client.execute(request).await.map_err(|error| {
                if error.is_connect() || error.is_builder() {
                    not_sent(error)
                } else {
                    lost(error)
                }
            })?;
            Ok(Response::from(response).map(|body| -> Body { body.map_err(lost).boxed_unsync() }))
        })
    }
}

fn client(
    base: &BaseUrl,
    start: impl Fn() -> ClientBuilder,
) -> Result<reqwest::Client, TransportSetupError> {
    let start = || {
        start()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT)
    };
    let built = if base.is_loopback_http() {
        start().no_proxy().tls_certs_only([]).build()
    } else {
        start()
            .build()
            .or_else(|_| start().tls_certs_only(mozilla_roots()).build())
    };
    built.map_err(|error| TransportSetupError(reason(error)))
}

fn mozilla_roots() -> impl Iterator<Item = Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|root| Certificate::from_der(root).ok())
}

fn not_sent(error: reqwest::Error) -> TransportError {
    TransportError::NotSent(reason(error))
}

fn lost(error: reqwest::Error) -> TransportError {
    TransportError::Lost(reason(error))
}

/// The error and its causes in one line, without the URL: a signed one is a secret.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one connection with fixed bytes, closes it, and returns what it was sent.
    async fn serve_once(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = vec![0; 4096];
            let n = stream.read(&mut seen).await.unwrap();
            seen.truncate(n);
            stream.write_all(answer).await.unwrap();
            seen
        });
        (origin, server)
    }

    async fn get(origin: &str, path: &str) -> Result<Response<Body>, TransportError> {
        let request = Request::get(format!("{origin}{path}"))
            .extension(TimeLimit::Whole(Duration::from_secs(20)))
            .body(Bytes::new())
            .unwrap();
        let base = origin.parse().unwrap();
        HttpTransport::new(&base).unwrap().send(request).await
    }

    #[tokio::test]
    async fn a_refused_connection_means_that_nothing_was_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = get(&origin, "/?signature=secret").await.unwrap_err();
        assert!(matches!(error, TransportError::NotSent(_)), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn a_connection_closed_without_an_answer_is_lost() {
        let (origin, server) = serve_once(b"").await;
        let error = get(&origin, "/?signature=secret").await.unwrap_err();
        assert!(matches!(error, TransportError::Lost(_)), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        server.await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_that_takes_too_long_is_lost() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let request = Request::get(&origin)
            .extension(TimeLimit::Whole(Duration::from_millis(1)))
            .body(Bytes::new())
            .unwrap();
        let transport = HttpTransport::new(&origin.parse().unwrap()).unwrap();
        let error = transport.send(request).await.unwrap_err();
        assert!(matches!(error, TransportError::Lost(_)), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_never_ends_is_lost_when_its_whole_limit_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let endless = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n";
            let mut sent = stream.write_all(head).await;
            while sent.is_ok() {
                sent = stream.write_all(b"byte").await;
                tokio::task::yield_now().await;
            }
        });
        let request = Request::get(&origin)
            .extension(TimeLimit::Idle {
                whole: Duration::from_millis(50),
            })
            .body(Bytes::new())
            .unwrap();
        let transport = HttpTransport::new(&origin.parse().unwrap()).unwrap();
        let error = match transport.send(request).await {
            Ok(response) => response.into_body().collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(error, TransportError::Lost(_)), "{error}");
        endless.abort();
    }

    #[tokio::test]
    async fn a_body_cut_short_is_lost() {
        let (origin, _server) =
            serve_once(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
        let response = get(&origin, "/").await.unwrap();
        let error = response.into_body().collect().await.unwrap_err();
        assert!(matches!(error, TransportError::Lost(_)), "{error}");
    }

    #[tokio::test]
    async fn a_redirect_is_handed_back_and_the_bytes_come_as_they_are() {
        let (origin, server) = serve_once(
            b"HTTP/1.1 302 Found\r\nlocation: /else\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok",
        )
        .await;
        let response = get(&origin, "/a%2Fb?q=x%20y").await.unwrap();
        assert_eq!(response.status(), 302);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "ok");
        let seen = String::from_utf8(server.await.unwrap()).unwrap();
        assert!(
            seen.starts_with("GET /a%2Fb?q=x%20y HTTP/1.1\r\n"),
            "{seen}"
        );
        assert!(!seen.to_lowercase().contains("accept-encoding"), "{seen}");
    }

    #[test]
    fn an_https_client_can_be_built_on_this_machine_with_or_without_a_store() {
        assert!(HttpTransport::new(&BaseUrl::default()).is_ok());
        assert!(mozilla_roots().count() > 100);
    }
}
