//! Errands: what requests are for, what they count against, and how many of them are out.

use super::agenda::Item;
use super::slot::Class;
use crate::plan::actions::Plan;
use crate::plan::bill::BillIx;
use crate::plan::content::StepKind;
use crate::plan::family::StepIx;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::send::SendIx;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// A create, iterate or review goes out with a new key and this hold.
    Start(StepIx, Cents),
    /// The same bytes go out again.
    Resend(SendIx),
    /// A job is polled.
    Poll(SendIx),
    /// A page of the job list is read, in place of polls.
    Sweep,
    /// The file that is missing is fetched.
    Fetch(SendIx),
    /// A job's conversation is read for a download.
    Transcribe(StepIx),
    /// The search for witnesses asks its next question.
    Look,
    /// The balance is read.
    ReadBalance,
    /// What a job was charged is asked for.
    AskCharge(BillIx),
}

impl Errand {
    /// The item of the agenda that it takes care of.
    #[must_use]
    pub const fn item(self) -> Option<Item> {
        match self {
            Self::Start(step, _) | Self::Transcribe(step) => Some(Item::Step(step)),
            Self::Resend(send) | Self::Poll(send) | Self::Fetch(send) => Some(Item::Send(send)),
            Self::ReadBalance | Self::Look | Self::Sweep | Self::AskCharge(_) => None,
        }
    }

    /// The classes of which it needs a slot each.
    #[must_use]
    pub fn classes(self, plan: &Plan, memory: &Memory) -> Vec<Class> {
        match self {
            Self::Start(step, _) => vec![class_of(plan.family.step(step).kind)],
            Self::Resend(send) => vec![class_of(memory.send(send).content.kind())],
            Self::Poll(send) => {
                let job = memory
                    .lineages
                    .get(&memory.send(send).id.lineage)
                    .and_then(|lineage| lineage.job.clone());
                vec![job.map_or(Class::Polls, Class::JobPolls)]
            }
            Self::Sweep => vec![Class::Polls],
            Self::Fetch(_) => vec![Class::Artifacts],
            Self::Look | Self::Transcribe(_) => vec![Class::Reads],
            Self::ReadBalance => vec![Class::Balance],
            Self::AskCharge(bill) => {
                let job = memory.bills.bill(bill).job.clone();
                vec![Class::JobPolls(job), Class::Reads]
            }
        }
    }
}

/// The requests that are out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outstanding {
    /// All of them.
    pub requests: usize,
    /// Files on their way.
    pub fetches: usize,
    /// Balance reads.
    pub balances: usize,
    /// Creates and follow-ups.
    pub writes: usize,
}

impl Outstanding {
    /// A request of `class` went out (1) or came back (-1).
    pub fn count(&mut self, class: &Class, change: isize) {
        let kind = match class {
            Class::Artifacts => Some(&mut self.fetches),
            Class::Balance => Some(&mut self.balances),
            Class::CadWrites => Some(&mut self.writes),
            Class::Reviews | Class::JobPolls(_) | Class::Polls | Class::Reads => None,
        };
        for count in kind.into_iter().chain([&mut self.requests]) {
            *count = count.saturating_add_signed(change);
        }
    }
}

fn class_of(kind: StepKind) -> Class {
    if kind.is_write() {
        Class::CadWrites
    } else {
        Class::Reviews
    }
}
