//! Signed URLs: links to a file that need no key and work until they expire.

use serde::Deserialize;

use super::digest::Digester;
use super::ids::ArtifactId;

/// The query of a signed URL.
#[derive(Debug, Deserialize)]
pub(crate) struct Signature {
    expires: i64,
    /// The number of a link that works once.
    serial: Option<u64>,
    pub(crate) signature: String,
}

/// The path and query that give a file until `expires_ms`.
pub(crate) fn signed_path(
    seed: u64,
    artifact: &ArtifactId,
    expires_ms: i64,
    serial: Option<u64>,
) -> String {
    let signature = sign(seed, artifact, expires_ms, serial);
    let serial = serial.map_or_else(String::new, |serial| format!("&serial={serial}"));
    format!("/_storage/{artifact}?expires={expires_ms}{serial}&signature={signature}")
}

impl Signature {
    /// Whether it was made for this file and has not expired.
    pub(crate) fn admits(&self, seed: u64, artifact: &ArtifactId, now: i64) -> bool {
        now < self.expires && self.signature == sign(seed, artifact, self.expires, self.serial)
    }
}

fn sign(seed: u64, artifact: &ArtifactId, expires_ms: i64, serial: Option<u64>) -> String {
    let digester = Digester::new("signed url")
        .number(seed)
        .text(artifact.as_str())
        .text(&expires_ms.to_string());
    let digester = match serial {
        Some(serial) => digester.number(serial),
        None => digester,
    };
    digester.finish().short_hex()
}
