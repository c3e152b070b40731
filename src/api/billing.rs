//! Money, in whole cents.

use serde::Deserialize;
use serde_json::Number;

use super::lenient;
use crate::untrusted::Untrusted;

/// An amount in whole cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "Number")]
pub struct Cents(i64);

/// The workspace's balance ("Read billing status").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// The currency, such as `usd`.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub currency: Option<Untrusted>,
    /// What is available to public API jobs. Essential.
    #[serde(rename = "available_balance_cents")]
    pub available: Cents,
    /// The current hold for starting one CAD job. Essential.
    #[serde(rename = "cad_job_hold_cents")]
    pub job_hold: Cents,
}

/// What a job cost so far.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Cost {
    /// The currency, such as `usd`.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub currency: Option<Untrusted>,
    /// The charge; `None` until the service knows it, and for anything but a whole number of cents
    /// that is not negative: such a figure is never rounded into an amount.
    #[serde(default, rename = "charged_cents", deserialize_with = "charge")]
    pub charged: Option<Cents>,
}

impl Cents {
    /// An amount of `cents`.
    #[must_use]
    pub const fn new(cents: i64) -> Self {
        Self(cents)
    }

    /// The number of cents.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<Number> for Cents {
    type Error = &'static str;

    fn try_from(number: Number) -> Result<Self, Self::Error> {
        let cents = lenient::whole(&number).ok_or("not a whole number of cents")?;
        Ok(Self(cents))
    }
}

fn charge<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Cents>, D::Error> {
    let cents: Option<Cents> = lenient::if_valid(deserializer)?;
    Ok(cents.filter(|cents| cents.0 >= 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_is_a_whole_number_of_cents_or_unknown() {
        for (text, charged) in [
            ("200", Some(200)),
            ("200.0", Some(200)),
            ("2e2", Some(200)),
            ("0", Some(0)),
            ("null", None),
            ("200.5", None),
            ("-1", None),
            ("1e17", None),
            ("18446744073709551615", None),
            ("\"200\"", None),
            ("{}", None),
        ] {
            let cost: Cost =
                serde_json::from_str(&format!("{{\"charged_cents\":{text}}}")).unwrap();
            assert_eq!(cost.charged.map(Cents::get), charged, "{text}");
        }
    }
}
