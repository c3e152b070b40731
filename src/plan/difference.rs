//! What changed between two contents: the first field that differs, in words that a person would use.

use serde_json::{Map, Value};

use super::content::Content;

/// Fields are compared in this order, and after them all others by their names.
const ORDER: [&str; 3] = ["kind", "prompt", "images"];

/// The first field in which two contents differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name in the manifest.
    pub field: String,
    /// What it was; empty when it was absent.
    pub old: String,
    /// What it is now; empty when it is absent.
    pub new: String,
}

impl Difference {
    /// The first field in which `new` differs from `old`; `None` when they are the same.
    #[must_use]
    pub fn between(old: &Content, new: &Content) -> Option<Self> {
        let (old, new) = (fields(old), fields(new));
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort_by_key(|name| (rank(name), *name));
        let name = names
            .into_iter()
            .find(|name| old.get(*name) != new.get(*name))?;
        Some(Self {
            field: name.clone(),
            old: told(old.get(name)),
            new: told(new.get(name)),
        })
    }

    /// The lines in which the two differ, those that were before those that are: a line of the old ones starts with `-`, one
    /// of the new ones with `+`. Equal lines around them are left out.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let (old, new): (Vec<&str>, Vec<&str>) =
            (self.old.lines().collect(), self.new.lines().collect());
        let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let rest = old.len().min(new.len()) - start;
        let back = old.iter().rev().zip(new.iter().rev());
        let end = back.take(rest).take_while(|(a, b)| a == b).count();
        let of = |lines: &[&str], mark: char| -> Vec<String> {
            let changed = &lines[start..lines.len() - end];
            changed
                .iter()
                .map(|line| format!("{mark} {line}"))
                .collect()
        };
        [of(&old, '-'), of(&new, '+')].concat()
    }
}

fn rank(name: &str) -> usize {
    let place = ORDER.iter().position(|known| *known == name);
    place.unwrap_or(ORDER.len())
}

fn fields(content: &Content) -> Map<String, Value> {
    match serde_json::to_value(content) {
        Ok(Value::Object(fields)) => fields,
        // A content is a map with text keys.
        _ => Map::new(),
    }
}

/// A value as it is shown: a text as it is, images one a line, anything else as JSON.
fn told(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| told(Some(item))).collect();
            items.join("\n")
        }
        Some(Value::Object(image)) if image.contains_key("digest") => {
            let digest = image.get("digest").and_then(Value::as_str);
            let kind = image.get("image_type").and_then(Value::as_str);
            format!("{} {}", kind.unwrap_or("image"), digest.unwrap_or_default())
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::content::{Expected, ImageRef, ImageType, OnFail, Prompt, Selection};
    use crate::plan::digest::Digest;

    fn create(prompt: &str, images: &[&str]) -> Content {
        let image = |bytes: &&str| ImageRef {
            digest: Digest::of(bytes.as_bytes()),
            image_type: ImageType::Png,
        };
        Content::Create {
            prompt: Prompt::new(prompt),
            images: images.iter().map(image).collect(),
        }
    }

    #[test]
    fn the_first_field_that_differs_is_told_with_both_its_values() {
        let old = create("A plate\n6 mm thick\nwith holes", &["a"]);
        assert_eq!(Difference::between(&old, &old), None);
        let new = create("A plate\n8 mm thick\nwith holes", &["b"]);
        let prompt = Difference::between(&old, &new).unwrap();
        assert_eq!(prompt.field, "prompt");
        assert_eq!(prompt.lines(), ["- 6 mm thick", "+ 8 mm thick"]);

        let images = create("A plate\n6 mm thick\nwith holes", &["a", "b"]);
        let images = Difference::between(&old, &images).unwrap();
        let added = format!("+ png {}", Digest::of(b"b"));
        assert_eq!(
            (images.field.as_str(), images.lines()),
            ("images", vec![added])
        );
    }

    #[test]
    fn what_a_check_or_a_download_asks_for_is_compared_by_its_fields() {
        let check = |on_fail| Content::Check {
            expected: Expected {
                files: None,
                on_fail,
            },
        };
        let warns = Difference::between(&check(OnFail::Reject), &check(OnFail::Warn)).unwrap();
        assert_eq!(
            (warns.field.as_str(), warns.old.as_str(), warns.new.as_str()),
            ("on_fail", "", "warn")
        );
        let download = |artifacts| Content::Download {
            artifacts,
            transcript: false,
        };
        let labels = Selection::Labels("lid*".to_owned());
        let some = Difference::between(&download(Selection::All), &download(labels)).unwrap();
        assert_eq!((some.field.as_str(), some.lines().len()), ("artifacts", 1));
        let kind = Difference::between(&check(OnFail::Warn), &download(Selection::All)).unwrap();
        assert_eq!(
            (kind.old.as_str(), kind.new.as_str()),
            ("check", "download")
        );
    }

    #[test]
    fn lines_that_repeat_are_not_counted_twice() {
        let of = |old: &str, new: &str| Difference {
            field: "prompt".to_owned(),
            old: old.to_owned(),
            new: new.to_owned(),
        };
        assert_eq!(of("a\na", "a\na\na").lines(), ["+ a"]);
        assert_eq!(of("a\na\na", "a").lines(), ["- a", "- a"]);
        assert_eq!(of("", "a").lines(), ["+ a"]);
        assert!(of("a", "a").lines().is_empty());
    }
}
