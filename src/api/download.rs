//! Downloading an artifact: the API gives a signed URL, storage gives the file.
//!
//! Two parties, two kinds of request. The API is asked with the key; whatever address it names is
//! fetched with no credentials at all, redirects included, which are followed here by hand so that
//! each hop is judged. A signed URL is itself a credential: it is never printed and never kept.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, Request, StatusCode};
use serde::{Deserialize, Deserializer};
use url::{Host, Url};

use super::answer::{Answer, CollectError, Reply, RequestIds, collect, header_request_id};
use super::base_url::{BaseUrl, is_loopback};
use super::client::Client;
use super::error::{CallError, UnknownReason};
use super::id::{ArtifactId, percent_encoded};
use super::lenient;
use super::transport::TimeLimit;
use crate::untrusted::Untrusted;

/// The longest file that is fetched, in bytes.
pub const MAX_ARTIFACT_BYTES: usize = 256 * 1024 * 1024;

/// The longest `expires_in_seconds` that is believed.
pub const MAX_LINK_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long storage may take for one answer, to the last byte of a file: [`MAX_ARTIFACT_BYTES`] at 150 kB a second. A
/// line on which nothing moves is given up long before.
const FETCH_LIMIT: Duration = Duration::from_secs(30 * 60);

/// How many redirects storage may answer with.
const MAX_REDIRECTS: usize = 5;

/// A file as it came from storage, as long as storage said it would be, and otherwise unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The service's name for the file.
    pub filename: Option<Untrusted>,
    /// How long the API said that its link works, at most [`MAX_LINK_LIFE`].
    pub link_life: Option<Duration>,
    /// The file's bytes.
    pub content: Bytes,
}

/// Where storage offers a file. Its path and query are not shown.
#[derive(Clone)]
struct SignedUrl(Url);

/// What the API answers to `redirect=false`.
#[derive(Deserialize)]
struct Link {
    url: String,
    #[serde(default, deserialize_with = "lenient::if_valid")]
    artifact_id: Option<ArtifactId>,
    #[serde(default, rename = "expires_in_seconds", deserialize_with = "link_life")]
    life: Option<Duration>,
    #[serde(default, deserialize_with = "lenient::if_valid")]
    filename: Option<Untrusted>,
}

/// A fetch from storage that brought no file.
struct StorageFailure(String);

impl Client {
    /// "Download a STEP file". Scope `cad:read`. The file is read into memory, at most
    /// [`MAX_ARTIFACT_BYTES`] of it; storage has 30 minutes for that, and never a minute without a byte.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; when the API gave a link and storage did not give the file, the reason is
    /// [`UnknownReason::Storage`] and a new call asks for a new link.
    pub async fn download(&self, artifact: &ArtifactId) -> Result<Reply<Download>, CallError> {
        let Reply {
            value: link,
            status,
            request_ids,
        } = self.link(artifact).await?;
        let fetched = async {
            // A file of another part would pass for this one ever after.
            if link.artifact_id.is_some_and(|told| told != *artifact) {
                return Err("the link is to another artifact".into());
            }
            let url = SignedUrl(self.base.url().clone()).join(&link.url)?;
            self.fetch(url).await
        };
        match fetched.await {
            Ok(content) => Ok(Reply {
                value: Download {
                    filename: link.filename,
                    link_life: link.life,
                    content,
                },
                status,
                request_ids,
            }),
            Err(failure) => Err(failure.of(request_ids)),
        }
    }

    /// Asks for a signed URL as JSON, and makes do with the documented redirect.
    async fn link(&self, artifact: &ArtifactId) -> Result<Reply<Link>, CallError> {
        let artifact = percent_encoded(artifact.as_str());
        let path = format!("/artifacts/{artifact}/download?redirect=false");
        let response = self.get(&path).await?;
        if response.status() == StatusCode::FOUND
            && let Some(url) = location(response.headers())
        {
            return Ok(Reply {
                value: Link {
                    url: url.to_owned(),
                    artifact_id: None,
                    life: None,
                    filename: None,
                },
                status: response.status().as_u16(),
                request_ids: RequestIds {
                    body: None,
                    header: header_request_id(response.headers()),
                },
            });
        }
        Answer::read(response).await?.into_reply()
    }

    async fn fetch(&self, mut url: SignedUrl) -> Result<Bytes, StorageFailure> {
        for _ in 0..=MAX_REDIRECTS {
            url.check(&self.base)?;
            let request = Request::get(url.0.as_str())
                .extension(TimeLimit::Idle { whole: FETCH_LIMIT })
                .body(Bytes::new())
                .map_err(|_| "its address cannot be requested")?;
            let response = self
                .transport
                .send(request)
                .await
                .map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts();
            match head.status.as_u16() {
                200 => {
                    let content = collect(&head.headers, body, MAX_ARTIFACT_BYTES).await;
                    return content.map_err(|error| match error {
                        CollectError::TooLong => StorageFailure::from("the file is too long"),
                        CollectError::Lost(reason) => StorageFailure::from(reason),
                    });
                }
                301 | 302 | 303 | 307 | 308 => {
                    let target = location(&head.headers).ok_or("a redirect without a target")?;
                    url = url.join(target)?;
                }
                status => return Err(format!("HTTP {status}").into()),
            }
        }
        Err("too many redirects".into())
    }
}

impl SignedUrl {
    fn join(&self, target: &str) -> Result<Self, StorageFailure> {
        let mut url = self.0.join(target).map_err(|_| "its address is no URL")?;
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// Refuses what would read an address in the clear or reach into a private network. The API's
    /// own origin is the user's choice, so it may serve files wherever it is.
    fn check(&self, base: &BaseUrl) -> Result<(), &'static str> {
        let url = &self.0;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address carries a user name");
        }
        if url.origin() == base.url().origin() {
            return Ok(());
        }
        match url.scheme() {
            "https" if is_private(url) => Err("its address is in a private network"),
            "https" => Ok(()),
            "http" if base.is_loopback_http() && is_loopback(url) => Ok(()),
            _ => Err("its address is not https"),
        }
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.0.origin().ascii_serialization())
    }
}

impl StorageFailure {
    fn of(self, request_ids: RequestIds) -> CallError {
        CallError::Unknown {
            reason: UnknownReason::Storage(self.0),
            status: None,
            code: None,
            message: Untrusted::default(),
            request_ids: Box::new(request_ids),
            retry_after: None,
        }
    }
}

impl<T: Into<String>> From<T> for StorageFailure {
    fn from(reason: T) -> Self {
        Self(reason.into())
    }
}

fn link_life<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    lenient::seconds(deserializer, MAX_LINK_LIFE)
}

fn location(headers: &HeaderMap) -> Option<&str> {
    headers.get(LOCATION)?.to_str().ok()
}

/// Whether the host is by its very name not on the public internet.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => is_private_address(address.into()),
        Some(Host::Ipv6(address)) => is_private_address(IpAddr::V6(address).to_canonical()),
        None => true,
    }
}

fn is_private_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4 == Ipv4Addr::BROADCAST
                || a == 0
                || is_shared
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str = "https://api.example";
    const SIMULATED: &str = "http://127.0.0.1:8080";

    fn allowed(base: &str, url: &str) -> bool {
        let base: BaseUrl = base.parse().unwrap();
        SignedUrl(base.url().clone())
            .join(url)
            .is_ok_and(|url| url.check(&base).is_ok())
    }

    #[test]
    fn a_file_is_fetched_from_public_https_only() {
        for url in [
            "https://storage.example/f?sig=1",
            "/f",
            "//cdn.example/f",
            "https://1.1.1.1/f",
        ] {
            assert!(allowed(LIVE, url), "{url}");
        }
        for url in [
            "http://storage.example/f",
            "http://127.0.0.1/f",
            "file:///etc/passwd",
            "ftp://storage.example/f",
            "data:,x",
            "https://",
            "https://user@storage.example/f",
            "https://:word@api.example/f",
            "https://localhost/f",
            "https://a.localhost./f",
            "https://127.0.0.1/f",
            "https://2130706433/f",
            "https://0x7f.1/f",
            "https://0.0.0.0/f",
            "https://10.1.2.3/f",
            "https://172.16.0.1/f",
            "https://192.168.0.1/f",
            "https://169.254.169.254/latest",
            "https://100.100.0.1/f",
            "https://[::1]/f",
            "https://[::ffff:10.0.0.1]/f",
            "https://[fd00::1]/f",
            "https://[fe80::1]/f",
        ] {
            assert!(!allowed(LIVE, url), "{url}");
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine_and_needs_a_base_there() {
        for url in [
            "/f",
            "http://localhost:9/f",
            "http://[::1]:9/f",
            "https://storage.example/f",
        ] {
            assert!(allowed(SIMULATED, url), "{url}");
        }
        for url in [
            "http://storage.example/f",
            "http://10.0.0.1/f",
            "https://127.0.0.1/f",
        ] {
            assert!(!allowed(SIMULATED, url), "{url}");
        }
        assert!(allowed("https://127.0.0.1:8443", "/f"));
        assert!(!allowed("https://127.0.0.1:8443", "https://127.0.0.1:9/f"));
    }

    #[test]
    fn a_signed_url_is_not_shown() {
        let url = SignedUrl(Url::parse("https://storage.example/path?X-Sig=canary").unwrap());
        assert_eq!(format!("{url:?}"), "https://storage.example/…");
    }
}
