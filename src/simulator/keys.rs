//! Idempotency keys: what each was used for, and whether that is still remembered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::digest::Digest;
use super::errors::ApiError;
use super::limits::{Bucket, Class};
use super::switches::{KeyLife, KeyScope, Visibility};
use super::wire::Receipt;

const MINUTE_MS: i64 = 60_000;

/// The endpoints that take an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Endpoint {
    Create,
    FollowUp,
    Review,
}

impl Endpoint {
    const ALL: [Self; 3] = [Self::Create, Self::FollowUp, Self::Review];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::FollowUp => "follow_up",
            Self::Review => "review",
        }
    }

    pub(crate) fn class(self) -> Class {
        match self {
            Self::Create | Self::FollowUp => Class::CadWrites,
            Self::Review => Class::Reviews,
        }
    }

    pub(crate) fn bucket(self) -> Bucket {
        match self {
            Self::Create | Self::FollowUp => Bucket::CadWrites,
            Self::Review => Bucket::Reviews,
        }
    }
}

/// What a key was used for, and what was answered.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) at_ms: i64,
    pub(crate) fingerprint: Digest,
    pub(crate) answer: Answered,
}

/// What a replay repeats.
#[derive(Debug, Clone)]
pub(crate) enum Answered {
    Accepted(Receipt),
    Refused(Refusal),
}

/// An error as it was first told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) wait_ms: Option<i64>,
}

impl Refusal {
    pub(crate) fn of(error: &ApiError, switches: &Visibility) -> Self {
        Self {
            status: error.status(switches).as_u16(),
            code: error.code().into_owned(),
            message: error.message(),
            wait_ms: error.wait_ms(),
        }
    }
}

/// Every key that was ever used.
#[derive(Debug, Default)]
pub(crate) struct Keyring(BTreeMap<(String, Endpoint), Known>);

impl Keyring {
    pub(crate) fn learn(&mut self, key: String, endpoint: Endpoint, known: Known) {
        self.0.insert((key, endpoint), known);
    }

    /// What `key` stands for at `endpoint`, if that is remembered at `now`.
    pub(crate) fn find(
        &self,
        config: &Config,
        endpoint: Endpoint,
        key: &str,
        now: i64,
    ) -> Option<&Known> {
        let switches = config.switches.idempotency;
        let life_ms = match switches.life {
            KeyLife::ForEver => i64::MAX,
            KeyLife::Day => config.scaled_ms(24 * 60 * MINUTE_MS),
            KeyLife::HalfHour => config.scaled_ms(30 * MINUTE_MS),
            KeyLife::None => return None,
        };
        let same_key = |at: &&Endpoint| switches.scope == KeyScope::Workspace || **at == endpoint;
        Endpoint::ALL
            .iter()
            .filter(same_key)
            .filter_map(|at| self.0.get(&(key.to_owned(), *at)))
            .filter(|known| now.saturating_sub(known.at_ms) < life_ms)
            .max_by_key(|known| known.at_ms)
    }
}
