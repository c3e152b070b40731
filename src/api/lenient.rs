//! Reading fields that may be null, missing or odd without losing the answer around them.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

/// Null counts as the default; anything else must be right.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Whatever is not a `T` counts as absent. For fields that may be absent at any time anyway.
pub(super) fn if_valid<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// Null, an integer or a decimal, clamped to 0 and `most`; anything else counts as null.
pub(super) fn seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
    most: Duration,
) -> Result<Option<Duration>, D::Error> {
    let seconds = Value::deserialize(deserializer)?.as_f64();
    Ok(seconds.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, most.as_secs_f64()))))
}

/// The whole number that `number` is, also when it is written as a decimal (`200.0`); `None` past
/// 2^53, where decimals stop being exact.
pub(super) fn whole(number: &Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let decimal = number.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    let whole = (decimal.fract() == 0.0 && decimal.abs() < EXACT).then_some(decimal as i64);
    whole
}
