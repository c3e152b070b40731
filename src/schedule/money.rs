//! The money gate: no write goes out unless every cap still holds if it is charged its whole hold.

use crate::plan::key::LineageId;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::settings::Budget;
use crate::run::progress::Run;
use crate::run::step::Reading;
use crate::run::stop::StopReason;
use crate::teeth::{Bug, bites};

/// Why a write may not go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shut {
    /// Its own part could cost too much; others may go on.
    Part(String),
    /// No write may.
    Run(StopReason),
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
    /// The holds of what goes out before it in the same turn, and is not recorded yet.
    pub proposed: Cents,
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
) -> Result<(), Shut> {
    let Question {
        max_spend,
        lineage,
        hold,
        reading,
        proposed,
    } = question;
    let ledger = &memory.ledger;
    let part = ledger.spent_on(lineage) + hold;
    let part_cap = budget.max_per_part.filter(|_| !bites(Bug::ForgetPartCap));
    within("max_per_part", part, part_cap).map_err(Shut::Part)?;
    let held = if bites(Bug::ForgetOpenHolds) {
        Cents::ZERO
    } else {
        ledger.held()
    };
    let spend = ledger.charged_in(run.id) + held + proposed + hold;
    within("max_spend", spend, max_spend).map_err(|why| Shut::Run(StopReason::Cap { why }))?;
    let Some(reading) = reading else {
        return Ok(());
    };
    // Sends that were not answered when the balance was read, and those made since, may not be in the figure.
    let mut unseen = memory.intended_holds - reading.settled + proposed;
    if bites(Bug::ForgetUnseenHolds) {
        unseen = Cents::ZERO;
    }
    let left = reading.available - unseen - hold;
    let keep = budget
        .keep_balance
        .filter(|_| !bites(Bug::ForgetKeepBalance))
        .unwrap_or_default();
    if left < keep {
        let cap = if left < Cents::ZERO {
            "the balance"
        } else {
            "keep_balance"
        };
        let why = format!(
            "{cap}: {} available, {unseen} on its way, the next write may cost {hold}, {keep} must stay",
            reading.available
        );
        return Err(Shut::Run(StopReason::Balance { why }));
    }
    Ok(())
}

fn within(cap: &str, amount: Cents, limit: Option<Cents>) -> Result<(), String> {
    match limit {
        Some(limit) if amount > limit => Err(format!(
            "{cap} is {limit}, the next write could bring it to {amount}"
        )),
        _ => Ok(()),
    }
}
