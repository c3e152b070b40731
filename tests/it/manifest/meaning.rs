//! What a manifest means doesn't depend on how it is written.

use millrun::manifest::Format;
use millrun::plan::family::Family;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::read;

/// A part as it might be thought of: its prompts, in order.
#[derive(Debug, Clone)]
struct Thought {
    prompts: Vec<String>,
    review: Option<String>,
}

fn thoughts() -> impl Strategy<Value = Vec<Thought>> {
    let line = "[A-Za-zØ×'\":#,.-][A-Za-z0-9 Ø×'\":#,.-]{0,20}[a-z]";
    let prompt = prop::collection::vec(line, 1..4).prop_map(|lines| lines.join("\n"));
    let part = (
        prop::collection::vec(prompt.clone(), 1..4),
        prop::option::of(prompt),
    )
        .prop_map(|(prompts, review)| Thought { prompts, review });
    prop::collection::vec(part, 1..5)
}

fn write_steps(thought: &Thought) -> Vec<Value> {
    let mut steps = Vec::new();
    for (i, prompt) in thought.prompts.iter().enumerate() {
        steps.push(match i {
            0 => json!({ "create": { "prompt": prompt } }),
            _ => json!({ "iterate": { "prompt": prompt }, "id": format!("i{i}") }),
        });
    }
    let review = |prompt| json!({ "review": { "prompt": prompt } });
    steps.extend(thought.review.as_ref().map(review));
    steps
}

fn manifest(thoughts: &[Thought], prefix: &str) -> Value {
    let part =
        |(i, thought)| json!({ "steps": write_steps(thought), "id": format!("{prefix}{i}") });
    let parts: Vec<Value> = thoughts.iter().enumerate().map(part).collect();
    json!({ "version": 1, "name": "n", "uid": "u", "parts": parts })
}

/// YAML in block style with block scalars, comments and other indentation.
fn block_yaml(thoughts: &[Thought]) -> String {
    let mut text = "# a family\nparts:\n".to_owned();
    let scalar = |text: &str| {
        format!(
            "|\n              {}\n",
            text.replace('\n', "  \n              ")
        )
    };
    for (i, thought) in thoughts.iter().enumerate() {
        text += &format!("  - id: 'p{i}' # a part\n    steps:\n");
        for step in write_steps(thought) {
            let step = step.as_object().unwrap();
            let (kind, body) = step.iter().find(|(key, _)| *key != "id").unwrap();
            let prompt = body["prompt"].as_str().unwrap();
            text += &format!("      - {kind}:\n            prompt: {}", scalar(prompt));
            if let Some(id) = step.get("id") {
                text += &format!("\n        id: {}\n", id.as_str().unwrap());
            }
        }
    }
    text + "uid: u\nname: \"n\"\nversion: 1\n"
}

fn keys(text: &str, format: Format) -> Vec<String> {
    let (family, _) = read(text, format).unwrap();
    let mut keys = all_keys(&family);
    keys.sort();
    keys
}

fn all_keys(family: &Family) -> Vec<String> {
    family
        .steps
        .iter()
        .map(|step| step.key().unwrap().to_string())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_survive_every_other_way_to_write_the_same(thoughts in thoughts()) {
        let plain = manifest(&thoughts, "p");
        let known = keys(&plain.to_string(), Format::Yaml);

        let block = block_yaml(&thoughts);
        prop_assert_eq!(&keys(&block, Format::Yaml), &known, "{}", block);
        prop_assert_eq!(&keys(&block.replace('\n', "\r\n"), Format::Yaml), &known, "CRLF");
        prop_assert_eq!(&keys(&format!("\u{feff}{block}"), Format::Yaml), &known, "BOM");
        let toml = toml::to_string(&plain).unwrap();
        prop_assert_eq!(&keys(&toml, Format::Toml), &known, "{}", toml);

        let renamed = manifest(&thoughts, "renamed-").to_string();
        prop_assert_eq!(&keys(&renamed, Format::Yaml), &known, "renamed");
        let mut reordered = thoughts.clone();
        reordered.reverse();
        let reordered = manifest(&reordered, "p").to_string();
        prop_assert_eq!(&keys(&reordered, Format::Yaml), &known, "reordered");
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n]{0,80}|(version: 1\n|parts:\n|- |id: |a|steps:\n|  |\\{\\{|\\}\\}|\\[|\\]|&a |\\*a|<<: |\"|'|create: |prompt: |é|\r\n){0,30}") {
        let _ = read(&text, Format::Yaml);
        let _ = read(&text, Format::Toml);
    }

    #[test]
    fn any_template_is_rendered_or_refused(template in "(\\{\\{ ?|\\}\\}|width|vars| |\\.|[0-9]|'a'|\\||upper|and|==|<|in|\\[|\\]|\\(|\\)|~|\\*|/|if|else|,|-|é){0,12}") {
        let part = json!({ "id": "a", "steps": [
            { "create": { "prompt": template } },
            { "iterate": { "prompt": "x", "when": template } },
        ] });
        let text = json!({ "version": 1, "name": "n", "vars": { "width": 80 }, "parts": [part] });
        let _ = read(&text.to_string(), Format::Yaml);
    }
}
