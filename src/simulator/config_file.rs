//! A configuration as a file, in TOML or JSON. What a file does not name has its default; what it names and nobody
//! knows is an error, because a misspelt switch would be one that was not set.

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::cents::Cents;
use super::config::{Config, LIVE_KEY_PREFIX};
use super::limits::{Limits, Quota};

/// The divisors that leave every window and wait a length that can be told.
const TIME_DIVISORS: RangeInclusive<f64> = 0.001..=1_000_000.0;
const DAY_MS: i64 = 86_400_000;

/// Why a text is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is no TOML, or names what there is not.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// It is no JSON, or names what there is not.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// It names a workspace that cannot be.
    #[error("{0}")]
    Impossible(&'static str),
}

impl Config {
    /// Reads a configuration in TOML.
    ///
    /// # Errors
    /// When it is no TOML, has an unknown key or value, or makes no sense.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        toml::from_str::<Self>(text)?.sensible()
    }

    /// Reads a configuration in JSON.
    ///
    /// # Errors
    /// As [`Config::from_toml`].
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        serde_json::from_str::<Self>(text)?.sensible()
    }

    fn sensible(self) -> Result<Self, ConfigError> {
        let mut secrets: Vec<&str> = self.keys.iter().map(|key| key.secret.as_str()).collect();
        secrets.sort_unstable();
        let complaint = if !TIME_DIVISORS.contains(&self.time_divisor) {
            "time-divisor is a number from 0.001 to 1000000"
        } else if self.job_seconds.is_empty() {
            "job-seconds are the shortest and the longest, in this order"
        } else if self.failure_percent > 100 {
            "failure-percent is at most 100"
        } else if self.hold_cents < Cents(0) {
            "hold-cents is at least 0"
        } else if secrets
            .iter()
            .any(|secret| secret.starts_with(LIVE_KEY_PREFIX))
        {
            "a key that begins like one of the real service has no place here"
        } else if secrets.windows(2).any(|pair| pair[0] == pair[1]) {
            "a key is listed twice"
        } else if self
            .limits
            .all()
            .into_iter()
            .flatten()
            .any(|quota| !quota.is_sensible())
        {
            "a limit has a count of 1 to 1000000 and a window-ms of 1 to a day; \"off\" is no limit"
        } else {
            return Ok(self);
        };
        Err(ConfigError::Impossible(complaint))
    }
}

impl Limits {
    fn all(&self) -> [Option<Quota>; 6] {
        [
            self.cad_writes,
            self.reviews,
            self.job_polls,
            self.reads,
            self.artifacts,
            self.balance,
        ]
    }
}

impl Quota {
    fn is_sensible(self) -> bool {
        (1..=1_000_000).contains(&self.count) && (1..=DAY_MS).contains(&self.window_ms)
    }
}

/// Reads `{ count = 10, window-ms = 60000 }` or `"off"`.
pub(crate) fn quota<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Quota>, D::Error> {
    struct QuotaVisitor;

    impl<'de> Visitor<'de> for QuotaVisitor {
        type Value = Option<Quota>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a limit with count and window-ms, or \"off\"")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            match text {
                "off" => Ok(None),
                _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            }
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            Quota::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    from.deserialize_any(QuotaVisitor)
}

/// Reads `[60, 240]`.
pub(crate) fn range<'de, D: Deserializer<'de>>(from: D) -> Result<RangeInclusive<u32>, D::Error> {
    let [shortest, longest] = <[u32; 2]>::deserialize(from)?;
    Ok(shortest..=longest)
}
