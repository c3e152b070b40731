//! JSON that others wrote and that has no documented shape.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::{Untrusted, terminal};

/// A JSON value that someone else wrote, kept as it is. As an [`Untrusted`] text it can't be formatted.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct UntrustedValue(Value);

impl UntrustedValue {
    /// Whether it is null, or was absent.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// The text that it is, the text that it has under `field`, or else all of it as JSON; nothing when it is null.
    #[must_use]
    pub fn summary(&self, field: &str) -> Option<Untrusted> {
        let text = match &self.0 {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => match other.get(field).and_then(Value::as_str) {
                Some(text) => text.to_owned(),
                None => other.to_string(),
            },
        };
        Some(text.into())
    }

    /// The value as it came, never to be shown.
    #[must_use]
    pub fn as_raw_untrusted(&self) -> &Value {
        &self.0
    }
}

impl From<Value> for UntrustedValue {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl fmt::Debug for UntrustedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&terminal::json(&self.0.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_summed_up_by_its_text_or_by_all_of_it() {
        for (value, summary) in [
            (json!(null), None),
            (json!("Thicken the flange."), Some("Thicken the flange.")),
            (
                json!({"summary": "Thicken", "prompt": "8 mm"}),
                Some("Thicken"),
            ),
            (json!({"summary": 7}), Some(r#"{"summary":7}"#)),
            (json!([1, {"x": []}]), Some(r#"[1,{"x":[]}]"#)),
        ] {
            let summed = UntrustedValue::from(value.clone()).summary("summary");
            assert_eq!(summed, summary.map(Untrusted::from), "{value}");
        }
    }

    #[test]
    fn what_is_shown_for_debugging_moves_no_cursor() {
        let value = UntrustedValue::from(json!({ "a": "\u{1b}[2J\u{9b}\u{202e}" }));
        assert_eq!(format!("{value:?}"), r#"{"a":"\u001b[2J\u009b\u202e"}"#);
    }
}
