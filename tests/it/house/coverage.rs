//! Everything that the API document names is named by a test: `docs/api-coverage.md` says by which.
//!
//! What it names is read off the checked-in description (`src/simulator/openapi.json`) and the document's own examples
//! (`tests/fixtures/api/`). A file of tests names a thing when it has it in quotes, when it has the number of a status or
//! an address of the path, or when it holds something to the document's example that has the field.
//! `SNAPSHOTS=overwrite cargo test coverage` writes the page anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::description::{Example, Part, examples, parts};
use super::walk;

/// The tests of one file.
struct Tests {
    /// Relative to the repository.
    path: String,
    text: String,
    /// The fields of the examples that they use.
    fields: BTreeSet<String>,
}

impl Tests {
    fn name(&self, thing: &str) -> bool {
        if thing.bytes().all(|byte| byte.is_ascii_digit()) {
            let mut words = self.text.split(|c: char| !c.is_ascii_alphanumeric());
            return words.any(|word| word == thing);
        }
        if thing.starts_with('/') {
            return addresses(&self.text).any(|address| leads_to(address, thing));
        }
        // Raw strings have JSON's own quotes, others escape them.
        let quoted = [
            format!("\"{thing}\""),
            format!("\"{thing}\\\""),
            format!("{thing}="),
        ];
        quoted.iter().any(|quoted| self.text.contains(quoted)) || self.fields.contains(thing)
    }
}

/// What could be the path of a request, or the end of one, in a text.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '`' | '\\' | '(' | ')' | ',');
    let words = text.split(ends).filter(|word| word.contains('/'));
    words.map(|word| {
        let path = word.split('?').next().unwrap_or_default();
        path.split_once("/api/v1").map_or(path, |(_, path)| path)
    })
}

/// Whether an address is one of the path: `/cad/jobs/cadjob_1/review` is one of `/cad/jobs/{job_id}/review`, and so is
/// `{job}/review`, where the beginning is put in.
fn leads_to(address: &str, path: &str) -> bool {
    let is_like = |address: &[&str], path: &[&str]| {
        let mut both = address.iter().zip(path);
        address.len() == path.len()
            && both.all(|(part, known)| part == known || known.starts_with('{') && !part.is_empty())
    };
    let path: Vec<&str> = path.split('/').collect();
    let address: Vec<&str> = address.split('/').collect();
    let known_end = path.last().is_some_and(|last| !last.starts_with('{'));
    let put_in = address[0].starts_with('{') && address.len() <= path.len() && known_end;
    is_like(&address, &path)
        || put_in && is_like(&address[1..], &path[path.len() + 1 - address.len()..])
}

fn tests_under(folder: &str) -> Vec<Tests> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = examples();
    let mut all = Vec::new();
    walk(&root.join(folder), &mut |path| {
        let text = fs::read_to_string(path).unwrap();
        let path = path
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let text = if path.contains("/tests/") || path.starts_with("tests/") {
            text
        } else {
            let tests = text.split_once("#[cfg(test)]\nmod tests {");
            tests.map_or_else(String::new, |(_, tests)| tests.to_owned())
        };
        let used = examples
            .iter()
            .filter(|Example { stem, .. }| text.contains(&format!("\"{stem}\"")));
        let fields = used.flat_map(|example| example.fields.clone()).collect();
        all.push(Tests { path, text, fields });
    });
    all.retain(|tests| !tests.path.contains("/house/") && !tests.text.is_empty());
    all
}

/// The files that name `thing`, three at most: a page is read.
fn files(tests: &[Tests], thing: &str) -> String {
    let named: Vec<&str> = tests
        .iter()
        .filter(|tests| tests.name(thing))
        .filter_map(|tests| Path::new(&tests.path).file_stem()?.to_str())
        .collect();
    match named.len() {
        0 => "\u{2013}".to_owned(),
        count @ 4.. => format!("{} and {} more", named[..3].join(", "), count - 3),
        _ => named.join(", "),
    }
}

#[test]
fn everything_that_the_document_names_is_named_by_a_test() {
    let client = tests_under("src/api");
    let simulator = tests_under("src/simulator");
    let whole = tests_under("tests/it");
    let mut page = "# What of the API document is tested where\n\n\
        Made by a test (`tests/it/house/coverage.rs`), which fails when something here is named by no test. The columns name \
        files of tests: of the client (`src/api/`), of the simulator (`src/simulator/`), of both together (`tests/it/`).\n"
        .to_owned();
    let mut missing = Vec::new();
    for Part {
        title,
        names,
        on_both_sides,
    } in parts()
    {
        write!(
            page,
            "\n## {title}\n\n| name | client | simulator | together |\n| --- | --- | --- | --- |\n"
        )
        .unwrap();
        for name in names {
            let is_named = |tests: &[Tests]| tests.iter().any(|tests| tests.name(&name));
            let sides = (is_named(&client), is_named(&simulator));
            let enough = if on_both_sides {
                sides.0 && sides.1
            } else {
                sides.0 || sides.1
            };
            if !enough {
                missing.push(format!("{title}: {name}"));
            }
            let [client, simulator, whole] =
                [&client, &simulator, &whole].map(|tests| files(tests, &name));
            writeln!(page, "| `{name}` | {client} | {simulator} | {whole} |").unwrap();
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api-coverage.md");
    snapbox::assert_data_eq!(page, snapbox::Data::read_from(Path::new(path), None).raw());
}

#[test]
fn an_address_leads_to_one_path() {
    let text = r#"client.get("/api/v1/cad/jobs?limit=3"); format!("{JOBS}/{}/messages", id); "{job}/review""#;
    let found: Vec<&str> = addresses(text).collect();
    assert_eq!(found, ["/cad/jobs", "{JOBS}/{}/messages", "{job}/review"]);
    for (address, path, leads) in [
        ("/cad/jobs", "/cad/jobs", true),
        ("/cad/jobs", "/cad/jobs/{job_id}", false),
        ("/cad/jobs/", "/cad/jobs/{job_id}", false),
        ("/cad/jobs/cadjob_1", "/cad/jobs/{job_id}", true),
        ("/cad/jobs/cadjob_1/review", "/cad/jobs/{job_id}", false),
        (
            "/cad/jobs/cadjob_1/review",
            "/cad/jobs/{job_id}/review",
            true,
        ),
        ("{job}/review", "/cad/jobs/{job_id}/review", true),
        ("{JOBS}/{}/review", "/cad/jobs/{job_id}/review", true),
        ("{job}/review", "/cad/jobs/{job_id}/messages", false),
        ("{JOBS}/{id}", "/cad/jobs/{job_id}", false),
        ("{base}/a/b/c/d/review", "/cad/jobs/{job_id}/review", false),
    ] {
        assert_eq!(leads_to(address, path), leads, "{address} {path}");
    }
}
