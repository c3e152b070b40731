//! What the folders of families and origins are called: as they are themselves, where a file system takes that, and so
//! that no two of them share a folder.

use crate::plan::digest::Digest;

/// The longest text that a folder is called by as it is.
const MAX_NAME: usize = 100;

/// The folder of an origin. Its colons and slashes are told from other characters well enough: no host has `_` but for
/// those that get a digest.
pub(super) fn origin_name(origin: &str) -> String {
    let plain = origin.replace([':', '/'], "_");
    if plain == folder_name(&plain) && !origin.contains('_') {
        plain
    } else {
        with_digest(origin, origin)
    }
}

/// `text` as the name of a folder, with a digest of it when it can't be that as it is.
pub(super) fn folder_name(text: &str) -> String {
    let safe = safe(text);
    if safe == text && safe.len() <= MAX_NAME {
        safe
    } else {
        with_digest(text, text)
    }
}

/// As much of `text` as a folder's name can hold, and a digest of `whole`.
pub(super) fn with_digest(text: &str, whole: &str) -> String {
    let safe: String = safe(text).chars().take(MAX_NAME).collect();
    format!("{safe}-{}", Digest::of(whole.as_bytes()).short())
}

/// `text` in characters that every file system takes, and not hidden.
fn safe(text: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let safe: String = text
        .chars()
        .map(|c| if is_safe(c) { c } else { '_' })
        .collect();
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() { "_" } else { safe }.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn origins_have_folders_of_their_own() {
        assert_eq!(origin_name("sim"), "sim");
        assert_eq!(
            origin_name("https://www.ballistalabs.ai"),
            "https___www.ballistalabs.ai"
        );
        let long = format!("https://{}", "a.".repeat(100));
        let names = [
            "http://a:8443",
            "http://a_8443",
            "http://[::1]:80",
            &format!("{long}b"),
            &format!("{long}c"),
        ];
        let names: BTreeSet<String> = names.into_iter().map(origin_name).collect();
        assert_eq!(names.len(), 5, "{names:?}");
        assert!(names.iter().all(|name| !name.contains('/')));
    }
}
