//! The money gate: no write goes out unless every cap still holds if it is charged its whole hold.

use std::fmt;

use crate::plan::key::LineageId;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::settings::Budget;
use crate::run::event::StopReason;
use crate::run::progress::Run;
use crate::run::step::Reading;

/// What is proposed in the same turn and not recorded yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Proposed {
    /// Their holds.
    pub holds: Cents,
}

/// Which cap a write would break, and how it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cap {
    MaxSpend,
    MaxPerPart,
    KeepBalance,
    Balance,
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxSpend => "max_spend",
            Self::MaxPerPart => "max_per_part",
            Self::KeepBalance => "keep_balance",
            Self::Balance => "the balance",
        })
    }
}

/// The write that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The run's cap: the stricter of manifest and command line.
    pub max_spend: Option<Cents>,
    /// The remote job.
    pub lineage: LineageId,
    /// What it may cost.
    pub hold: Cents,
    /// The balance that was read for it; `None` when the manifest wants none read.
    pub reading: Option<&'a Reading>,
    /// What goes out before it.
    pub proposed: Proposed,
}

/// Asks whether a write may go out.
///
/// # Errors
/// Why not: one of our own caps, or the workspace's balance.
pub fn admit(
    budget: &Budget,
    memory: &Memory,
    run: &Run,
    question: Question<'_>,
) -> Result<(), StopReason> {
    let Question {
        max_spend,
        lineage,
        hold,
        reading,
        proposed,
    } = question;
    let ledger = &memory.ledger;
    let spend = ledger.charged_in(run.id) + ledger.held() + proposed.holds + hold;
    within(Cap::MaxSpend, spend, max_spend)?;
    within(
        Cap::MaxPerPart,
        ledger.spent_on(lineage) + hold,
        budget.max_per_part,
    )?;
    let Some(reading) = reading else {
        return Ok(());
    };
    // Sends that were not answered when the balance was read, and those made since, may not be in the figure.
    let unseen = memory.intended_holds - reading.settled + proposed.holds;
    let left = reading.available - unseen - hold;
    let keep = budget.keep_balance.unwrap_or_default();
    if left < keep {
        let cap = if left < Cents::ZERO {
            Cap::Balance
        } else {
            Cap::KeepBalance
        };
        let why = format!(
            "{cap}: {} available, {unseen} on its way, the next write may cost {hold}, {keep} must stay",
            reading.available
        );
        return Err(StopReason::Balance { why });
    }
    Ok(())
}

fn within(cap: Cap, amount: Cents, limit: Option<Cents>) -> Result<(), StopReason> {
    match limit {
        Some(limit) if amount > limit => Err(StopReason::Cap {
            why: format!("{cap} is {limit}, the next write could bring it to {amount}"),
        }),
        _ => Ok(()),
    }
}
