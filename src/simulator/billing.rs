//! The workspace's money: what it owns, what is on hold, and when each hold becomes a charge.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cents::Cents;
use super::switches::Insufficient;

/// Whether the workspace's billing lets jobs start at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BillingState {
    /// It does, as far as the money goes.
    #[default]
    Open,
    /// Prepaid billing was never set up: `billing_required`.
    Required,
    /// Somebody has to look at it first: `billing_needs_review`.
    NeedsReview,
    /// Nobody can say: 503.
    Unavailable,
}

impl BillingState {
    /// The code of a request that it stops.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Required => "billing_required",
            Self::NeedsReview => "billing_needs_review",
            Self::Open | Self::Unavailable => "service_unavailable",
        }
    }

    /// The message of a request that it stops.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Required => "The workspace needs prepaid billing before starting CAD jobs",
            Self::NeedsReview => "Workspace billing needs review before more CAD jobs can start",
            Self::Open | Self::Unavailable => "The billing check is temporarily unavailable",
        }
    }
}

/// The prepaid account. Runs settle by themselves when their time comes: see [`Account::advance`].
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) topped_up: Cents,
    pub(crate) charged: Cents,
    pub(crate) held: Cents,
    /// Open holds by the time they settle; the second number keeps those of one millisecond apart.
    due: BTreeMap<(i64, u64), Settlement>,
    opened: u64,
}

/// What becomes of a hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settlement {
    /// Of which job, and which of its exchanges.
    pub(crate) run: (usize, usize),
    pub(crate) hold: Cents,
    /// Nothing for a run that failed free of charge.
    pub(crate) charge: Cents,
}

/// Why no hold can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// Nothing is on hold: only money helps.
    Empty,
    /// The balance is tied up until open holds settle, the first of them after so long.
    Held { first_settles_in_ms: i64 },
}

impl Account {
    pub(crate) fn top_up(&mut self, amount: Cents) {
        self.topped_up += amount;
    }

    /// What is owned, holds included.
    pub(crate) fn balance(&self) -> Cents {
        self.topped_up - self.charged
    }

    /// What jobs can still be started with.
    pub(crate) fn available(&self) -> Cents {
        self.balance() - self.held
    }

    /// Whether a hold of this size can be taken at `now`.
    pub(crate) fn can_hold(
        &self,
        hold: Cents,
        insufficient: Insufficient,
        now: i64,
    ) -> Result<(), Shortage> {
        let available = self.available();
        let last_money =
            insufficient == Insufficient::OnlyEmpty && self.due.is_empty() && available > Cents(0);
        if available >= hold || last_money {
            return Ok(());
        }
        Err(match self.due.keys().next() {
            None => Shortage::Empty,
            Some((at, _)) => Shortage::Held {
                first_settles_in_ms: at - now,
            },
        })
    }

    /// Takes a hold that settles at `settles_ms`.
    pub(crate) fn hold(&mut self, settlement: Settlement, settles_ms: i64) {
        self.held += settlement.hold;
        self.due.insert((settles_ms, self.opened), settlement);
        self.opened += 1;
    }

    /// Settles a run now rather than later.
    pub(crate) fn settle(&mut self, run: (usize, usize), now: i64) {
        let due = self.due.iter().find(|(_, due)| due.run == run);
        if let Some((at, settlement)) = due.map(|(at, settlement)| (*at, *settlement)) {
            self.due.remove(&at);
            self.due.insert((now, at.1), settlement);
            self.advance(now);
        }
    }

    /// Settles every hold whose time has come.
    pub(crate) fn advance(&mut self, now: i64) {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            let settlement = entry.remove();
            self.held -= settlement.hold;
            self.charged += settlement.charge;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_ties_money_up_until_it_is_captured() {
        let mut account = Account::default();
        account.top_up(Cents(350));
        let settlement = Settlement {
            run: (0, 0),
            hold: Cents(200),
            charge: Cents(120),
        };
        account.hold(settlement, 5_000);
        assert_eq!(account.available(), Cents(150));
        assert_eq!(
            account.can_hold(Cents(200), Insufficient::default(), 1_000),
            Err(Shortage::Held {
                first_settles_in_ms: 4_000
            })
        );
        account.advance(5_000);
        assert_eq!(
            (account.available(), account.charged),
            (Cents(230), Cents(120))
        );
        assert_eq!(
            account.can_hold(Cents(231), Insufficient::default(), 5_000),
            Err(Shortage::Empty)
        );
    }
}
