//! "Did you mean": the nearest of the words that would have been right.

use std::fmt::Write as _;

/// The most words that are listed.
const MAX_LISTED: usize = 20;

/// A hint that names the word of `known` nearest to `word`, if one is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|other| format!("did you mean `{other}`?"))
}

/// The word of `known` nearest to `word`, if one is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|other| (strsim::damerau_levenshtein(word, other), other))
        .filter(|&(distance, other)| distance <= other.chars().count().max(3) / 3)
        .min()
        .map(|(_, other)| other)
}

/// `words` as `a`, `b`, `c`.
pub(super) fn list(words: &[&str]) -> String {
    let mut text = String::new();
    for (i, word) in words.iter().take(MAX_LISTED).enumerate() {
        let separator = if i == 0 { "" } else { ", " };
        // Writing to a String can't fail.
        let _ = write!(text, "{separator}`{word}`");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_word_is_meant() {
        let known = ["prompt", "images", "id"];
        assert_eq!(
            did_you_mean("promt", known).as_deref(),
            Some("did you mean `prompt`?")
        );
        assert_eq!(did_you_mean("colour", known), None);
    }
}
