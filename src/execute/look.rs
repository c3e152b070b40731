//! What is looked for at the service, as its records would show it; and the requests that read them.

use std::collections::BTreeSet;

use super::dispatch::{Awaited, Desk, Dispatch};
use super::ports::{Request, StorageError};
use crate::plan::content::{Content, StepKind};
use crate::plan::key::StepKey;
use crate::plan::remote::Timestamp;
use crate::plan::send::{Send, SendIx, SendState};
use crate::schedule::search::{Ask, Search};
use crate::schedule::witness::{Quarry, Subject};

impl Desk<'_> {
    /// A search for `sends`, and with `scan` for every create that the plan is going to send.
    pub(super) fn search(
        &self,
        sends: &[SendIx],
        scan: bool,
        now: Timestamp,
    ) -> Result<Search, StorageError> {
        let mut quarries = Vec::new();
        for ix in sends.iter().copied().chain(self.twins(sends)) {
            quarries.push(self.of_send(ix)?);
        }
        if scan {
            let family = &self.plan.family;
            for ix in family.step_indices() {
                let step = family.step(ix);
                let (Some(content), Some(id)) = (self.content(ix), self.send_id(ix)) else {
                    continue;
                };
                let is_new = step.kind == StepKind::Create
                    && self.plan.action(ix).runs()
                    && self.memory.find(&id).is_none();
                if is_new {
                    let subject = Subject::Create {
                        step: family.step_ref(ix),
                        key: id.key,
                    };
                    quarries.push(self.quarry(subject, content)?);
                }
            }
        }
        let ours = self.memory.jobs.keys().cloned().collect();
        Ok(Search::new(quarries, ours, scan, now))
    }

    /// The next question of the search for witnesses.
    pub(super) fn look(&self) -> Result<Dispatch, StorageError> {
        let request = match self.search.and_then(Search::ask) {
            Some(Ask::Page(cursor)) => Request::List(cursor),
            Some(Ask::History(job)) => Request::History(job),
            None => return Err(StorageError::new("journal", "nothing is to be looked for")),
        };
        Ok(Dispatch {
            intent: None,
            request,
            awaited: Awaited::Look,
        })
    }

    /// The twins of `sends` that wait for an answer as well: what is found may be theirs.
    fn twins(&self, sends: &[SendIx]) -> Vec<SendIx> {
        let creates: BTreeSet<StepKey> = sends
            .iter()
            .map(|ix| self.memory.send(*ix))
            .filter(|send| send.content.kind() == StepKind::Create)
            .map(|send| send.id.key)
            .collect();
        let is_twin = |(ix, send): &(SendIx, &Send)| {
            (matches!(send.state, SendState::Open(_)) || send.is_in_question())
                && creates.contains(&send.id.key)
                && !sends.contains(ix)
        };
        let twins = self.memory.iter().filter(is_twin);
        twins.map(|(ix, _)| ix).collect()
    }

    fn of_send(&self, ix: SendIx) -> Result<Quarry, StorageError> {
        let send = self.memory.send(ix);
        let since = match &send.state {
            SendState::Open(open) => Some(open.since),
            _ => None,
        };
        Ok(Quarry {
            job: send.target.as_ref().map(|target| target.job.clone()),
            since,
            known: self.known(send),
            ..self.quarry(Subject::Send(ix), &send.content)?
        })
    }

    fn quarry(&self, subject: Subject, content: &Content) -> Result<Quarry, StorageError> {
        Quarry::new(subject, content, |digest| {
            self.files.read(digest).map(|bytes| bytes.len())
        })
    }

    /// How often the job of a follow-up or review was sent the same before, as far as the service said: attempts that it
    /// failed, and other sends with the same words.
    fn known(&self, send: &Send) -> usize {
        let Some(lineage) = self.memory.lineages.get(&send.id.lineage) else {
            return 0;
        };
        let sends = lineage.sends.iter().map(|ix| self.memory.send(*ix));
        let alike = sends.filter(|other| {
            other.content.kind() == send.content.kind()
                && other.content.prompt() == send.content.prompt()
                && other.content.images() == send.content.images()
        });
        let times = |other: &Send| {
            let is_executed = matches!(
                other.state,
                SendState::Running(_)
                    | SendState::Collecting(_)
                    | SendState::Applied(_)
                    | SendState::Reviewed(_)
                    | SendState::Failed { .. }
            );
            other.attempt as usize + usize::from(is_executed && other.id != send.id)
        };
        alike.map(times).sum()
    }
}
