//! Looking for broken promises in what was recorded: what must never be in a journal, whatever happened.

mod lineage;
mod resolved;

use std::collections::BTreeMap;

use super::event::{Event, Record};
use super::history::History;
use crate::plan::content::Content;
use crate::plan::family::StepIx;
use crate::plan::key::{IdempotencyKey, LineageId};
use crate::plan::ledger::Account;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::remote::JobId;
use crate::plan::send::{SendId, SendState, Target};

/// What is wrong with `records`; nothing, when every promise was kept.
#[must_use]
pub fn audit(records: &[Record]) -> Vec<String> {
    let mut audit = Audit::default();
    for (number, record) in (1..).zip(records) {
        for broken in audit.next(record) {
            audit.findings.push(format!("event {number}: {broken}"));
        }
    }
    let broken = totals(&audit.history.memory);
    audit.findings.extend(broken);
    audit.findings
}

/// What a key was first used for.
type Use = (SendId, Content, Option<Target>);

#[derive(Default)]
struct Audit {
    history: History,
    keys: BTreeMap<IdempotencyKey, Use>,
    jobs: BTreeMap<JobId, LineageId>,
    findings: Vec<String>,
}

impl Audit {
    /// Takes in the next record; the answer are the promises that it breaks.
    fn next(&mut self, record: &Record) -> Vec<String> {
        let mut broken: Vec<String> = self.transition(&record.event).into_iter().collect();
        broken.extend(self.key(&record.event));
        broken.extend(self.job(&record.event));
        broken.extend(lineage::broken(&self.history.memory, &record.event));
        broken.extend(resolved::broken(self.history.run.as_ref(), &record.event));
        broken.extend(self.order(record));
        self.history.apply(record);
        broken.extend(self.cap(record));
        broken
    }

    /// An outcome is written once, and only of what was sent.
    fn transition(&self, event: &Event) -> Option<String> {
        let id = event.send()?;
        let name = event.name();
        let Some(send) = self.history.memory.find(id) else {
            let is_first = matches!(event, Event::Intended { .. });
            return (!is_first).then(|| format!("{name} of a send that was never intended"));
        };
        let step = &send.step;
        let paid = matches!(
            send.state,
            SendState::Applied(_) | SendState::Reviewed(_) | SendState::Collecting(_)
        );
        match event {
            Event::Intended { attempt, .. } => {
                if !send.may_start_anew() {
                    return Some(format!(
                        "{step} is sent anew, and may have been carried out already"
                    ));
                }
                let may_grow =
                    matches!(send.state, SendState::Failed { .. } | SendState::Refused(_));
                let is_odd = *attempt < send.attempt || (*attempt > send.attempt && !may_grow);
                is_odd.then(|| {
                    let before = send.attempt;
                    format!("{step} has a new key (attempt {attempt} after {before}), which nothing allows")
                })
            }
            Event::Accepted { .. }
            | Event::Witnessed { .. }
            | Event::Completed { .. }
            | Event::Reviewed { .. }
            | Event::ReviewWitnessed { .. }
                if paid =>
            {
                Some(format!("{step} is {name}, and was done already"))
            }
            Event::Refused { .. } | Event::Postponed { .. } => match &send.state {
                SendState::Open(open) if open.tainted && matches!(event, Event::Refused { .. }) => {
                    Some(format!(
                        "{step} was refused, which was believed although an earlier try had no answer"
                    ))
                }
                SendState::Open(_) => None,
                _ => Some(format!("{step} is {name}, and had its answer already")),
            },
            Event::FileStored { .. } => (!paid)
                .then(|| format!("a file of {step} came home, and it is not known to be done")),
            _ => None,
        }
    }

    /// A key stands for one content, for ever.
    fn key(&mut self, event: &Event) -> Option<String> {
        let Event::Intended {
            send,
            step,
            content,
            target,
            key,
            ..
        } = event
        else {
            return None;
        };
        let ours = (*send, content.clone(), target.clone());
        let first = self.keys.entry(key.clone()).or_insert_with(|| ours.clone());
        (*first != ours).then(|| {
            format!(
                "the idempotency key of {step} ({}) was used for something else before",
                key.as_str()
            )
        })
    }

    /// A job belongs to one lineage.
    fn job(&mut self, event: &Event) -> Option<String> {
        let (lineage, job) = match event {
            Event::Accepted { send, job, .. } | Event::Witnessed { send, job, .. } => {
                (send.lineage, job)
            }
            Event::Adopted { writes, job, .. } => (writes.first()?.send.lineage, job),
            _ => return None,
        };
        let owner = *self.jobs.entry(job.clone()).or_insert(lineage);
        (owner != lineage).then(|| format!("job {} belongs to two parts", job.0))
    }

    /// Nothing is sent for the first time before what it needs has ended well, nor behind a gate that nobody opened.
    fn order(&self, record: &Record) -> Option<String> {
        let Event::Intended { send, step, .. } = &record.event else {
            return None;
        };
        let run = self
            .history
            .run
            .as_ref()
            .filter(|run| record.run == Some(run.id))?;
        // What was begun before the manifest had a gate or a need goes on all the same.
        if self.history.memory.find(send).is_some() {
            return None;
        }
        let is_open = |ix: &StepIx| !run.outcome(*ix).is_good();
        let waits_for = run.waits_for(run.find(step)?);
        let first = waits_for.into_iter().find(is_open)?;
        let name = run.name(first)?;
        Some(format!("{step} was sent before {name} had ended well"))
    }

    /// A write was only intended within the cap of its run.
    fn cap(&self, record: &Record) -> Option<String> {
        let Event::Intended { step, hold, .. } = &record.event else {
            return None;
        };
        let run = self.history.run.as_ref()?;
        let cap = run.sheet.max_spend.filter(|_| *hold > Cents::ZERO)?;
        let ledger = &self.history.memory.ledger;
        let spend = ledger.charged_in(run.id) + ledger.held();
        (spend > cap)
            .then(|| format!("{step} was sent, with which the run could cost {spend} of {cap}"))
    }
}

/// Running totals are what their entries add up to.
fn totals(memory: &Memory) -> Vec<String> {
    let balance = |account: Account| -> Cents {
        let entries = memory.ledger.entries().iter();
        let moved = entries.map(|entry| {
            let moved = |side: Account| i64::from(side == account) * entry.amount.0;
            moved(entry.to) - moved(entry.from)
        });
        Cents(moved.sum())
    };
    let unbilled = memory.bills.iter().flat_map(|bill| &bill.unbilled);
    let held: Cents = (memory.sends.iter().map(|send| send.hold))
        .chain(unbilled.map(|run| run.hold))
        .sum();
    let open: Cents = Cents(memory.sends.iter().map(|send| send.open_hold().0).sum());
    let is_negative = |entry: &&crate::plan::ledger::Entry| entry.amount < Cents::ZERO;
    let negative = memory.ledger.entries().iter().find(is_negative);
    let mut broken: Vec<String> = [
        (
            "the ledger's holds",
            memory.ledger.held(),
            balance(Account::Held),
        ),
        (
            "the ledger's charges",
            memory.ledger.charged(),
            balance(Account::Charged),
        ),
        (
            "the holds of all sends and bills",
            memory.ledger.held(),
            held,
        ),
        ("the holds of open sends", memory.open_holds, open),
    ]
    .into_iter()
    .filter(|(_, total, sum)| total != sum)
    .map(|(what, total, sum)| format!("{what} are {total} in all, and add up to {sum}"))
    .collect();
    broken.extend(negative.map(|entry| format!("an entry of {} is negative", entry.part)));
    broken
}

#[cfg(test)]
mod tests;
