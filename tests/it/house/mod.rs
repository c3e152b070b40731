//! The house's own rules, checked by machine: which room may use which, what a pure room never touches, and that the map
//! of the house shows the house.

mod coverage;
mod description;
mod imports;
mod map;
mod untrusted;

use std::fs;
use std::path::{Path, PathBuf};

/// A source file under `src/`, with its comments, strings of documentation and tests taken out.
struct Source {
    /// Relative to `src/`, such as `plan/key.rs`.
    path: String,
    code: String,
}

impl Source {
    /// The folder that it lives in; `lib` for the files at the top.
    fn room(&self) -> &str {
        self.path.split_once('/').map_or("lib", |(room, _)| room)
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    walk(&root, &mut |path| {
        let text = fs::read_to_string(path).unwrap();
        let product = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code = product
            .lines()
            .filter(is_code)
            .collect::<Vec<_>>()
            .join("\n");
        let path = path
            .strip_prefix(&root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        sources.push(Source { path, code });
    });
    assert!(
        sources.len() > 50,
        "only {} files: is this the right folder?",
        sources.len()
    );
    // Tests that have files of their own are no part of the product.
    sources
        .retain(|source| !source.path.contains("/tests/") && !source.path.ends_with("/tests.rs"));
    sources
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path);
        }
    }
}
