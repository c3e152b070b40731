//! What a simulated workspace is made with: its keys, money, limits and pace.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::cents::Cents;
use super::clock::whole_ms;
use super::config_file;
use super::limits::Limits;
use super::switches::{PollAfter, Switches};

/// The API key every simulator accepts unless its [`Config`] says otherwise; it has all scopes.
pub const SIM_API_KEY: &str = "gcad_sim_0123456789abcdef";

/// How keys of the real service begin. The simulator never accepts one.
pub(crate) const LIVE_KEY_PREFIX: &str = "gcad_live_";

/// What an API key may do (section "Authentication").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Scope {
    /// `cad:read`: list, status, messages, artifacts; with `cad:write`, reviews.
    #[serde(rename = "cad:read")]
    CadRead,
    /// `cad:write`: creates, follow-ups; with `cad:read`, reviews.
    #[serde(rename = "cad:write")]
    CadWrite,
    /// `billing:read`: the balance.
    #[serde(rename = "billing:read")]
    BillingRead,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 3] = [Self::CadRead, Self::CadWrite, Self::BillingRead];

    /// The scope's name in the API document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CadRead => "cad:read",
            Self::CadWrite => "cad:write",
            Self::BillingRead => "billing:read",
        }
    }
}

/// Whether an API key is accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// It is.
    #[default]
    Valid,
    /// No longer: its owner took it back.
    Revoked,
    /// No longer: its time was up.
    Expired,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// What a client sends after `Bearer `.
    pub secret: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Whether it is accepted, until the control interface says otherwise.
    #[serde(default)]
    pub state: KeyState,
}

impl ApiKey {
    /// A valid key with the given scopes.
    pub fn new(secret: impl Into<String>, scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self {
            secret: secret.into(),
            scopes: scopes.into_iter().collect(),
            state: KeyState::Valid,
        }
    }
}

/// Everything that can be chosen about a simulated workspace.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Config {
    /// What durations, charges, failures and ids are drawn from.
    pub seed: u64,
    /// Job durations, limit windows and every wait a client is told are divided by this. At 1 told waits are whole
    /// seconds, otherwise they have decimals.
    pub time_divisor: f64,
    /// The rate limits, before division.
    pub limits: Limits,
    /// What a *new* workspace owns; a reopened one keeps what it has.
    pub balance_cents: Cents,
    /// What each create and follow-up puts on hold.
    pub hold_cents: Cents,
    /// The API keys.
    pub keys: Vec<ApiKey>,
    /// `poll_after_seconds` of an active job, before division.
    pub poll_after_seconds: u32,
    /// How long a run takes, in seconds before division, unless its prompt says so.
    #[serde(deserialize_with = "config_file::range")]
    pub job_seconds: RangeInclusive<u32>,
    /// How many runs in a hundred fail by themselves.
    pub failure_percent: u8,
    /// How long a signed download URL works, in seconds before division.
    pub link_seconds: u32,
    /// How the open points of the document are read.
    pub switches: Switches,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            time_divisor: 1.0,
            limits: Limits::default(),
            balance_cents: Cents(50_000),
            hold_cents: Cents(200),
            keys: vec![ApiKey::new(SIM_API_KEY, Scope::ALL)],
            poll_after_seconds: 30,
            job_seconds: 60..=240,
            failure_percent: 0,
            link_seconds: 900,
            switches: Switches::default(),
        }
    }
}

impl Config {
    /// A span of the document's time as this workspace lives it, in milliseconds; never nothing of something.
    pub(crate) fn scaled_ms(&self, document_ms: i64) -> i64 {
        let scaled = whole_ms((document_ms as f64 / self.divisor()).ceil());
        scaled.max(i64::from(document_ms > 0))
    }

    /// How long who asked about an active job is told to wait, if anything.
    pub(crate) fn poll_after_ms(&self) -> Option<i64> {
        let document_ms = i64::from(self.poll_after_seconds) * 1_000;
        match self.switches.visibility.poll_after {
            PollAfter::Told => Some(self.scaled_ms(document_ms)),
            PollAfter::Null => None,
            PollAfter::Decimals => Some(self.scaled_ms(document_ms + 250)),
        }
    }

    /// Whether this workspace's time is the document's.
    pub(crate) fn is_undivided(&self) -> bool {
        self.divisor() == 1.0
    }

    fn divisor(&self) -> f64 {
        if self.time_divisor.is_finite() && self.time_divisor > 0.0 {
            self.time_divisor
        } else {
            1.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divisor_shortens_every_span_but_never_to_nothing() {
        let config = Config {
            time_divisor: 120.0,
            ..Config::default()
        };
        assert_eq!(config.scaled_ms(60_000), 500);
        assert_eq!(config.scaled_ms(1), 1);
        assert_eq!(config.scaled_ms(0), 0);
        assert_eq!(Config::default().scaled_ms(10_000), 10_000);
    }
}
