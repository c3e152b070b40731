//! Signed URLs: links to a file that need no key and work until they expire.

use serde::Deserialize;

use super::digest::Digester;
use super::ids::ArtifactId;

/// The query of a signed URL.
#[derive(Debug, Deserialize)]
pub(crate) struct Signature {
    expires: i64,
    signature: String,
}

/// The path and query that give a file until `expires_ms`.
pub(crate) fn signed_path(seed: u64, artifact: &ArtifactId, expires_ms: i64) -> String {
    let signature = sign(seed, artifact, expires_ms);
    format!("/_storage/{artifact}?expires={expires_ms}&signature={signature}")
}

impl Signature {
    /// Whether it was made for this file and has not expired.
    pub(crate) fn admits(&self, seed: u64, artifact: &ArtifactId, now: i64) -> bool {
        now < self.expires && self.signature == sign(seed, artifact, self.expires)
    }
}

fn sign(seed: u64, artifact: &ArtifactId, expires_ms: i64) -> String {
    Digester::new("signed url")
        .number(seed)
        .text(artifact.as_str())
        .text(&expires_ms.to_string())
        .finish()
        .short_hex()
}
