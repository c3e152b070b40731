//! The tables of `docs/guide/manifest.md` are what the schema says, and nothing else.
//!
//! `SNAPSHOTS=overwrite cargo test --test it reference` writes them anew; the prose around them is written by hand.

use std::fmt::Write as _;
use std::path::Path;

use millrun::manifest::{Code, SCHEMA};
use millrun::plan::settings::Settings;
use serde_json::{Map, Value};

use super::schema_order::in_order;
use super::schema_words::{TABLES, VALUES, anchor, example, flow, followed, takes};

const BEGIN: &str = "<!-- The tables from here on are made from the schema by a test. -->\n";
const END: &str = "<!-- The tables end here. -->\n";

/// Definitions that are told of where they are used.
const ELSEWHERE: [&str; 3] = ["combination", "included", "version"];

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// Splits a description into what it says and the default that it names at its end.
fn told(description: &str) -> (&str, Option<&str>) {
    match description.split_once("Default: ") {
        Some((text, default)) => (text.trim_end(), default.strip_suffix('.')),
        None => (description, None),
    }
}

/// The keys that `object` requires; those that `defaults` could give as well are required at the end.
fn required(schema: &Value, name: &str, object: &Map<String, Value>) -> (Vec<String>, Vec<String>) {
    let texts = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let pointer =
        format!("/then/properties/parts/items/properties/steps/items/properties/{name}/required");
    let by_defaults = schema.pointer(&pointer).map_or_else(Vec::new, texts);
    (
        object.get("required").map_or_else(Vec::new, texts),
        by_defaults,
    )
}

/// The table of the keys of one mapping.
fn table(schema: &Value, name: &str, object: &Map<String, Value>) -> String {
    let mut page = "| key | takes | default | what it is |\n| --- | --- | --- | --- |\n".to_owned();
    let (needed, by_defaults) = required(schema, name, object);
    for (key, property) in in_order(name, object) {
        // A mapping in `defaults` has the keys of its step.
        let takes = match TABLES
            .iter()
            .find(|(known, _)| name == "defaults" && known == key)
        {
            Some((_, heading)) => format!("the keys of [{heading}](#{})", anchor(heading)),
            None => takes(schema, property),
        };
        let all = followed(schema, property);
        let (text, default) = told(all["description"].as_str().unwrap());
        let default = match default {
            Some(default) if default.contains(' ') => default.to_owned(),
            Some(default) => format!("`{default}`"),
            None if needed.contains(key) => "**required**".to_owned(),
            None if by_defaults.contains(key) => "**required**, here or in `defaults`".to_owned(),
            None => String::new(),
        };
        let takes = takes.replace('|', "\\|");
        writeln!(
            page,
            "| `{key}` | {takes} | {} | {text} |",
            default.replace('|', "\\|")
        )
        .unwrap();
    }
    if let Some(others) = object
        .get("additionalProperties")
        .filter(|others| others.is_object())
    {
        let text = others["description"].as_str().unwrap();
        writeln!(page, "| any other | {} | | {text} |", takes(schema, others)).unwrap();
    }
    page
}

/// An example of the mapping `name`: what stands in a manifest below its key.
fn written(schema: &Value, name: &str) -> Option<String> {
    let has_its_own = ["part", "matrix", "step", "defaults"];
    if has_its_own.contains(&name) {
        return None;
    }
    let fields = example(schema, &schema["$defs"][name]).unwrap();
    let definition = jsonschema::draft202012::new(&serde_json::json!({
        "$defs": schema["$defs"], "$ref": format!("#/$defs/{name}"),
    }));
    let errors: Vec<String> = (definition.unwrap().iter_errors(&fields))
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "the example of {name}");
    let mut page = format!("```yaml\n{name}:\n");
    for (key, _) in in_order(name, schema["$defs"][name].as_object().unwrap()) {
        if let Some(value) = fields.get(key) {
            writeln!(page, "  {key}: {}", flow(value)).unwrap();
        }
    }
    page += "```\n";
    if name == "snapshot" {
        let list = page
            .replace("snapshot:", "snapshots:")
            .replace("  image:", "    image:");
        return Some(list.replace("  label:", "  - label:"));
    }
    Some(page)
}

/// All tables.
fn reference(schema: &Value) -> String {
    let mut page = format!(
        "\n## The manifest itself\n\n{}",
        table(schema, "", schema.as_object().unwrap())
    );
    for (name, heading) in TABLES {
        let object = &schema["$defs"][name];
        let text = object["description"].as_str().unwrap();
        let table = table(schema, name, object.as_object().unwrap());
        write!(page, "\n## {heading}\n\n{text}\n\n{table}").unwrap();
        if let Some(example) = written(schema, name) {
            write!(page, "\n{example}").unwrap();
        }
    }
    let included = &schema["$defs"]["included"];
    let keys = included["properties"].as_object().unwrap().keys();
    let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
    let text = included["description"].as_str().unwrap();
    write!(
        page,
        "\n## An included file\n\n{text} It has these keys of a manifest: {}.\n",
        keys.join(", ")
    )
    .unwrap();
    page += "\n## Values\n\n| value | what it is | for example |\n| --- | --- | --- |\n";
    for name in VALUES {
        let value = &schema["$defs"][name];
        let examples = value["examples"].as_array().into_iter().flatten();
        let examples: Vec<String> = examples
            .map(|example| {
                format!(
                    "`{}`",
                    example
                        .as_str()
                        .map_or_else(|| flow(example), str::to_owned)
                )
            })
            .collect();
        let text = value["description"].as_str().unwrap();
        writeln!(page, "| {name} | {text} | {} |", examples.join(", ")).unwrap();
    }
    page + "\n"
}

#[test]
fn the_reference_is_what_the_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/manifest.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}{}{END}{after}", reference(&schema()));
    snapbox::assert_data_eq!(expected, snapbox::Data::read_from(&path, None).raw());
}

#[test]
fn every_definition_of_the_schema_is_in_the_reference() {
    let schema = schema();
    let tables = TABLES.map(|(name, _)| name);
    for name in schema["$defs"].as_object().unwrap().keys() {
        let name = name.as_str();
        let is_told = tables.contains(&name) || VALUES.contains(&name) || ELSEWHERE.contains(&name);
        assert!(is_told, "{name} has no place in the reference");
    }
}

#[test]
fn every_lint_is_in_the_guide() {
    let page = include_str!("../../../docs/guide/manifest.md");
    for lint in Code::LINTS {
        assert!(
            page.contains(&format!("| `{}` |", lint.as_str())),
            "{}",
            lint.as_str()
        );
    }
}

/// A default that the pages name and the program doesn't have would be the worst of all.
#[test]
fn the_defaults_that_the_schema_names_are_those_of_the_program() {
    let schema = schema();
    let told_of = |pointer: &str| {
        let property = followed(&schema, schema.pointer(pointer).unwrap());
        let (_, default) = told(property["description"].as_str().unwrap());
        default.unwrap_or_else(|| panic!("{pointer}")).to_owned()
    };
    let Settings {
        limits,
        retry,
        job_timeout,
        output,
        ..
    } = Settings::default();
    let minutes = |duration: std::time::Duration| duration.as_secs() / 60;
    for (key, default) in [
        (
            "$defs/limits/properties/cad_writes",
            limits.cad_writes.to_string(),
        ),
        (
            "$defs/limits/properties/reviews",
            limits.reviews.to_string(),
        ),
        (
            "$defs/limits/properties/job_polls",
            limits.job_polls.to_string(),
        ),
        ("$defs/limits/properties/reads", limits.reads.to_string()),
        (
            "$defs/limits/properties/artifacts",
            limits.artifacts.to_string(),
        ),
        (
            "$defs/limits/properties/balance",
            limits.balance.to_string(),
        ),
        (
            "$defs/limits/properties/active_jobs",
            limits.active_jobs.to_string(),
        ),
        (
            "$defs/limits/properties/profile",
            format!("{:?}", limits.profile).to_lowercase(),
        ),
        (
            "$defs/retry/properties/attempts",
            retry.attempts.to_string(),
        ),
        (
            "$defs/retry/properties/backoff",
            format!(
                "{}s..{}m",
                retry.backoff_min.as_secs(),
                minutes(retry.backoff_max)
            ),
        ),
        (
            "properties/job_timeout",
            format!("{}h", minutes(job_timeout) / 60),
        ),
        ("properties/output", output),
    ] {
        assert_eq!(told_of(&format!("/{key}")), default, "{key}");
    }
}
