//! Money in the memory: what an event moves in the ledger.

use crate::plan::ids::RunId;
use crate::plan::ledger::{Account, Entry, EntryKind};
use crate::plan::memory::{Memory, SendIx, SendState};
use crate::plan::money::Cents;
use crate::plan::remote::Timestamp;
use crate::teeth::{Bug, bites};

/// What an event about money is booked under.
#[derive(Clone, Copy)]
pub(super) struct Booking {
    pub(super) at: Timestamp,
    pub(super) run: Option<RunId>,
}

impl Memory {
    /// Books what the job was charged since we last knew, against the holds of its ended writes.
    pub(super) fn charge(&mut self, ix: SendIx, booking: Booking, total: Option<Cents>) {
        let Some(total) = total else { return };
        let lineage = self.lineage_of(ix);
        if std::mem::take(&mut lineage.baseline_unknown) {
            lineage.charged = total;
            return;
        }
        let known = if bites(Bug::ChargeAgain) {
            Cents::ZERO
        } else {
            lineage.charged
        };
        let mut due = (total - known).or_zero();
        lineage.charged = lineage.charged.max(total);
        let sends = lineage.sends.clone();
        for other in sends {
            let send = self.send(other);
            let ended = matches!(
                send.state,
                SendState::Collecting(_) | SendState::Applied(_) | SendState::Failed { .. }
            );
            if !ended || send.hold == Cents::ZERO {
                continue;
            }
            let whole = bites(Bug::CaptureWholeHold);
            let captured = if whole { send.hold } else { due.min(send.hold) };
            self.post(other, booking, EntryKind::Capture, captured);
            // What goes beyond all holds is this write's own, as far as can be told.
            let beyond = if other == ix {
                due - captured
            } else {
                Cents::ZERO
            };
            self.ledger.note_charge(captured + beyond);
            self.sends[other.0 as usize].hold -= captured;
            self.release(other, booking);
            due = (due - captured).or_zero();
        }
        self.post(ix, booking, EntryKind::Excess, due);
    }

    pub(super) fn release(&mut self, ix: SendIx, booking: Booking) {
        if bites(Bug::NeverRelease) {
            return;
        }
        self.post(ix, booking, EntryKind::Release, self.send(ix).hold);
        self.sends[ix.0 as usize].hold = Cents::ZERO;
    }

    pub(super) fn post(&mut self, ix: SendIx, booking: Booking, kind: EntryKind, amount: Cents) {
        if bites(Bug::ForgetHold) && kind == EntryKind::Hold {
            return;
        }
        let (from, to) = match kind {
            EntryKind::Hold => (Account::Workspace, Account::Held),
            EntryKind::Capture => (Account::Held, Account::Charged),
            EntryKind::Excess => (Account::Workspace, Account::Charged),
            EntryKind::Release => (Account::Held, Account::Workspace),
        };
        let send = self.send(ix);
        let entry = Entry {
            at: booking.at,
            run: booking.run,
            kind,
            from,
            to,
            amount,
            lineage: send.id.lineage,
            part: send.step.part.clone(),
            job: self
                .lineages
                .get(&send.id.lineage)
                .and_then(|lineage| lineage.job.clone()),
            key: send.key.clone(),
        };
        self.ledger.post(entry);
    }
}
