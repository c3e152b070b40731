//! What a person asks of a run that is under way, and what it means for the run. What is said to gates is folded in `gate`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::event::{Event, Person};
use super::outcome::Outcome;
use super::progress::Run;
use super::step::StepState;
use super::stop::StopReason;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::gate::Verdict;
use crate::plan::ids::{PartId, StepRef};
use crate::plan::memory::Memory;
use crate::plan::send::SendId;

/// What makes a command one command, however often it is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId(pub String);

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Nothing new is sent until it is unpaused.
    Pause,
    /// It goes on after a pause.
    Unpause,
    /// Nothing new is sent any more, and what is paid comes home.
    Cancel {
        /// Of these parts alone; none: of the whole run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parts: Vec<PartId>,
        /// Why, in the words of who asks.
        why: Option<String>,
    },
    /// A gate is answered.
    Approve {
        /// The step.
        step: StepRef,
        /// What was asked about.
        gate: SendId,
        /// What is said.
        verdict: Verdict,
        /// Why, in the words of who says it.
        reason: Option<String>,
    },
}

impl Order {
    /// Whether it is about the whole run.
    #[must_use]
    pub const fn is_of_the_run(&self) -> bool {
        match self {
            Self::Pause | Self::Unpause => true,
            Self::Cancel { parts, .. } => parts.is_empty(),
            Self::Approve { .. } => false,
        }
    }
}

/// Something that a person asks of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Which command it is.
    pub id: CommandId,
    /// What is asked for.
    pub order: Order,
    /// Who asks.
    pub by: Person,
}

impl Command {
    /// What is recorded of it.
    #[must_use]
    pub fn event(self) -> Event {
        let (by, command) = (self.by, Some(self.id));
        match self.order {
            Order::Pause => Event::Paused { by, command },
            Order::Unpause => Event::Unpaused { by, command },
            Order::Cancel { parts, why } => Event::Cancelled {
                parts,
                by,
                why,
                command,
            },
            Order::Approve {
                step,
                gate,
                verdict,
                reason,
            } => Event::Approval {
                step,
                gate,
                verdict,
                by,
                reason,
                command,
            },
        }
    }
}

impl Event {
    /// The command that this event carried out, if it came from beside the run.
    #[must_use]
    pub const fn command(&self) -> Option<&CommandId> {
        match self {
            Self::Paused { command, .. }
            | Self::Unpaused { command, .. }
            | Self::Cancelled { command, .. }
            | Self::Approval { command, .. } => command.as_ref(),
            _ => None,
        }
    }
}

impl Run {
    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let is_cancel = |stop: &StopReason| matches!(stop, StopReason::Cancelled { .. });
        self.stops.iter().any(is_cancel)
    }

    /// What a person asked for.
    pub(super) fn obey(&mut self, event: &Event) {
        match event {
            Event::Paused { by, command } => {
                self.paused = Some(by.clone());
                self.pause_stands = command.is_none();
            }
            Event::Unpaused { .. } => (self.paused, self.pause_stands) = (None, false),
            Event::Cancelled { parts, by, why, .. } if parts.is_empty() && !self.is_cancelled() => {
                self.stops.push(StopReason::Cancelled {
                    user: by.user.clone(),
                    why: why.clone(),
                });
            }
            _ => {}
        }
    }

    /// Nothing new is sent for `ids`: their steps that may start are looked at anew. The answer are those that still may.
    pub(super) fn cancel_parts(&mut self, ids: &[PartId], memory: &Memory) -> Vec<StepIx> {
        let ids: BTreeSet<&PartId> = ids.iter().collect();
        let parts = (0..).map(PartIx).zip(&self.sheet.parts);
        let parts = parts.filter(|(_, part)| ids.contains(&part.id));
        let parts: Vec<PartIx> = parts.map(|(ix, _)| ix).collect();
        self.cancelled.extend(&parts);
        let steps: Vec<StepIx> = parts.iter().flat_map(|part| self.steps_of(*part)).collect();
        for ix in steps {
            let step = self.step_mut(ix);
            if matches!(step.state, StepState::Ready | StepState::Asking) {
                step.state = StepState::Waiting;
            }
        }
        self.walk(parts, memory)
    }

    /// The steps of `ids` that are not to be started, or not yet.
    #[must_use]
    pub fn not_ready(&self, ids: &[PartId]) -> Vec<StepIx> {
        let ids: BTreeSet<&PartId> = ids.iter().collect();
        let parts = (0..).map(PartIx).zip(&self.sheet.parts);
        let parts = parts.filter(|(_, part)| ids.contains(&part.id));
        let steps = parts.flat_map(|(ix, _)| self.steps_of(ix));
        steps
            .filter(|ix| self.step(*ix).state != StepState::Ready)
            .collect()
    }

    /// What a cancelled run leaves undone is cancelled, once it is finished.
    pub(super) fn give_up_the_rest(&mut self) {
        if !self.is_cancelled() || !self.is_finished() {
            return;
        }
        for step in &mut self.steps {
            if !matches!(step.state, StepState::Done(_)) {
                step.state = StepState::Done(Outcome::Cancelled);
            }
        }
    }
}
