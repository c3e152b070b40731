//! Money in the memory: what an event moves in the ledger.

use super::event::Event;
use crate::plan::bill::{Asking, Unbilled};
use crate::plan::ids::RunId;
use crate::plan::key::IdempotencyKey;
use crate::plan::ledger::{Account, Entry, EntryKind};
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::remote::{JobId, Timestamp};
use crate::plan::send::SendIx;
use crate::teeth::{Bug, bites};

/// What an event about money is booked under.
#[derive(Clone, Copy)]
pub(super) struct Booking {
    pub(super) at: Timestamp,
    pub(super) run: Option<RunId>,
}

/// What an entry is about.
struct Subject<'a> {
    send: SendIx,
    key: &'a IdempotencyKey,
    job: Option<&'a JobId>,
}

impl Memory {
    /// A run of a send's job ended, well or not. Its hold stays until the charge is known: what a failed run costs may
    /// come later as well.
    pub(super) fn run_ended(
        &mut self,
        ix: SendIx,
        booking: Booking,
        charged: Option<Cents>,
        failed: bool,
    ) {
        let Some(job) = self.lineage_of(ix).job.clone() else {
            return self.release(ix, booking);
        };
        let send = &mut self.sends[ix.0 as usize];
        let run = Unbilled {
            send: ix,
            key: send.key.clone(),
            hold: std::mem::take(&mut send.hold),
            failed,
        };
        self.bills.change(&job, |bill| {
            bill.unbilled.push(run);
            bill.asking = Some(Asking::begin(booking.at));
        });
        if let Some(total) = charged {
            self.charge(&job, booking, total);
        }
    }

    /// What an event says about a charge that comes late.
    pub(super) fn bill(&mut self, booking: Booking, event: &Event) {
        match event {
            Event::ChargeAsked { job, ask_at } => self.asking(job, |asking| {
                asking.last = booking.at;
                asking.ask_at = *ask_at;
                asking.asked += 1;
                asking.is_out = true;
            }),
            Event::ChargeUnknown { job, ask_at, .. } => self.asking(job, |asking| {
                asking.ask_at = *ask_at;
                asking.is_out = false;
            }),
            Event::ChargeKnown { job, charged, .. } => self.charge(job, booking, *charged),
            Event::NotCharged { job } => self.let_go(job, booking),
            _ => {}
        }
    }

    fn asking(&mut self, job: &JobId, change: impl FnOnce(&mut Asking)) {
        self.bills.change(job, |bill| {
            if let Some(asking) = &mut bill.asking {
                change(asking);
            }
        });
    }

    /// Books what the job was charged since we last knew, against the holds of its ended runs.
    fn charge(&mut self, job: &JobId, booking: Booking, total: Cents) {
        let (runs, mut due) = self.bills.change(job, |bill| {
            bill.asking = None;
            let runs = std::mem::take(&mut bill.unbilled);
            let known = if bites(Bug::ChargeAgain) {
                Cents::ZERO
            } else {
                bill.charged
            };
            let due = if std::mem::take(&mut bill.baseline_unknown) {
                // What of it came before us can't be told; of what came since, no more is ours than was held.
                total.min(runs.iter().map(|run| run.hold).sum())
            } else {
                (total - known).or_zero()
            };
            bill.charged = bill.charged.max(total);
            (runs, due)
        });
        let mut left = runs.len();
        for run in &runs {
            left -= 1;
            let subject = Subject {
                send: run.send,
                key: &run.key,
                job: Some(job),
            };
            let whole = bites(Bug::CaptureWholeHold);
            let captured = if whole { run.hold } else { due.min(run.hold) };
            self.post(&subject, booking, EntryKind::Capture, captured);
            due = (due - captured).or_zero();
            // What goes beyond all holds is the last run's own, as far as can be told.
            let beyond = if left == 0 { due } else { Cents::ZERO };
            if run.hold > Cents::ZERO {
                self.ledger.note_charge(captured + beyond);
            }
            if !bites(Bug::NeverRelease) {
                self.post(&subject, booking, EntryKind::Release, run.hold - captured);
            }
            self.post(&subject, booking, EntryKind::Excess, beyond);
        }
    }

    /// Lets the holds of a job's failed runs go, which cost nothing as far as the service tells.
    fn let_go(&mut self, job: &JobId, booking: Booking) {
        let failed = self.bills.change(job, |bill| {
            let (failed, others) = std::mem::take(&mut bill.unbilled)
                .into_iter()
                .partition(|run| run.failed);
            bill.unbilled = others;
            if bill.unbilled.is_empty() {
                bill.asking = None;
            } else if let Some(asking) = &mut bill.asking {
                asking.is_out = false;
            }
            failed
        });
        let failed: Vec<Unbilled> = failed;
        for run in &failed {
            let subject = Subject {
                send: run.send,
                key: &run.key,
                job: Some(job),
            };
            self.post(&subject, booking, EntryKind::Release, run.hold);
        }
    }

    /// Reserves what a send may cost.
    pub(super) fn reserve(&mut self, ix: SendIx, booking: Booking, amount: Cents) {
        if !bites(Bug::ForgetHold) {
            self.post_for(ix, booking, EntryKind::Hold, amount);
        }
    }

    /// Lets the hold of a send go that was not executed.
    pub(super) fn release(&mut self, ix: SendIx, booking: Booking) {
        if bites(Bug::NeverRelease) {
            return;
        }
        self.post_for(ix, booking, EntryKind::Release, self.send(ix).hold);
        self.sends[ix.0 as usize].hold = Cents::ZERO;
    }

    fn post_for(&mut self, ix: SendIx, booking: Booking, kind: EntryKind, amount: Cents) {
        let send = self.send(ix);
        let key = send.key.clone();
        let job = send.target.as_ref().map(|target| target.job.clone());
        let subject = Subject {
            send: ix,
            key: &key,
            job: job.as_ref(),
        };
        self.post(&subject, booking, kind, amount);
    }

    fn post(&mut self, subject: &Subject<'_>, booking: Booking, kind: EntryKind, amount: Cents) {
        let (from, to) = match kind {
            EntryKind::Hold => (Account::Workspace, Account::Held),
            EntryKind::Capture => (Account::Held, Account::Charged),
            EntryKind::Excess => (Account::Workspace, Account::Charged),
            EntryKind::Release => (Account::Held, Account::Workspace),
        };
        let send = self.send(subject.send);
        let entry = Entry {
            at: booking.at,
            run: booking.run,
            kind,
            from,
            to,
            amount,
            lineage: send.id.lineage,
            part: send.step.part.clone(),
            job: subject.job.cloned(),
            key: subject.key.clone(),
        };
        self.ledger.post(entry);
    }
}
