//! No text makes a panic, whatever was done to it. `fuzz/run.sh` looks longer, and is led by what it reaches.

use std::path::Path;

use fastrand::Rng;
use proptest::prelude::*;

#[path = "../../../fuzz/src/lib.rs"]
mod bodies;

/// Pieces that mean something somewhere.
const PIECES: [&str; 40] = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "}",
    "{",
    "[",
    "]",
    "|",
    ">",
    "&a",
    "*a",
    "<<: *a",
    "!!str ",
    "- ",
    ": ",
    "? ",
    "\"",
    "'",
    "\\",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{202e}",
    "\0",
    "# ",
    "---\n",
    "...\n",
    "when: ",
    "needs: [",
    "part.id",
    "env.LOT",
    "vars",
    " == ",
    " and ",
    "| default(1)",
    "9999999999999999999",
    "-0.0",
    "1e999",
];

/// What is done to a text, some times over.
fn mutated(text: &str, rng: &mut Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..rng.usize(1..=4) {
        let from = rng.usize(..=chars.len());
        let to = (from + rng.usize(..40)).min(chars.len());
        match rng.u8(..6) {
            0 => drop(chars.drain(from..to)),
            1 => {
                let piece = chars[from..to].to_vec();
                let at = rng.usize(..=chars.len());
                chars.splice(at..at, piece);
            }
            2 => {
                let piece = PIECES[rng.usize(..PIECES.len())].chars();
                chars.splice(from..from, piece);
            }
            3 => drop(chars.splice(from..to, [rng.char(..)])),
            4 => chars.truncate(from.max(chars.len() / 4)),
            _ => chars[from..to].reverse(),
        }
    }
    chars.into_iter().collect()
}

/// The texts of the project that `is_seed` takes, by the ends of their names.
fn seeds(is_seed: impl Fn(&str) -> bool) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "manifests",
        "src/cli/templates",
        "tests/it/manifest/invalid",
        "tests/it/manifest/invalid/tables",
        "fuzz/seeds/template",
    ];
    let mut paths: Vec<_> = (folders.iter())
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|end| is_seed(end.to_str().unwrap()))
        })
        .collect();
    paths.sort();
    assert!(paths.len() >= 3, "{paths:?}");
    // What takes long is looked at elsewhere: here many texts are.
    let texts = paths
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok());
    texts.filter(|text| text.len() < 4_000).collect()
}

fn look_at_all(seeds: &[String], texts: usize, body: fn(&str) -> String) {
    let mut rng = Rng::with_seed(11);
    for _ in 0..texts {
        let text = mutated(&seeds[rng.usize(..seeds.len())], &mut rng);
        let outcome = std::panic::catch_unwind(|| body(&text));
        assert!(outcome.is_ok(), "this text did it:\n{text:?}");
    }
}

#[test]
fn manifests_that_were_torn_are_read_or_refused() {
    look_at_all(
        &seeds(|end| end == "yaml" || end == "toml"),
        300,
        bodies::manifest,
    );
}

#[test]
fn tables_that_were_torn_are_read_or_refused() {
    look_at_all(&seeds(|end| end == "csv"), 400, bodies::table);
}

#[test]
fn templates_and_conditions_that_were_torn_are_read_or_refused() {
    look_at_all(&seeds(|end| end == "txt"), 400, bodies::template);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}[\\x00-\\x7f]{0,60}\\PC{0,40}") {
        bodies::manifest(&text);
        bodies::table(&text);
        bodies::template(&text);
    }
}
