//! How a value of a template becomes text: numbers without a trailing `.0` and without exponent.

use minijinja::Value;
use minijinja::value::ValueKind;

use crate::manifest::shape::Scalar;

/// Whole numbers from here on are not kept by a float.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The text of `value`, or why it has none.
pub(super) fn format(value: &Value) -> Result<String, String> {
    match value.kind() {
        ValueKind::String => Ok(value.to_string()),
        ValueKind::Bool => Ok(value.is_true().to_string()),
        ValueKind::Number if value.is_integer() => Ok(value.to_string()),
        ValueKind::Number => format_float(value),
        other => Err(format!("a template can't print a value of type {other}")),
    }
}

/// The value of `scalar` in templates.
pub(super) fn value_of(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Text(text) => Value::from(text.as_str()),
        Scalar::Int(number) => Value::from(*number),
        Scalar::Float(number) => Value::from(*number),
        Scalar::Bool(value) => Value::from(*value),
    }
}

/// Whether the engine itself makes the same text of `value` as [`format()`] does.
pub(super) fn prints_alike(value: &Value) -> bool {
    value.kind() == ValueKind::String || value.is_integer()
}

fn format_float(value: &Value) -> Result<String, String> {
    match f64::try_from(value.clone()) {
        // Adding zero makes the negative zero a plain one.
        Ok(number) if number.abs() < MAX_EXACT => Ok((number + 0.0).to_string()),
        Ok(number) if number.is_finite() => Err("this number is too large to be exact".to_owned()),
        _ => Err("the result is not a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_neither_exponent_nor_needless_decimals() {
        let print = |number: f64| format(&Value::from(number));
        assert_eq!(print(60.0).unwrap(), "60");
        assert_eq!(print(-0.0).unwrap(), "0");
        assert_eq!(print(0.000_000_1).unwrap(), "0.0000001");
        assert_eq!(print(1e15).unwrap(), "1000000000000000");
        assert_eq!(print(2.5).unwrap(), "2.5");
        assert!(print(1e17).is_err());
        assert!(print(f64::NAN).is_err());
        assert_eq!(format(&Value::from(true)).unwrap(), "true");
        assert_eq!(
            format(&Value::from(9_007_199_254_740_993_i64)).unwrap(),
            "9007199254740993"
        );
    }
}
