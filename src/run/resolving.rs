//! Dynamic steps become known: what a run recorded of them, and what it knows of others that they read.

use super::event::{Event, Resolution};
use super::outcome::Outcome;
use super::progress::Run;
use super::sheet::Start;
use super::step::StepState;
use crate::plan::content::StepKind;
use crate::plan::dynamic::{Facts, Upstream};
use crate::plan::family::StepIx;
use crate::plan::ids::StepRef;
use crate::plan::key::StepKey;
use crate::plan::memory::Memory;
use crate::plan::send::{SendId, SendState};

impl Run {
    /// A dynamic step is known from here on.
    pub(super) fn learn(&mut self, event: &Event, memory: &Memory) -> Vec<StepIx> {
        let Event::Resolved { step, resolution } = event else {
            return Vec::new();
        };
        let Some(ix) = self.find(step) else {
            return Vec::new();
        };
        let (send, content) = match resolution {
            Resolution::Skipped {} => return self.finish(ix, Outcome::Skipped, None, memory),
            Resolution::Asks { send, content } => (*send, content),
        };
        self.resolved.insert(ix, content.clone());
        let part = self.part_of(ix).0 as usize;
        self.sheet.parts[part].lineage.get_or_insert(send.lineage);
        let Some(sheet) = self.sheet.step_mut(ix) else {
            return Vec::new();
        };
        sheet.key = Some(send.key);
        let kind = sheet.kind;
        if sheet.start == Start::Run {
            let claim = memory.claims.get(&send.key);
            sheet.start = match claim.filter(|_| memory.find(&send).is_none()) {
                Some(claim) => Start::Claimed {
                    claim: claim.clone(),
                },
                None if has_succeeded(memory, &send, kind) => Start::Reuse,
                None => Start::Run,
            };
        }
        if kind.is_send() {
            self.by_send.insert(send, ix);
        }
        let step = self.step_mut(ix);
        if step.state == StepState::Ready {
            step.state = StepState::Waiting;
        }
        self.walk(vec![self.part_of(ix)], memory)
    }

    /// The write that the step at `ix` works on: the one before it in its part that exists.
    #[must_use]
    pub fn write_before(&self, ix: StepIx) -> Option<StepIx> {
        let part = self.part_of(ix).0 as usize;
        let (first, sheet) = (self.parts[part].first, &self.sheet.parts[part]);
        (first..ix.0).rev().map(StepIx).find(|before| {
            let is_write = sheet.steps[(before.0 - first) as usize].kind.is_write();
            is_write && self.step(*before).state != StepState::Done(Outcome::Skipped)
        })
    }

    /// Whether the step at `ix` has no job to work on: the create of its part was skipped.
    #[must_use]
    pub fn is_without_job(&self, ix: StepIx) -> bool {
        let part = self.part_of(ix).0 as usize;
        let first = self.parts[part].first;
        let is_create = |at: u32| {
            let step = self.sheet.parts[part].steps.get((at - first) as usize);
            step.is_some_and(|step| step.kind == StepKind::Create)
        };
        let mut creates = (first..ix.0).filter(|at| is_create(*at)).map(StepIx);
        creates.any(|create| self.step(create).state == StepState::Done(Outcome::Skipped))
    }

    /// How many writes of the part of `ix` exist before it, and how many may yet come after it.
    #[must_use]
    pub fn writes_around(&self, ix: StepIx) -> (usize, usize) {
        let part = self.part_of(ix).0 as usize;
        let (first, sheet) = (self.parts[part].first, &self.sheet.parts[part]);
        let writes = (0..)
            .zip(&sheet.steps)
            .filter(|(_, step)| step.kind.is_write());
        let exists = |at: u32| self.step(StepIx(at)).state != StepState::Done(Outcome::Skipped);
        let places = writes
            .map(|(nth, _): (u32, _)| first + nth)
            .filter(|at| exists(*at));
        places.fold((0, 0), |(before, after), at| {
            (
                before + usize::from(at < ix.0),
                after + usize::from(at > ix.0),
            )
        })
    }

    /// What the step `step` left behind for those who read it.
    #[must_use]
    pub fn upstream<'a>(&self, step: &StepRef, memory: &'a Memory) -> Upstream<'a> {
        // One that is not in the run at all: what it left behind is not known here.
        let Some(ix) = self.find(step) else {
            return Upstream::Pending;
        };
        match self.step(ix).state {
            StepState::Done(Outcome::Skipped) => Upstream::Skipped,
            StepState::Done(outcome) if outcome.is_good() => Upstream::Done(self.facts(ix, memory)),
            _ => Upstream::Pending,
        }
    }

    fn facts<'a>(&self, ix: StepIx, memory: &'a Memory) -> Facts<'a> {
        let part = self.part_of(ix).0 as usize;
        let sheet = &self.sheet.parts[part];
        let kind = sheet.steps[(ix.0 - self.parts[part].first) as usize].kind;
        let write = if kind.is_write() {
            Some(ix)
        } else {
            self.write_before(ix)
        };
        let result = write
            .and_then(|write| self.send_id(write))
            .and_then(|write| memory.write_result(&write));
        let send = self.send_id(ix).and_then(|send| memory.find(&send));
        let review = match send.map(|send| &send.state) {
            Some(SendState::Reviewed(review)) => Some(review),
            _ => None,
        };
        let lineage = sheet
            .lineage
            .and_then(|lineage| memory.lineages.get(&lineage));
        Facts {
            job: lineage.and_then(|lineage| lineage.job.as_ref()),
            write: result,
            review,
        }
    }

    /// The key of the write that the step at `ix` works on; none for a create, or when it is not known.
    #[must_use]
    pub fn parent_key(&self, ix: StepIx) -> Option<StepKey> {
        self.write_before(ix)
            .and_then(|write| self.send_id(write))
            .map(|send| send.key)
    }
}

/// Whether the work of a step was done before.
fn has_succeeded(memory: &Memory, send: &SendId, kind: StepKind) -> bool {
    match kind {
        StepKind::Check => memory.passed_checks.contains(send),
        _ => matches!(
            memory.find(send).map(|send| &send.state),
            Some(SendState::Applied(_) | SendState::Reviewed(_))
        ),
    }
}
