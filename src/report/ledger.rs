//! The ledger for people and machines: its entries, and the totals that come from them.

use serde::Serialize;

use super::json::{FORMAT_VERSION, document};
use super::moment::{Zone, utc};
use super::palette::{Palette, Tone};
use super::safe;
use super::table::{self, Column};
use crate::plan::ids::RunId;
use crate::plan::ledger::{Account, Entry, EntryKind};
use crate::plan::memory::Memory;
use crate::plan::money::Cents;

/// The entries of one run, or of all.
#[derive(Debug, Clone)]
pub struct LedgerView<'a> {
    run: Option<RunId>,
    entries: Vec<&'a Entry>,
    /// Charges and open holds of all runs.
    everything: Totals,
    currency: Option<&'a str>,
    pending_jobs: usize,
}

impl<'a> LedgerView<'a> {
    /// The entries of `run`, or of all runs.
    #[must_use]
    pub fn new(memory: &'a Memory, run: Option<RunId>) -> Self {
        let entries = memory.ledger.entries().iter();
        Self {
            run,
            everything: Totals {
                charged_cents: memory.ledger.charged(),
                held_cents: memory.ledger.held(),
            },
            entries: entries
                .filter(|entry| run.is_none() || entry.run == run)
                .collect(),
            currency: memory.price.as_ref().map(|price| price.currency.as_str()),
            pending_jobs: memory.pending_charges(),
        }
    }

    /// As a table, with its totals below.
    #[must_use]
    pub fn text(&self, zone: &Zone, palette: Palette) -> String {
        if self.entries.is_empty() {
            return self.totals_line();
        }
        let columns = [
            Column::Left("WHEN"),
            Column::Left("RUN"),
            Column::Left("PART"),
            Column::Left("ENTRY"),
            Column::Right("AMOUNT"),
            Column::Left("JOB"),
        ];
        let rows = self.entries.iter().map(|entry| {
            let tone = match entry.kind {
                EntryKind::Hold | EntryKind::Release => Tone::Plain,
                EntryKind::Capture => Tone::Strong,
                EntryKind::Excess => Tone::Warning,
            };
            (tone, row(entry, zone))
        });
        let table = table::render(&columns, rows.collect(), palette);
        format!("{table}\n{}", self.totals_line())
    }

    /// As a document: `run_id`, `entries`, `totals`, `all_runs`, `pending_jobs` and `currency`.
    #[must_use]
    pub fn json(&self) -> String {
        document(&Document {
            format_version: FORMAT_VERSION,
            run_id: self.run.map(|run| run.to_string()),
            entries: self.entries.iter().map(|entry| Row::of(entry)).collect(),
            totals: self.totals(),
            all_runs: self.everything,
            pending_jobs: self.pending_jobs,
            currency: self.currency,
        })
    }

    /// What it is about, what that cost, and what all runs cost where that is more.
    fn totals_line(&self) -> String {
        let currency = self.currency.map_or_else(String::new, |currency| {
            format!(" {}", safe::clipped(currency, 8))
        });
        let told = |totals: Totals| match (totals.charged_cents, totals.held_cents) {
            (charged, Cents::ZERO) => format!("{charged}{currency} charged"),
            (charged, held) => format!("{charged}{currency} charged, {held} held"),
        };
        let mut text = match self.run {
            Some(run) => format!("{run}: "),
            None => String::new(),
        };
        if self.entries.is_empty() {
            text.push_str("nothing was held or charged");
        } else {
            text.push_str(&told(self.totals()));
        }
        if self.everything != self.totals() {
            text.push_str(&format!("; all runs together: {}", told(self.everything)));
        }
        if self.pending_jobs > 0 {
            let pending = super::words::counted(self.pending_jobs, "job");
            text.push_str(&format!("; the charge of {pending} is not known yet"));
        }
        text + "\n"
    }

    fn totals(&self) -> Totals {
        Totals {
            charged_cents: self.total(Account::Charged),
            held_cents: self.total(Account::Held),
        }
    }

    /// What the entries brought to `account`, less what they took from it.
    fn total(&self, account: Account) -> Cents {
        let moved = |entry: &&Entry| match (entry.from == account, entry.to == account) {
            (false, true) => entry.amount,
            (true, false) => Cents::ZERO - entry.amount,
            _ => Cents::ZERO,
        };
        self.entries.iter().map(moved).sum()
    }
}

fn row(entry: &Entry, zone: &Zone) -> Vec<String> {
    let job = entry.job.as_ref();
    vec![
        zone.date_and_time(entry.at),
        entry.run.map(|run| run.to_string()).unwrap_or_default(),
        safe::clipped(entry.part.as_str(), 30),
        kind(entry.kind).to_owned(),
        entry.amount.to_string(),
        job.map(|job| safe::line(&job.0)).unwrap_or_default(),
    ]
}

const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Hold => "hold",
        EntryKind::Capture => "capture",
        EntryKind::Excess => "excess",
        EntryKind::Release => "release",
    }
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    /// Null when the entries are of all runs.
    run_id: Option<String>,
    entries: Vec<Row<'a>>,
    /// Of the entries.
    totals: Totals,
    all_runs: Totals,
    pending_jobs: usize,
    currency: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Totals {
    charged_cents: Cents,
    held_cents: Cents,
}

#[derive(Serialize)]
struct Row<'a> {
    at: String,
    run_id: Option<String>,
    kind: EntryKind,
    from: Account,
    to: Account,
    amount_cents: Cents,
    part: &'a str,
    job_id: Option<&'a str>,
    idempotency_key: &'a str,
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            at: utc(entry.at),
            run_id: entry.run.map(|run| run.to_string()),
            kind: entry.kind,
            from: entry.from,
            to: entry.to,
            amount_cents: entry.amount,
            part: entry.part.as_str(),
            job_id: entry.job.as_ref().map(|job| job.0.as_str()),
            idempotency_key: entry.key.as_str(),
        }
    }
}
