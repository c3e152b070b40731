//! Bills: what each remote job was charged, and the holds of its runs that ended before their charge was known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::key::IdempotencyKey;
use super::money::Cents;
use super::remote::{JobId, Timestamp};
use super::send::SendIx;

/// How long after the end of a run its charge is asked for first, and how far apart two questions are at least.
const ASK_GAP: Duration = Duration::from_secs(300);
/// So many questions come at that pace; then each waits twice as long as the one before.
const ASKS_AT_PACE: u32 = 3;
/// The longest wait between two questions of one process.
const ASK_GAP_MAX: Duration = Duration::from_secs(6 * 3600);

/// The place of a bill in [`Bills`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillIx(pub u32);

/// What one remote job was charged, and what it may still be charged.
#[derive(Debug, Clone)]
pub struct Bill {
    /// The job.
    pub job: JobId,
    /// What all its runs cost together, as the service said last.
    pub charged: Cents,
    /// It was adopted, and what it had been charged before is not known yet: that is no charge of ours.
    pub baseline_unknown: bool,
    /// Runs that ended, and whose charge is not known: the oldest first. Their holds stay.
    pub unbilled: Vec<Unbilled>,
    /// When the charge is asked for; `None`: there is nothing to ask.
    pub asking: Option<Asking>,
}

/// A run of a job that ended before its charge was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbilled {
    /// The send that it came from.
    pub send: SendIx,
    /// The attempt of it.
    pub key: IdempotencyKey,
    /// What is held for it.
    pub hold: Cents,
    /// The service failed it: it may be free of charge.
    pub failed: bool,
}

/// The questions for a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// When the last run ended whose charge is not known.
    pub since: Timestamp,
    /// When it was asked for last, or else when that run ended.
    pub last: Timestamp,
    /// Not before.
    pub ask_at: Timestamp,
    /// How often this process asked.
    pub asked: u32,
    /// A question is out.
    pub is_out: bool,
}

/// The bills of all jobs.
#[derive(Debug, Clone, Default)]
pub struct Bills {
    list: Vec<Bill>,
    index: BTreeMap<JobId, BillIx>,
    /// What is to be asked, by when.
    due: BTreeSet<(Timestamp, BillIx)>,
}

impl Bill {
    /// Whether a run that ended well has no known charge.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.unbilled.iter().any(|run| !run.failed)
    }
}

impl Bills {
    /// The bill at `ix`.
    #[must_use]
    pub fn bill(&self, ix: BillIx) -> &Bill {
        &self.list[ix.0 as usize]
    }

    /// The bill of `job`, if there is one.
    #[must_use]
    pub fn of(&self, job: &JobId) -> Option<&Bill> {
        self.index.get(job).map(|ix| self.bill(*ix))
    }

    /// All bills.
    pub fn iter(&self) -> impl Iterator<Item = &Bill> {
        self.list.iter()
    }

    /// What is held for failed runs of which the service has named no charge: they may be free.
    #[must_use]
    pub fn held_for_failed(&self) -> Cents {
        let runs = self.list.iter().flat_map(|bill| &bill.unbilled);
        runs.filter(|run| run.failed).map(|run| run.hold).sum()
    }

    /// Bills of which something is unknown that may be asked for at `now`, the longest due first.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = (BillIx, &Bill)> {
        let due = self.due.iter().take_while(move |(at, _)| *at <= now);
        due.map(|(_, ix)| (*ix, self.bill(*ix)))
    }

    /// When something that is not yet due at `now` is asked for.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.due.iter().map(|(at, _)| *at).find(|at| *at > now)
    }

    /// Changes the bill of `job`, which is made when there is none.
    pub(crate) fn change<T>(&mut self, job: &JobId, change: impl FnOnce(&mut Bill) -> T) -> T {
        let ix = match self.index.get(job) {
            Some(ix) => *ix,
            None => {
                let ix = BillIx(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
                self.list.push(Bill {
                    job: job.clone(),
                    charged: Cents::ZERO,
                    baseline_unknown: false,
                    unbilled: Vec::new(),
                    asking: None,
                });
                self.index.insert(job.clone(), ix);
                ix
            }
        };
        let bill = &mut self.list[ix.0 as usize];
        let before = bill.asking;
        let answer = change(bill);
        if before != bill.asking {
            let due = |asking: Option<Asking>| {
                let waiting = asking.filter(|asking| !asking.is_out);
                waiting.map(|asking| (asking.ask_at, ix))
            };
            if let Some(due) = due(before) {
                self.due.remove(&due);
            }
            self.due.extend(due(bill.asking));
        }
        answer
    }

    /// A new process asks anew, but no sooner than the last one would have.
    pub(crate) fn begin_anew(&mut self) {
        self.due.clear();
        for (ix, bill) in (0..).map(BillIx).zip(&mut self.list) {
            if let Some(asking) = &mut bill.asking {
                asking.is_out = false;
                asking.asked = 0;
                asking.ask_at = asking.last.after(ASK_GAP);
                self.due.insert((asking.ask_at, ix));
            }
        }
    }
}

impl Asking {
    /// The questions about a run that ended at `since`.
    #[must_use]
    pub fn begin(since: Timestamp) -> Self {
        Self {
            since,
            last: since,
            ask_at: since.after(ASK_GAP),
            asked: 0,
            is_out: false,
        }
    }

    /// When the question after one that goes out at `now` may go out.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let doublings = (self.asked + 1).saturating_sub(ASKS_AT_PACE);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        now.after(ASK_GAP.saturating_mul(factor).min(ASK_GAP_MAX))
    }
}
