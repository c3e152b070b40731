//! What the "sanitized" message history makes of a user's words (section "Read message history").

use icu_normalizer::ComposingNormalizerBorrowed;

use super::switches::HistoryContent;

/// How many characters a shortened message keeps.
const SHORTENED: usize = 1_000;

/// The content as the history shows it.
pub(crate) fn content(sent: &str, how: HistoryContent) -> String {
    match how {
        HistoryContent::AsSent => sent.to_owned(),
        HistoryContent::Trimmed => sent.trim().to_owned(),
        HistoryContent::Normalized => {
            let composed = ComposingNormalizerBorrowed::new_nfc().normalize(sent);
            composed.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        HistoryContent::Shortened => sent.chars().take(SHORTENED).collect(),
    }
}
