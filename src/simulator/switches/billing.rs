//! How the workspace's money is held, charged and shown.

use serde::Deserialize;

/// The switches of billing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Billing {
    /// What the balance shows.
    pub balance: ShownBalance,
    /// When the balance counts as empty.
    pub insufficient: Insufficient,
    /// Whether follow-ups take a hold.
    pub follow_ups: FollowUpHold,
    /// What `charged_cents` is about.
    pub charged: ChargedCents,
    /// What stands where the cost is not known yet.
    pub unknown: UnknownCost,
    /// Whether failed runs cost anything.
    pub failed_runs: FailedRuns,
    /// How long after its run's end a charge is known, in seconds before division, unless the prompt says so.
    pub late_seconds: u32,
    /// Where drawn charges lie.
    pub charges: Charges,
}

/// What the balance shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShownBalance {
    /// What is left beside open holds.
    #[default]
    Net,
    /// What is owned, open holds included.
    Gross,
}

/// When the balance counts as empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Insufficient {
    /// When it has less than one hold.
    #[default]
    LessThanHold,
    /// When it has nothing: with anything left and nothing on hold, one more run may start.
    OnlyEmpty,
}

/// Whether follow-ups take a hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FollowUpHold {
    /// As creates do.
    #[default]
    Taken,
    /// None: they start whatever the balance, and are charged at their end.
    Free,
}

/// What `charged_cents` is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChargedCents {
    /// All runs of the job.
    #[default]
    Sum,
    /// Its last run.
    LastRun,
}

/// What stands where the cost is not known yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownCost {
    /// A cost whose `charged_cents` is null.
    #[default]
    NullCents,
    /// No cost at all: `cost` is null.
    NullCost,
}

/// Whether failed runs cost anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailedRuns {
    /// No.
    #[default]
    Free,
    /// As much as if they had ended well.
    Charged,
}

/// Where drawn charges lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charges {
    /// Within the hold.
    #[default]
    WithinHold,
    /// Above it, up to twice as much.
    BeyondHold,
}
