//! As much of JSON Schema as the OpenAPI document uses. A keyword that is not known here fails, so that none is
//! overlooked.

use serde_json::{Map, Value};

/// The object itself, or the one that its `$ref` names.
pub(super) fn resolved<'a>(document: &'a Value, object: &'a Value) -> &'a Value {
    match object.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference
                .strip_prefix('#')
                .expect("a reference within the document");
            let target = document.pointer(pointer);
            target.unwrap_or_else(|| panic!("{reference} leads nowhere"))
        }
        None => object,
    }
}

/// Holds `value` to `schema`.
pub(super) fn hold(document: &Value, schema: &Value, value: &Value, path: &str) {
    if let Err(why) = check(document, schema, value) {
        panic!("{path}{why}");
    }
}

fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolved(document, schema).as_object().expect("a schema");
    for (keyword, told) in schema {
        match keyword.as_str() {
            "type" => has_type(told, value)?,
            "enum" => {
                let is_one = told.as_array().expect("a list").contains(value);
                is_one.then_some(()).ok_or(format!(" is {value}"))?;
            }
            "pattern" => begins(told.as_str().expect("a pattern"), value)?,
            "format" => formatted(told.as_str().expect("a format"), value)?,
            "minimum" => {
                let number = value.as_f64().unwrap_or(f64::MAX);
                (told.as_f64() <= Some(number))
                    .then_some(())
                    .ok_or(format!(" is {value}"))?;
            }
            "anyOf" => {
                let any = told.as_array().expect("a list");
                let fits = any
                    .iter()
                    .any(|schema| check(document, schema, value).is_ok());
                fits.then_some(())
                    .ok_or(format!(" is none of its kinds: {value}"))?;
            }
            "required" => {
                for name in told.as_array().expect("a list") {
                    let name = name.as_str().expect("a name");
                    value.get(name).ok_or(format!(" has no {name}: {value}"))?;
                }
            }
            "properties" => properties(document, told.as_object().expect("schemas"), value)?,
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(document, told, item).map_err(|why| format!("[{index}]{why}"))?;
                }
            }
            "description" | "example" => {}
            unknown => panic!("the keyword {unknown} is not understood"),
        }
    }
    Ok(())
}

/// What is there fits, and nothing is there that is not described.
fn properties(document: &Value, schemas: &Map<String, Value>, value: &Value) -> Result<(), String> {
    for (name, value) in value.as_object().into_iter().flatten() {
        let schema = schemas
            .get(name)
            .ok_or(format!(".{name} is not described"))?;
        check(document, schema, value).map_err(|why| format!(".{name}{why}"))?;
    }
    Ok(())
}

fn has_type(told: &Value, value: &Value) -> Result<(), String> {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not understood"),
    };
    let fits = match told {
        Value::Array(names) => names.iter().any(|name| name.as_str().is_some_and(is)),
        name => name.as_str().is_some_and(is),
    };
    fits.then_some(()).ok_or(format!(" is {value}, not {told}"))
}

/// Answers have patterns of one form only: how a text begins.
fn begins(pattern: &str, value: &Value) -> Result<(), String> {
    let prefix = pattern.strip_prefix('^').expect("a beginning");
    assert!(
        prefix.chars().all(|c| c.is_ascii_alphabetic() || c == '_'),
        "{pattern}"
    );
    let text = value.as_str().unwrap_or(prefix);
    text.starts_with(prefix)
        .then_some(())
        .ok_or(format!(" is {value}"))
}

fn formatted(format: &str, value: &Value) -> Result<(), String> {
    let Some(text) = value.as_str() else {
        return Ok(());
    };
    let fits = match format {
        "uuid" => text.len() == 36 && text.matches('-').count() == 4,
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "uri" => text.starts_with("http://") || text.starts_with("https://"),
        "uri-reference" => text.starts_with('/'),
        other => panic!("the format {other} is not understood"),
    };
    fits.then_some(()).ok_or(format!(" is no {format}: {text}"))
}
