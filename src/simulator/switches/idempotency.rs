//! What an idempotency key stands for, and for how long.

use serde::Deserialize;

/// The switches of idempotency keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Idempotency {
    /// Where two equal keys are the same key.
    pub scope: KeyScope,
    /// How long a key is remembered.
    pub life: KeyLife,
    /// What a "different request body" is.
    pub compared: Compared,
    /// Which answers are given again.
    pub remembered: Remembered,
    /// What becomes of a request whose key came with another that is not answered yet.
    pub in_flight: InFlight,
    /// When the billing is checked.
    pub billing: Checked,
    /// When a follow-up's job is checked for an active run.
    pub active_run: Checked,
}

/// Where two equal keys are the same key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyScope {
    /// Anywhere in the workspace.
    #[default]
    Workspace,
    /// Among creates, among follow-ups, among reviews.
    Endpoint,
}

/// How long a key is remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum KeyLife {
    /// For ever.
    #[default]
    #[serde(rename = "for-ever")]
    ForEver,
    /// A day, before division.
    #[serde(rename = "24h")]
    Day,
    /// Half an hour, before division.
    #[serde(rename = "30min")]
    HalfHour,
    /// Keys are asked for and not looked at.
    #[serde(rename = "none")]
    None,
}

/// What a "different request body" is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    /// Another prompt, image or review field; framing does not count.
    #[default]
    Meaning,
    /// Another byte.
    Bytes,
}

/// Which answers are given again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remembered {
    /// Those of writes that were accepted.
    #[default]
    Successes,
    /// Also the refusals of writes that could be read: for money, for the state of the job, by the review assistant.
    Refusals,
}

/// What becomes of a request whose key came with another that is not answered yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InFlight {
    /// One of the two is served, the other is told what that one was.
    #[default]
    Replayed,
    /// It is refused with 409 `idempotency_key_conflict`.
    Refused,
}

/// When something is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// After the key was looked up: a replay passes by.
    #[default]
    AfterKey,
    /// Before: it may refuse the replay of a write that was accepted.
    BeforeKey,
}
