//! The two headers that make a request count: the API key and the idempotency key.

use std::fmt;

use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// A workspace API key. It is never printed: `Debug` hides it, it has no `Display`, and its header
/// is marked sensitive.
#[derive(Clone)]
pub struct ApiKey(SecretString);

/// The text is no API key: it is empty or has other than visible ASCII characters. The text is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API key is a non-empty text of visible ASCII characters")]
pub struct InvalidApiKey;

impl ApiKey {
    /// Takes the key as it was shown when it was created.
    ///
    /// # Errors
    ///
    /// [`InvalidApiKey`] when it is empty or holds a space, a line break or anything not ASCII.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidApiKey> {
        let text = SecretString::from(text.into());
        if text.expose_secret().is_empty() || !is_visible_ascii(text.expose_secret()) {
            return Err(InvalidApiKey);
        }
        Ok(Self(text))
    }

    /// Tells keys apart for who has the same `salt`, and says nothing of the key to anybody else.
    #[must_use]
    pub fn fingerprint(&self, salt: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(u64::try_from(salt.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(salt);
        hash.update(self.0.expose_secret().as_bytes());
        hash.finalize().into()
    }

    pub(super) fn authorization(&self) -> HeaderValue {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.expose_secret()))
            .expect("visible ASCII is a header value");
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// The key of one send: 1 to 160 visible ASCII characters (the document's limit), to be used again
/// for exact retries only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

/// The text is no idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an idempotency key has 1 to {} visible ASCII characters",
    IdempotencyKey::MAX_LEN
)]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The longest key the service takes, in characters.
    pub const MAX_LEN: usize = 160;

    /// Takes a key.
    ///
    /// # Errors
    ///
    /// [`InvalidIdempotencyKey`] when it is empty, too long, or not visible ASCII throughout.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidIdempotencyKey> {
        let text = text.into();
        if !(1..=Self::MAX_LEN).contains(&text.len()) || !is_visible_ascii(&text) {
            return Err(InvalidIdempotencyKey);
        }
        Ok(Self(text))
    }

    /// The key as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::try_from(&self.0).expect("visible ASCII is a header value")
    }
}

fn is_visible_ascii(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_is_hidden_wherever_it_is_printed() {
        let key = ApiKey::new("gcad_live_canary").unwrap();
        assert!(!format!("{key:?}").contains("canary"));
        assert!(!format!("{:?}", key.authorization()).contains("canary"));
        assert_eq!(key.authorization(), "Bearer gcad_live_canary");
        assert!(ApiKey::new("").is_err());
        assert!(ApiKey::new("gcad_live\n").is_err());
    }

    #[test]
    fn an_idempotency_key_has_1_to_160_visible_ascii_characters() {
        assert!(IdempotencyKey::new("k".repeat(160)).is_ok());
        for bad in [
            String::new(),
            "k".repeat(161),
            "a b".into(),
            "ä".into(),
            "a\n".into(),
        ] {
            assert_eq!(IdempotencyKey::new(bad), Err(InvalidIdempotencyKey));
        }
    }
}
