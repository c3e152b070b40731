//! What the schema says of values, in words and in YAML.

use serde_json::{Map, Value};

/// What has a table of its own: its definition, and its heading.
pub(super) const TABLES: [(&str, &str); 18] = [
    ("part", "A part"),
    ("matrix", "`matrix`"),
    ("step", "A step"),
    ("create", "`create`"),
    ("adopt", "`adopt`"),
    ("iterate", "`iterate`"),
    ("review", "`review`"),
    ("snapshot", "A snapshot of `review`"),
    ("check", "`check`"),
    ("bbox", "`bbox` of `check`"),
    ("volume", "`volume` of `check`"),
    ("approve", "`approve`"),
    ("download", "`download`"),
    ("limits", "`limits`"),
    ("budget", "`budget`"),
    ("retry", "`retry`"),
    ("defaults", "`defaults`"),
    ("lints", "`lints`"),
];

/// Values that keys share, each told of once.
pub(super) const VALUES: [&str; 9] = [
    "template", "prompt", "images", "when", "quantity", "rate", "duration", "amount", "scalar",
];

/// The schema that `property` is, references followed, with what stands beside the reference on top.
pub(super) fn followed(schema: &Value, property: &Value) -> Map<String, Value> {
    let mut all = match definition_of(property) {
        Some(name) => followed(schema, &schema["$defs"][name]),
        None => Map::new(),
    };
    all.extend(property.as_object().cloned().unwrap_or_default());
    all
}

pub(super) fn definition_of(property: &Value) -> Option<&str> {
    property["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// The address of a heading, as the pages' readers make it.
pub(super) fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '_');
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// What a key takes, in words.
pub(super) fn takes(schema: &Value, property: &Value) -> String {
    if let Some(name) = definition_of(property) {
        if let Some((_, heading)) = TABLES.iter().find(|(known, _)| *known == name) {
            return format!("[{}](#{})", heading, anchor(heading));
        }
        if VALUES.contains(&name) {
            let link = format!("[{name}](#values)");
            let items = followed(schema, property);
            return match items.get("maxItems") {
                Some(most) => format!("{link}, at most {most}"),
                None => link,
            };
        }
    }
    let all = followed(schema, property);
    let inner = |key: &str| all.get(key).map(|inner| takes(schema, inner));
    if let Some(words) = all.get("enum") {
        return choice(words);
    }
    if let Some(only) = all.get("const") {
        return format!("`{only}`");
    }
    match (
        all["type"].as_str(),
        inner("items"),
        inner("additionalProperties"),
    ) {
        (Some("array"), Some(items), _) => match (all.get("minItems"), all.get("maxItems")) {
            (Some(least), Some(most)) if least == most => format!("list of {least}: {items}"),
            _ => format!("list: {items}"),
        },
        (Some("object"), _, Some(values)) => format!("mapping of names to {values}"),
        (Some("object"), _, _) => "mapping".to_owned(),
        (Some("integer"), _, _) => {
            format!("whole number, {} to {}", all["minimum"], all["maximum"])
        }
        (Some("string"), _, _) => "text".to_owned(),
        (Some("boolean"), _, _) => "`true` or `false`".to_owned(),
        _ => panic!("{property} takes nothing that there are words for"),
    }
}

/// `a`, `b` or `c`.
pub(super) fn choice(words: &Value) -> String {
    let words = words.as_array().unwrap();
    let quoted: Vec<String> = words
        .iter()
        .map(|word| format!("`{}`", flow(word)))
        .collect();
    match &quoted[..] {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => quoted.concat(),
    }
}

/// A value as YAML has it in one line.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let plain = |c: char| c.is_alphanumeric() || " -_./>=".contains(c);
            let is_text =
                text.starts_with(char::is_alphabetic) || text.ends_with(char::is_alphabetic);
            if is_text && text.chars().all(plain) {
                text.clone()
            } else {
                Value::String(text.clone()).to_string()
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{key}: {}", flow(value)));
            let fields: Vec<String> = fields.collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// The first example of `property`, or one that is made of the examples of what it has.
pub(super) fn example(schema: &Value, property: &Value) -> Option<Value> {
    let all = followed(schema, property);
    if let Some(examples) = all.get("examples").and_then(Value::as_array) {
        return examples.first().cloned();
    }
    if let Some(items) = all.get("items") {
        return Some(Value::Array(vec![example(schema, items)?]));
    }
    let fields = all.get("properties")?.as_object()?;
    let fields = fields.iter().filter(|(key, _)| !is_other_choice(&all, key));
    let fields =
        fields.filter_map(|(key, property)| Some((key.clone(), example(schema, property)?)));
    Some(Value::Object(fields.collect()))
}

/// Whether `key` is one of those that exclude each other, and not the first of them.
pub(super) fn is_other_choice(object: &Map<String, Value>, key: &str) -> bool {
    let choices = object.get("oneOf").and_then(Value::as_array);
    choices.is_some_and(|choices| {
        let of_key = |choice: &Value| choice["required"][0] == key;
        choices[1..].iter().any(of_key)
    })
}
