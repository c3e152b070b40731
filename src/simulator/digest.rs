//! SHA-256 over labelled fields: what ids, fates, fingerprints and signatures are made of.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

/// A finished SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest([u8; 32]);

/// A SHA-256 in the making. Each field goes in with its length, so that no two lists of fields meet.
pub(crate) struct Digester(Sha256);

impl Digester {
    /// Begins a digest that serves one purpose only.
    pub(crate) fn new(purpose: &str) -> Self {
        Self(Sha256::new()).text(purpose)
    }

    pub(crate) fn text(mut self, field: &str) -> Self {
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field.as_bytes());
        self
    }

    pub(crate) fn number(mut self, field: u64) -> Self {
        self.0.update(field.to_be_bytes());
        self
    }

    pub(crate) fn digest(mut self, field: &Digest) -> Self {
        self.0.update(field.0);
        self
    }

    pub(crate) fn finish(self) -> Digest {
        Digest::from_sha256(self.0)
    }
}

impl Digest {
    pub(crate) fn from_sha256(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }

    /// 64 hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// 32 hexadecimal digits, as request ids have them.
    pub(crate) fn short_hex(&self) -> String {
        HEXLOWER.encode(&self.0[..16])
    }

    /// 22 characters of URL-safe base 64, as revision, artifact and file ids have them.
    pub(crate) fn token(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0[..16])
    }

    /// The form of a version 4 UUID, as job and message ids have it.
    pub(crate) fn uuid(&self) -> String {
        let mut bytes = self.0;
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex = HEXLOWER.encode(&bytes[..16]);
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    /// The `index`th of four independent numbers below `bound` (of 0: 0).
    pub(crate) fn draw(&self, index: usize, bound: u64) -> u64 {
        let bytes = self.0.as_chunks::<8>().0[index % 4];
        u64::from_be_bytes(bytes).checked_rem(bound).unwrap_or(0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(hex.as_bytes()).map_err(D::Error::custom)?;
        let bytes = bytes
            .try_into()
            .map_err(|_| D::Error::custom("a digest has 64 hexadecimal digits"))?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_borders() {
        let one = Digester::new("test").text("ab").text("c").finish();
        let other = Digester::new("test").text("a").text("bc").finish();
        assert_ne!(one, other);
    }

    #[test]
    fn a_digest_survives_the_log() {
        let digest = Digester::new("test").number(7).finish();
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
    }
}
