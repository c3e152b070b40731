//! The double-entry ledger: what was reserved, what was charged, what was let go. Totals come from the entries.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{PartId, RunId};
use super::key::{IdempotencyKey, LineageId};
use super::money::Cents;
use super::remote::{JobId, Timestamp};

/// Where money is. Every entry takes from one account and gives to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// The workspace's own.
    Workspace,
    /// Reserved for sends that may still be charged.
    Held,
    /// Charged by the service.
    Charged,
}

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Reserved before a send.
    Hold,
    /// Charged, up to the hold.
    Capture,
    /// Charged beyond the hold.
    Excess,
    /// Let go.
    Release,
}

/// One movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When it was recorded.
    pub at: Timestamp,
    /// In which run.
    pub run: Option<RunId>,
    /// Why.
    pub kind: EntryKind,
    /// From where.
    pub from: Account,
    /// To where.
    pub to: Account,
    /// How much; never negative.
    pub amount: Cents,
    /// The remote job.
    #[serde(skip)]
    pub lineage: LineageId,
    /// The part it was made for.
    pub part: PartId,
    /// The job's id, once known.
    pub job: Option<JobId>,
    /// The send.
    pub key: IdempotencyKey,
}

/// All movements, with running totals for the questions that are asked before each send.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    held: Cents,
    charged: Cents,
    dearest: Cents,
    charges: u32,
    by_lineage: BTreeMap<LineageId, Cents>,
    charged_by_run: BTreeMap<RunId, Cents>,
}

impl Ledger {
    /// Writes an entry. A capture or release of nothing is left out.
    pub fn post(&mut self, entry: Entry) {
        if entry.amount == Cents::ZERO {
            return;
        }
        let lineage = self.by_lineage.entry(entry.lineage).or_default();
        for (account, sign) in [(entry.from, -1), (entry.to, 1)] {
            let amount = Cents(entry.amount.0.saturating_mul(sign));
            match account {
                Account::Workspace => {}
                Account::Held => {
                    self.held += amount;
                    *lineage += amount;
                }
                Account::Charged => {
                    self.charged += amount;
                    *lineage += amount;
                    if let Some(run) = entry.run {
                        *self.charged_by_run.entry(run).or_default() += amount;
                    }
                }
            }
        }
        self.entries.push(entry);
    }

    /// Notes the size of one charge, for the question what the next may be.
    pub fn note_charge(&mut self, amount: Cents) {
        if amount == Cents::ZERO {
            return;
        }
        self.dearest = self.dearest.max(amount);
        self.charges += 1;
    }

    /// All entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Open holds.
    #[must_use]
    pub fn held(&self) -> Cents {
        self.held
    }

    /// Charges, of all runs.
    #[must_use]
    pub fn charged(&self) -> Cents {
        self.charged
    }

    /// Charges that were recorded in `run`.
    #[must_use]
    pub fn charged_in(&self, run: RunId) -> Cents {
        self.charged_by_run.get(&run).copied().unwrap_or_default()
    }

    /// What was charged in `run` beyond holds. A send that held nothing, as where no balance is read, goes beyond nothing.
    #[must_use]
    pub fn excess_in(&self, run: RunId) -> Cents {
        let of_kind = |kind| self.entries.iter().filter(move |entry| entry.kind == kind);
        let held: BTreeSet<&IdempotencyKey> =
            of_kind(EntryKind::Hold).map(|entry| &entry.key).collect();
        of_kind(EntryKind::Excess)
            .filter(|entry| entry.run == Some(run) && held.contains(&entry.key))
            .map(|entry| entry.amount)
            .sum()
    }

    /// Charges and open holds of one remote job.
    #[must_use]
    pub fn spent_on(&self, lineage: LineageId) -> Cents {
        self.by_lineage.get(&lineage).copied().unwrap_or_default()
    }

    /// The dearest single charge seen.
    #[must_use]
    pub fn dearest(&self) -> Cents {
        self.dearest
    }

    /// The mean single charge, if there was one.
    #[must_use]
    pub fn mean(&self) -> Option<Cents> {
        (self.charges > 0).then(|| Cents(self.charged.0 / i64::from(self.charges)))
    }
}
