//! Diagnostics for machines.

use serde_json::{Value, json};

use super::diagnostic::{Diagnostic, Label, Severity};
use super::source::Sources;

/// `diagnostic` as a JSON object: `code`, `severity`, `message`, `file`, `line`, `column`, `end` (`line`, `column`: the
/// place after the last character), `label`, `help` and `related` (places with a `message`). Lines and columns count from 1.
#[must_use]
pub fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let mut object = place(&diagnostic.primary, sources);
    object["code"] = diagnostic.code.as_str().into();
    object["severity"] = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
    .into();
    object["label"] = diagnostic.primary.text.as_str().into();
    object["message"] = diagnostic.message.as_str().into();
    object["help"] = diagnostic.help.clone().into();
    object["related"] = diagnostic
        .related(sources)
        .iter()
        .map(|label| place(label, sources))
        .collect();
    object
}

fn place(label: &Label, sources: &Sources) -> Value {
    let start = sources.position(label.span.source, label.span.start);
    let end = sources.position(label.span.source, label.span.end);
    json!({
        "file": sources.name(label.span.source),
        "line": start.line,
        "column": start.column,
        "end": { "line": end.line, "column": end.column },
        "message": label.text,
    })
}
