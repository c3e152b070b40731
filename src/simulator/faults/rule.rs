//! Rules: which requests a fault happens to, and how they are read.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::endpoint::Endpoint;
use super::fault::Fault;

/// A fault, and when it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct FaultRule {
    /// To which requests.
    pub on: On,
    /// To which of those.
    pub when: When,
    /// To how many at most; unless it is said, to one of [`When::Nth`] and to all of the others.
    pub times: Option<u64>,
    /// What happens.
    pub fault: Fault,
}

/// Which endpoints a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Each at which the fault can happen.
    Any,
    /// One.
    Only(Endpoint),
}

/// Which calls of its endpoints a rule is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// All.
    Always,
    /// Those from this one on, counted from 1.
    Nth(u64),
    /// Each with this probability, drawn from the seed.
    Chance(f64),
}

/// Rules that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FaultError(String);

/// A list of rules, as files and control calls have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    rules: Vec<Value>,
}

/// A rule as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    on: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nth: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chance: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    fault: Value,
}

impl FaultRule {
    /// A rule for every request to `on`.
    #[must_use]
    pub fn always(on: On, fault: Fault) -> Self {
        Self {
            on,
            when: When::Always,
            times: None,
            fault,
        }
    }

    /// A rule for the `nth` request to `on`, counted from 1.
    #[must_use]
    pub fn nth(on: On, nth: u64, fault: Fault) -> Self {
        Self {
            when: When::Nth(nth),
            ..Self::always(on, fault)
        }
    }

    /// Reads a list of rules: `{"rules": [{"on": "create", "nth": 2, "fault": "hang"}]}`.
    ///
    /// # Errors
    /// When it is no such list, a key is unknown, or a rule can never be meant so; the error says which.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, FaultError> {
        let listed: Listed =
            serde_json::from_str(text).map_err(|error| FaultError(error.to_string()))?;
        let rules = listed.rules.into_iter().enumerate().map(|(index, rule)| {
            serde_json::from_value(rule)
                .map_err(|error| FaultError(format!("rule {}: {error}", index + 1)))
        });
        rules.collect()
    }

    /// Whether calls of this endpoint count for it.
    pub(crate) fn covers(&self, endpoint: Endpoint) -> bool {
        let meant = match self.on {
            On::Any => true,
            On::Only(only) => only == endpoint,
        };
        meant && self.fault.fits(endpoint)
    }

    /// To how many calls it happens at most.
    pub(crate) fn most(&self) -> u64 {
        self.times.unwrap_or(match self.when {
            When::Nth(_) => 1,
            When::Always | When::Chance(_) => u64::MAX,
        })
    }
}

impl TryFrom<Written> for FaultRule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let on = On::named(&written.on)?;
        let when = match (written.nth, written.chance) {
            (None, None) => When::Always,
            (Some(0), None) => return Err("nth counts from 1".to_owned()),
            (Some(nth), None) => When::Nth(nth),
            (None, Some(chance)) if (0.0..=1.0).contains(&chance) => When::Chance(chance),
            (None, Some(chance)) => {
                return Err(format!("chance must be from 0 to 1, not {chance}"));
            }
            (Some(_), Some(_)) => return Err("it has nth or chance, not both".to_owned()),
        };
        if written.times == Some(0) {
            return Err("times must be at least 1".to_owned());
        }
        let fault = fault(written.fault)?;
        fault.check()?;
        match on {
            On::Only(endpoint) if !fault.fits(endpoint) => {
                return Err(format!("this fault cannot happen to {endpoint}"));
            }
            On::Only(_) | On::Any => {}
        }
        Ok(Self {
            on,
            when,
            times: written.times,
            fault,
        })
    }
}

impl From<FaultRule> for Written {
    fn from(rule: FaultRule) -> Self {
        let (nth, chance) = match rule.when {
            When::Always => (None, None),
            When::Nth(nth) => (Some(nth), None),
            When::Chance(chance) => (None, Some(chance)),
        };
        Self {
            on: rule.on.to_string(),
            nth,
            chance,
            times: rule.times,
            fault: serde_json::to_value(rule.fault).unwrap_or(Value::Null),
        }
    }
}

/// Reads a fault; one that needs nothing said is its name alone.
fn fault(written: Value) -> Result<Fault, String> {
    let mut object = match written {
        Value::String(kind) => Map::from_iter([("kind".to_owned(), Value::String(kind))]),
        Value::Object(object) => object,
        _ => return Err("fault is a name, or an object with a kind".to_owned()),
    };
    // A number of seconds is as good as the text of the header.
    if let Some(wait @ Value::Number(_)) = object.get_mut("retry_after") {
        *wait = Value::String(wait.to_string());
    }
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

impl On {
    fn named(name: &str) -> Result<Self, String> {
        if name == "any" {
            return Ok(Self::Any);
        }
        let named = Endpoint::ALL.into_iter().find(|one| one.name() == name);
        named.map(Self::Only).ok_or_else(|| {
            let names = Endpoint::ALL.map(Endpoint::name).join(", ");
            format!("`{name}` is no endpoint; there are {names}, and any")
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Only(endpoint) => endpoint.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::{Foreign, Reached};
    use super::*;

    #[test]
    fn rules_are_read_and_written_alike() {
        let text = r#"{"rules": [
            {"on": "create", "nth": 2, "fault": {"kind": "reset", "effect": "applied"}},
            {"on": "any", "chance": 0.25, "times": 3, "fault": {"kind": "rate_limited", "retry_after": 7}},
            {"on": "download", "fault": {"kind": "foreign_url", "to": "file"}},
            {"on": "status", "fault": "hang"}
        ]}"#;
        let rules = FaultRule::parse_all(text).unwrap();
        assert_eq!(
            rules[0],
            FaultRule::nth(
                On::Only(Endpoint::Create),
                2,
                Fault::Reset {
                    effect: Reached::Applied
                }
            )
        );
        assert_eq!(rules[1].when, When::Chance(0.25));
        assert_eq!(rules[1].most(), 3);
        assert_eq!(rules[2].fault, Fault::ForeignUrl { to: Foreign::File });
        let again = serde_json::json!({ "rules": rules }).to_string();
        assert_eq!(FaultRule::parse_all(&again).unwrap(), rules);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_clear_words() {
        for (rule, expected) in [
            (
                r#"{"on":"creat","fault":"hang"}"#,
                "rule 1: `creat` is no endpoint; there are create, follow_up, review",
            ),
            (
                r#"{"on":"create","nht":1,"fault":"hang"}"#,
                "rule 1: unknown field `nht`, expected one of `on`, `nth`",
            ),
            (
                r#"{"on":"create","fault":{"kind":"hang","secs":1}}"#,
                "rule 1: unknown field `secs`, expected `effect`",
            ),
            (
                r#"{"on":"create","fault":{"kind":"truncated","secs":1}}"#,
                "rule 1: unknown field `secs`",
            ),
            (
                r#"{"on":"create","fault":"hnag"}"#,
                "rule 1: unknown variant `hnag`, expected one of `rate_limited`",
            ),
            (
                r#"{"on":"create","fault":"slow"}"#,
                "rule 1: missing field `seconds`",
            ),
            (r#"{"on":"create"}"#, "rule 1: missing field `fault`"),
            (
                r#"{"on":"create","nth":1,"chance":1,"fault":"hang"}"#,
                "rule 1: it has nth or chance, not both",
            ),
            (
                r#"{"on":"create","nth":0,"fault":"hang"}"#,
                "rule 1: nth counts from 1",
            ),
            (
                r#"{"on":"create","chance":1.5,"fault":"hang"}"#,
                "rule 1: chance must be from 0 to 1, not 1.5",
            ),
            (
                r#"{"on":"create","times":0,"fault":"hang"}"#,
                "rule 1: times must be at least 1",
            ),
            (
                r#"{"on":"create","fault":{"kind":"answer","status":99}}"#,
                "rule 1: status must be from 200 to 599, not 99",
            ),
            (
                r#"{"on":"create","fault":{"kind":"late","seconds":-1}}"#,
                "rule 1: seconds must be from 0 to a year, not -1",
            ),
            (
                r#"{"on":"balance","fault":"duplicated"}"#,
                "rule 1: this fault cannot happen to balance",
            ),
            (
                r#"{"on":"status","fault":{"kind":"foreign_url","to":"fiel"}}"#,
                "rule 1: `fiel` is neither a URL nor one of other_host",
            ),
            (
                r#"{"on":"create","fault":{"kind":"rate_limited","retry_after":"1\n"}}"#,
                "rule 1: retry_after must be visible ASCII",
            ),
        ] {
            let text = format!("{{\"rules\":[{rule}]}}");
            let error = FaultRule::parse_all(&text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{rule}: {error}");
        }
        for (text, expected) in [
            (
                r#"{"rules":[],"seed":1}"#,
                "unknown field `seed`, expected `rules`",
            ),
            ("[]", "invalid"),
            ("rules:", "expected value"),
        ] {
            let error = FaultRule::parse_all(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
