//! The JSON Schema of manifests (2020-12), for editors and other programs.
//!
//! It is written by hand, for people who read it in their editor, and a test holds it to what the readers of this room
//! take: every key is in both.

/// The schema.
pub const SCHEMA: &str = include_str!("../../docs/manifest.schema.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::SCHEMA;
    use crate::manifest::diagnostic::Code;
    use crate::manifest::reader::Keys;
    use crate::manifest::{
        bodies, defaults, expected, lints, not_yet, parts, settings, steps, top,
    };

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).unwrap()
    }

    fn properties(schema: &Value, pointer: &str) -> BTreeSet<String> {
        let of = schema
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer}"));
        assert_eq!(of["additionalProperties"], false, "{pointer}");
        of["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    }

    const ALL: [(&str, Keys); 19] = [
        ("", top::MANIFEST),
        ("/$defs/defaults", defaults::DEFAULTS),
        ("/$defs/lints", lints::LINTS),
        ("/$defs/limits", settings::LIMITS),
        ("/$defs/budget", settings::BUDGET),
        ("/$defs/retry", settings::RETRY),
        ("/$defs/part", parts::PART),
        ("/$defs/step", steps::STEP),
        ("/$defs/create", bodies::CREATE),
        ("/$defs/adopt", bodies::ADOPT),
        ("/$defs/iterate", bodies::ITERATE),
        ("/$defs/review", bodies::REVIEW),
        ("/$defs/snapshot", bodies::SNAPSHOT),
        ("/$defs/check", expected::CHECK),
        ("/$defs/bbox", expected::BBOX),
        ("/$defs/volume", expected::VOLUME),
        ("/$defs/approve", bodies::APPROVE),
        ("/$defs/download", bodies::DOWNLOAD),
        ("/$defs/defaults/properties/review", bodies::REVIEW),
    ];

    #[test]
    fn every_key_is_in_the_schema_and_every_property_is_a_key() {
        let schema = schema();
        for (pointer, keys) in ALL {
            let known = keys.known.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(properties(&schema, pointer), known, "{pointer}");
        }
        let included = top::INCLUDED.map(str::to_owned).into();
        assert_eq!(properties(&schema, "/$defs/included"), included);
    }

    #[test]
    fn the_schema_says_what_is_not_supported_yet() {
        let schema = schema();
        for (of, key) in not_yet::keys() {
            let (pointer, _) = (ALL.iter().find(|(_, keys)| keys.of == *of)).unwrap();
            let property = &schema.pointer(pointer).unwrap()["properties"][*key];
            let property = match property["$ref"].as_str() {
                Some(link) if property["description"].is_null() => {
                    schema.pointer(link.trim_start_matches('#')).unwrap()
                }
                _ => property,
            };
            let description = property["description"].as_str().unwrap();
            assert!(description.contains("not supported yet"), "{of} {key}");
        }
    }

    #[test]
    fn the_schema_names_all_lints() {
        let schema = schema();
        let names = &schema["$defs"]["lints"]["properties"]["allow"]["items"]["enum"];
        let lints: Vec<&str> = Code::LINTS.iter().map(|code| code.as_str()).collect();
        assert_eq!(*names, serde_json::json!(lints));
    }

    #[test]
    fn everything_is_described() {
        fn look(value: &Value, at: &str) {
            if let Some(properties) = value["properties"].as_object() {
                for (key, property) in properties {
                    let is_told =
                        property["description"].is_string() || property["$ref"].is_string();
                    assert!(is_told, "{at}/{key}");
                    look(property, &format!("{at}/{key}"));
                }
            }
        }
        let schema = schema();
        look(&schema, "");
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            assert!(definition["description"].is_string(), "{name}");
            look(definition, name);
        }
    }
}
