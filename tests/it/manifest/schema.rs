//! The schema says the same as the reader, as far as a schema can.

use std::path::{Path, PathBuf};

use jsonschema::Validator;
use millrun::manifest::SCHEMA;
use serde_json::Value;

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The files of `folder`, with what is in each; nothing for those that are no YAML or TOML.
fn documents(folder: &str) -> Vec<(PathBuf, Option<Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut all: Vec<_> = (std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let text = |path: &Path| std::fs::read_to_string(path).unwrap();
            let value = match path.extension()?.to_str()? {
                "yaml" => {
                    let options = serde_yaml::options! { strict_booleans: true, leading_zero_numbers_as_strings: true };
                    serde_yaml::from_str_with_options(&text(&path), options).ok()
                }
                "toml" => toml::from_str(&text(&path)).ok(),
                _ => return None,
            };
            Some((path, value))
        })
        .collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

#[test]
fn the_schema_accepts_every_manifest() {
    let validator = validator();
    let folders = ["manifests", "manifests/cookbook", "src/cli/templates"];
    let all = folders.map(documents).concat();
    assert!(all.len() >= 7);
    for (path, document) in all {
        let document = document.unwrap_or_else(|| panic!("{}", path.display()));
        let errors: Vec<String> = (validator.iter_errors(&document))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}

/// Manifests that are wrong in what no schema knows: meanings, places, files beside them, sums.
const BEYOND: &[&str] = &[
    "anchors",
    "assembly-paths",
    "colliding-paths",
    "control-characters",
    "crlf",
    "cycle-of-one",
    "cycle-of-steps",
    "cycle",
    "duplicate-in-matrix",
    "duplicate-parts",
    "duplicate-review",
    "include-cycle",
    "include-defaults",
    "include-wrong",
    "later-names",
    "lints-allowed",
    "lints-of-prompts",
    "lints",
    "matrix-empty",
    "mixed-comparison",
    "needs-of-steps",
    "not-a-condition",
    "not-yet-budget",
    "not-yet-steps",
    "other-vars",
    "part-in-id",
    "prompts",
    "results-in-ids",
    "results",
    "steps-in-templates",
    "table-cells",
    "table-empty",
    "table-header",
    "table-ids",
    "table-mixed-comparison",
    "table-quotes",
    "template-failed",
    "template-syntax",
    "toml-tables",
    "toml-template",
    "too-many-parts",
    "two-currencies",
    "undefined-behind-and",
    "undefined-in-block",
    "undefined-members",
    "unknown-part",
    "unused-env",
    "yaml-tags",
];

#[test]
fn the_schema_refuses_what_a_schema_can_of_the_invalid_manifests() {
    let validator = validator();
    let mut accepted = Vec::new();
    for (path, document) in documents("tests/it/manifest/invalid") {
        if document.is_some_and(|document| validator.is_valid(&document)) {
            accepted.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    assert_eq!(accepted, BEYOND);
}
