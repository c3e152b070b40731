//! Every manifest in `invalid/` is refused with the words in the file beside it.
//!
//! `SNAPSHOTS=overwrite cargo test` writes these files anew.

use std::path::{Path, PathBuf};

use millrun::adapters::images::FolderImages;
use millrun::manifest::{Sources, load, to_json};
use millrun::plan::resolve::understand;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

use super::show;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/manifest/invalid")
}

/// The environment of these manifests.
fn variable(name: &str) -> Option<String> {
    (name == "LOT").then(|| "7".to_owned())
}

fn diagnose(file: &Path) -> String {
    let mut sources = Sources::default();
    let read = load(file, &mut sources, &variable);
    let problems = match understand(read, &sources, &mut FolderImages::new(folder())) {
        Ok((_, lints)) => lints,
        Err(problems) => problems,
    };
    for problem in &problems {
        let json = to_json(problem, &sources);
        assert!(json["line"].as_u64() >= Some(1) && json["column"].as_u64() >= Some(1));
        assert!(!json["help"].is_null() && json["code"].is_string());
    }
    let shown = show(&problems, &sources);
    shown.replace(&format!("{}/", folder().display()), "")
}

#[test]
fn every_mistake_is_shown_where_it_was_made() {
    let mut cases: Vec<PathBuf> = (std::fs::read_dir(folder()).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml" || e == "toml"))
        .collect();
    cases.sort();
    assert!(cases.len() >= 80);
    let mut wrong = Vec::new();
    for case in cases {
        let expected = Data::read_from(&case.with_extension("stderr"), Some(DataFormat::Text));
        let actual = diagnose(&case);
        assert!(!actual.is_empty(), "{} is fine", case.display());
        let outcome = std::panic::catch_unwind(|| {
            Assert::new()
                .action_env("SNAPSHOTS")
                .eq(actual, expected.raw());
        });
        if outcome.is_err() {
            wrong.push(case);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn files_that_cannot_be_read_are_diagnostics_too() {
    let mut sources = Sources::default();
    for (name, code) in [
        ("none.yaml", "unreadable-file"),
        ("../invalid", "unreadable-file"),
        ("image.svg", "unknown-format"),
    ] {
        let problems = load(&folder().join(name), &mut sources, &variable)
            .unwrap_err()
            .diagnostics;
        let shown = show(&problems, &sources);
        assert!(shown.contains(code) && shown.contains("help:"), "{shown}");
    }
}
