//! The state of one run: how far each of its steps came. A fold of the run's events over its [`Sheet`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::call::{Endpoint, Silence};
use super::event::{Event, Person, Record};
use super::outcome::{Outcome, RunEnd};
use super::sheet::{Sheet, SheetPart, SheetStep, Start};
use super::step::{Needs, PartRun, Reading, StepRun, StepState, claim_error};
use super::stop::StopReason;
use crate::plan::content::Content;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::ids::{RunId, StepRef};
use crate::plan::memory::Memory;
use crate::plan::remote::Timestamp;
use crate::plan::send::SendId;

/// One run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// When it was started.
    pub started: Timestamp,
    /// The last moment that was recorded in it.
    pub last_at: Timestamp,
    /// What it set out to do.
    pub sheet: Box<Sheet>,
    /// Its steps, in the order of the sheet.
    pub steps: Vec<StepRun>,
    /// Why nothing new is started, the first reason first; none: it is.
    pub stops: Vec<StopReason>,
    /// Who paused it; `None`: it is not paused.
    pub paused: Option<Person>,
    /// It was paused while no process was at it: the next one finds it so.
    pub pause_stands: bool,
    /// The last requests had no answer.
    pub silence: Option<Silence>,
    /// A write did not start because of `max_per_part`.
    pub capped: bool,
    /// How it ended, if it did.
    pub end: Option<RunEnd>,
    /// How long it took on the wall's clock, in milliseconds.
    pub wall_ms: u64,
    /// Balances that were read and not used yet, oldest first.
    pub readings: VecDeque<Reading>,
    /// The balance is not to be asked for before.
    pub balance_not_before: Timestamp,
    /// How often in a row it could not be read.
    pub balance_failures: u32,
    /// Sends that no step of the run wants any more and that ended badly, with what happened.
    pub strays: BTreeMap<SendId, String>,
    /// Requests that ended, by endpoint.
    pub requests: BTreeMap<Endpoint, u32>,
    /// How many of them were answered 429 for their rate.
    pub rate_limited: u32,
    /// What its dynamic steps turned out to ask for.
    pub resolved: BTreeMap<StepIx, Content>,
    /// The first step that did not succeed.
    pub first_bad: Option<StepIx>,
    /// Parts for which nothing new is sent, by a person's word.
    pub cancelled: BTreeSet<PartIx>,
    pub(super) parts: Vec<PartRun>,
    pub(super) by_send: BTreeMap<SendId, StepIx>,
    by_name: BTreeMap<StepRef, StepIx>,
}

impl Run {
    /// A run that starts with `sheet`; the answer's second half are the steps that may start.
    #[must_use]
    pub fn new(
        id: RunId,
        at: Timestamp,
        sheet: Box<Sheet>,
        memory: &Memory,
    ) -> (Self, Vec<StepIx>) {
        let mut parts: Vec<PartRun> = Vec::with_capacity(sheet.parts.len());
        let mut steps = Vec::new();
        let (mut by_send, mut by_name) = (BTreeMap::new(), BTreeMap::new());
        for part in &sheet.parts {
            let first = index(steps.len());
            for step in &part.steps {
                let ix = StepIx(index(steps.len()));
                if let Some(send) = part.send_id(step).filter(|_| step.kind.is_send()) {
                    by_send.insert(send, ix);
                }
                by_name.insert(
                    StepRef {
                        part: part.id.clone(),
                        step: step.id.clone(),
                    },
                    ix,
                );
                steps.push(StepRun {
                    state: StepState::Waiting,
                    attempts: 0,
                    failures: 0,
                    error: None,
                    warnings: Vec::new(),
                    files: Vec::new(),
                    needs: Needs::default(),
                });
            }
            parts.push(PartRun::new(first, index(steps.len())));
        }
        let mut run = Self {
            id,
            started: at,
            last_at: at,
            sheet,
            steps,
            stops: Vec::new(),
            paused: None,
            pause_stands: false,
            silence: None,
            capped: false,
            end: None,
            wall_ms: 0,
            readings: VecDeque::new(),
            balance_not_before: at,
            balance_failures: 0,
            strays: BTreeMap::new(),
            requests: BTreeMap::new(),
            rate_limited: 0,
            resolved: BTreeMap::new(),
            first_bad: None,
            cancelled: BTreeSet::new(),
            parts,
            by_send,
            by_name,
        };
        let ready = run.walk_all(memory);
        (run, ready)
    }

    /// Takes in one event, after `memory` did. The answer are the steps that may start now and could not before.
    pub fn apply(&mut self, record: &Record, memory: &Memory) -> Vec<StepIx> {
        self.last_at = self.last_at.max(record.at);
        if let Some(call) = record.event.call() {
            *self.requests.entry(call.endpoint).or_default() += 1;
            self.rate_limited += u32::from(call.rate_limited);
            self.silence = Silence::after(self.silence, call, record.at);
        }
        match &record.event {
            Event::RunResumed { again, output } => {
                return self.go_on(again, output, record.at, memory);
            }
            Event::BalanceRead {
                available,
                hold,
                settled,
                ..
            } => {
                let reading = Reading {
                    at: record.at,
                    available: *available,
                    hold: *hold,
                    settled: *settled,
                };
                self.readings.push_back(reading);
                self.balance_failures = 0;
            }
            Event::BalanceNotRead { retry_at, .. } => {
                self.balance_not_before = *retry_at;
                self.balance_failures += 1;
            }
            Event::Stopping { reason } => {
                if !self.stops.iter().any(|known| known.is_like(reason)) {
                    self.stops.push(reason.clone());
                }
            }
            Event::Cancelled { parts, .. } if !parts.is_empty() => {
                return self.cancel_parts(parts, memory);
            }
            Event::Paused { .. } | Event::Unpaused { .. } | Event::Cancelled { .. } => {
                self.obey(&record.event);
            }
            Event::RunEnded { end, wall_ms } => {
                self.end = Some(end.clone());
                self.wall_ms += wall_ms;
                self.give_up_the_rest();
            }
            Event::Checked { .. }
            | Event::FilesPublished { .. }
            | Event::Capped { .. }
            | Event::Claimed { .. }
            | Event::NotTranscribed { retry_at: None, .. }
            | Event::StepFailed { .. } => return self.end_at_home(&record.event, memory),
            Event::Transcribed { .. } => {}
            Event::NotTranscribed {
                step,
                retry_at: Some(_),
                ..
            } => {
                if let Some(ix) = self.find(step) {
                    self.step_mut(ix).failures += 1;
                }
            }
            Event::Resolved { .. } => return self.learn(&record.event, memory),
            Event::Approval { step, gate, .. } => {
                if let Some(ix) = self.find(step) {
                    return self.hear(ix, gate, memory);
                }
            }
            event => {
                if let Some(ix) = event
                    .send()
                    .and_then(|send| self.by_send.get(send))
                    .copied()
                {
                    return self.follow(ix, event, record.at, memory);
                }
                self.note_stray(event);
            }
        }
        Vec::new()
    }

    pub(super) fn step_mut(&mut self, ix: StepIx) -> &mut StepRun {
        &mut self.steps[ix.0 as usize]
    }

    /// The run goes on in another process; the downloads of `again` have to be done once more.
    fn go_on(
        &mut self,
        again: &[StepRef],
        output: &str,
        at: Timestamp,
        memory: &Memory,
    ) -> Vec<StepIx> {
        // A cancelled run that was cut short still only brings home what is paid; a finished one is opened again.
        let is_cancelled = !self.is_finished();
        self.stops
            .retain(|stop| is_cancelled && matches!(stop, StopReason::Cancelled { .. }));
        if !is_cancelled {
            self.cancelled.clear();
        }
        // A person may have paused it for whoever would go on with it.
        if !(is_cancelled && self.pause_stands) {
            (self.paused, self.pause_stands) = (None, false);
        }
        self.strays.clear();
        self.readings.clear();
        self.end = None;
        self.silence = None;
        self.capped = false;
        self.balance_not_before = at;
        output.clone_into(&mut self.sheet.output);
        for ix in again.iter().filter_map(|step| self.by_name.get(step)) {
            self.steps[ix.0 as usize].state = StepState::Waiting;
            if let Some(step) = self.sheet.step_mut(*ix) {
                step.start = Start::Run;
            }
        }
        self.reopen(memory)
    }

    /// A step ended without a request of its own.
    fn end_at_home(&mut self, event: &Event, memory: &Memory) -> Vec<StepIx> {
        let ix = event.step().and_then(|step| self.by_name.get(step));
        let Some(ix) = ix.copied() else {
            return Vec::new();
        };
        let (outcome, error) = match event {
            Event::Checked {
                errors, warnings, ..
            } => {
                self.step_mut(ix).warnings.clone_from(warnings);
                if errors.is_empty() {
                    (Outcome::Succeeded, None)
                } else {
                    (Outcome::Rejected, Some(errors.join("; ")))
                }
            }
            Event::FilesPublished { files, .. } => {
                self.step_mut(ix).files.clone_from(files);
                (Outcome::Succeeded, None)
            }
            Event::Capped { why, .. } => {
                self.capped = true;
                (Outcome::Blocked, Some(why.clone()))
            }
            Event::Claimed { claim, .. } => (Outcome::Unresolved, Some(claim_error(claim))),
            Event::StepFailed { error, .. } | Event::NotTranscribed { why: error, .. } => {
                (Outcome::Failed, Some(error.clone()))
            }
            _ => return Vec::new(),
        };
        self.finish(ix, outcome, error, memory)
    }

    /// A step may be tried again, as soon as its part is there again and its last try allows it.
    pub(super) fn try_later(&mut self, ix: StepIx, why: &str, memory: &Memory) -> Vec<StepIx> {
        let step = self.step_mut(ix);
        step.error = Some(why.to_owned());
        step.state = StepState::Waiting;
        self.walk(vec![self.part_of(ix)], memory)
    }

    pub(super) fn finish(
        &mut self,
        ix: StepIx,
        outcome: Outcome,
        error: Option<String>,
        memory: &Memory,
    ) -> Vec<StepIx> {
        let step = self.step_mut(ix);
        step.state = StepState::Done(outcome);
        step.error = error;
        if outcome.is_bad() {
            self.first_bad.get_or_insert(ix);
        }
        self.walk(vec![self.part_of(ix)], memory)
    }

    /// The place of `step`.
    #[must_use]
    pub fn find(&self, step: &StepRef) -> Option<StepIx> {
        self.by_name.get(step).copied()
    }

    /// The step at `ix` as it was planned, with its part.
    pub(super) fn sheet_step(&self, ix: StepIx) -> Option<(&SheetPart, &SheetStep)> {
        let part = self.part_of(ix);
        let first = self.parts.get(part.0 as usize)?.first;
        let part = self.sheet.parts.get(part.0 as usize)?;
        Some((part, part.steps.get((ix.0 - first) as usize)?))
    }

    pub(super) fn part_of(&self, ix: StepIx) -> PartIx {
        PartIx(index(self.parts.partition_point(|part| part.end <= ix.0)))
    }
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
