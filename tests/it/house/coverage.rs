//! Everything that the API document names is named by a test: `docs/api-coverage.md` says by which.
//!
//! A file of tests names a thing when it has it in quotes, when it has the number of a status, or when it holds something
//! to the document's example that has the field. `SNAPSHOTS=overwrite cargo test coverage` writes the page anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::walk;

const ENDPOINTS: &[&str] = &[
    "/cad/jobs",
    "/messages",
    "/review",
    "/artifacts",
    "/artifacts/",
    "/download",
    "/billing/balance",
];

const REQUEST: &[&str] = &[
    "limit",
    "cursor",
    "q",
    "redirect",
    "prompt",
    "images",
    "revision_id",
    "viewer_state",
    "camera",
    "position",
    "target",
    "up",
    "snapshots",
    "label",
    "mime_type",
    "data_base64",
    "source",
];

const HEADERS: &[&str] = &[
    "authorization",
    "idempotency-key",
    "content-type",
    "x-request-id",
    "cache-control",
    "retry-after",
    "location",
];

const ANSWERS: &[&str] = &[
    "jobs",
    "next_cursor",
    "id",
    "status",
    "source",
    "title",
    "prompt_preview",
    "last_message",
    "latest_revision_id",
    "created_at",
    "updated_at",
    "poll_after_seconds",
    "explanation",
    "cost",
    "currency",
    "charged_cents",
    "assembly_tree",
    "label",
    "kind",
    "filename",
    "artifact_id",
    "children",
    "artifacts",
    "download_url",
    "message_id",
    "job_id",
    "revision_id",
    "assistant_message_id",
    "review",
    "mode",
    "message",
    "model",
    "iteration_proposal",
    "viewer_actions",
    "messages",
    "role",
    "content",
    "images",
    "content_type",
    "size_bytes",
    "revision",
    "url",
    "expires_in_seconds",
    "available_balance_cents",
    "cad_job_hold_cents",
    "error",
    "code",
    "request_id",
];

const VALUES: &[&str] = &[
    "queued",
    "running",
    "completed",
    "failed",
    "user",
    "assistant",
    "webapp",
    "api",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "image/heic",
    "image/heif",
];

const STATUSES: &[&str] = &["400", "401", "402", "403", "409", "429", "503", "302"];

const CODES: &[&str] = &[
    "missing_prompt",
    "prompt_too_long",
    "invalid_json",
    "invalid_form_data",
    "json_images_unsupported",
    "unsupported_image_field",
    "invalid_file_type",
    "file_too_large",
    "too_many_images",
    "idempotency_key_required",
    "idempotency_key_conflict",
    "job_already_running",
    "job_not_completed",
    "cad_revision_required",
    "review_agent_failed",
    "review_agent_unavailable",
    "billing_required",
    "billing_needs_review",
    "insufficient_balance",
    "projected_balance_exceeded",
    "rate_limited",
];

/// A part of the document. What must be named on both sides is what each reads or writes in every answer.
struct Part {
    title: &'static str,
    names: &'static [&'static str],
    on_both_sides: bool,
}

const PARTS: [Part; 7] = [
    Part {
        title: "Paths",
        names: ENDPOINTS,
        on_both_sides: true,
    },
    Part {
        title: "Fields of requests",
        names: REQUEST,
        on_both_sides: false,
    },
    Part {
        title: "Headers",
        names: HEADERS,
        on_both_sides: false,
    },
    Part {
        title: "Fields of answers",
        names: ANSWERS,
        on_both_sides: true,
    },
    Part {
        title: "Values",
        names: VALUES,
        on_both_sides: false,
    },
    Part {
        title: "Statuses",
        names: STATUSES,
        on_both_sides: false,
    },
    Part {
        title: "Error codes",
        names: CODES,
        on_both_sides: true,
    },
];

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
            return self.text.contains(thing);
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

/// The document's examples: each file's stem and the fields in it.
fn examples() -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/api");
    let mut examples = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let mut fields = BTreeSet::new();
        collect(&serde_json::from_str(&text).unwrap(), &mut fields);
        let stem = path.file_stem().unwrap().to_str().unwrap();
        examples.insert(stem.to_owned(), fields);
    }
    assert_eq!(examples.len(), 14);
    examples
}

fn collect(value: &Value, fields: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                fields.insert(name.clone());
                collect(value, fields);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, fields)),
        _ => {}
    }
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
            .filter(|(stem, _)| text.contains(&format!("\"{stem}\"")));
        let fields = used.flat_map(|(_, fields)| fields.clone()).collect();
        all.push(Tests { path, text, fields });
    });
    all.retain(|tests| !tests.path.ends_with("house/coverage.rs") && !tests.text.is_empty());
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
    } in PARTS
    {
        write!(
            page,
            "\n## {title}\n\n| name | client | simulator | together |\n| --- | --- | --- | --- |\n"
        )
        .unwrap();
        for name in names {
            let is_named = |tests: &[Tests]| tests.iter().any(|tests| tests.name(name));
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
                [&client, &simulator, &whole].map(|tests| files(tests, name));
            writeln!(page, "| `{name}` | {client} | {simulator} | {whole} |").unwrap();
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api-coverage.md");
    snapbox::assert_data_eq!(page, snapbox::Data::read_from(Path::new(path), None).raw());
}

#[test]
fn no_field_of_an_example_is_missing_from_the_lists() {
    let listed: BTreeSet<&str> = [REQUEST, ANSWERS].concat().into_iter().collect();
    for (example, fields) in examples() {
        for field in fields {
            assert!(listed.contains(field.as_str()), "{field} of {example}");
        }
    }
}
