//! Where the API lives, and which hosts count as this machine.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// The documented base URL (Quickstart, "Environment").
pub const DEFAULT_BASE_URL: &str = "https://www.ballistalabs.ai";

/// An API origin: `https`, or `http` for a loopback host only, with a host and perhaps a port and
/// nothing else. The API key is sent to this origin and to no other.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
}

/// Why a text is no [`BaseUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    /// It is not an absolute URL with a host.
    #[error("the base URL is not an absolute URL such as {DEFAULT_BASE_URL}")]
    NotAUrl,
    /// Its scheme would send the API key in the clear, or is not HTTP at all.
    #[error("the base URL must be https (http only for a loopback host)")]
    Insecure,
    /// It has user information, a path, a query or a fragment.
    #[error("the base URL must be scheme, host and port only")]
    NotAnOrigin,
}

impl BaseUrl {
    /// Scheme, host and port, without the scheme's default port and without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether this is plain `http` on this machine, as a simulator's origin is.
    #[must_use]
    pub fn is_loopback_http(&self) -> bool {
        self.url.scheme() == "http"
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text).map_err(|_| InvalidBaseUrl::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(InvalidBaseUrl::Insecure),
        }
        // The text is searched as well: a parser drops an empty user name without a word.
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || text.contains(['@', '\\']) {
            return Err(InvalidBaseUrl::NotAnOrigin);
        }
        Ok(Self { url })
    }
}

impl Default for BaseUrl {
    fn default() -> Self {
        DEFAULT_BASE_URL
            .parse()
            .expect("the documented base URL is valid")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

/// Whether the host is this machine by its very name: `localhost`, 127.0.0.0/8 or `::1`.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_normalised() {
        for (text, origin) in [
            ("https://www.ballistalabs.ai", "https://www.ballistalabs.ai"),
            (
                "https://WWW.Ballistalabs.ai:443/",
                "https://www.ballistalabs.ai",
            ),
            ("https://api.example:8443", "https://api.example:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:9/", "http://[::1]:9"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(text.parse::<BaseUrl>().unwrap().origin(), origin, "{text}");
        }
        assert_eq!(BaseUrl::default().origin(), DEFAULT_BASE_URL);
    }

    #[test]
    fn what_would_expose_the_key_or_is_no_origin_is_refused() {
        for (text, why) in [
            ("", InvalidBaseUrl::NotAUrl),
            ("www.ballistalabs.ai", InvalidBaseUrl::NotAUrl),
            ("https://", InvalidBaseUrl::NotAUrl),
            ("http://www.ballistalabs.ai", InvalidBaseUrl::Insecure),
            ("http://localhost.example", InvalidBaseUrl::Insecure),
            ("http://10.0.0.1", InvalidBaseUrl::Insecure),
            ("ftp://127.0.0.1", InvalidBaseUrl::Insecure),
            ("file:///etc", InvalidBaseUrl::Insecure),
            ("https://user:word@host", InvalidBaseUrl::NotAnOrigin),
            ("https://@host", InvalidBaseUrl::NotAnOrigin),
            ("https://good\\@evil", InvalidBaseUrl::NotAnOrigin),
            ("https://host/path", InvalidBaseUrl::NotAnOrigin),
            ("https://host/?q", InvalidBaseUrl::NotAnOrigin),
            ("https://host/#f", InvalidBaseUrl::NotAnOrigin),
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(why), "{text}");
        }
    }
}
