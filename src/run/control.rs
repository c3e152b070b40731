//! What a person asks of a run that is under way, and what it means for the run. What is said to gates is folded in `gate`.

use serde::{Deserialize, Serialize};

use super::event::{Event, Person};
use super::outcome::Outcome;
use super::progress::Run;
use super::step::StepState;
use super::stop::StopReason;
use crate::plan::gate::Verdict;
use crate::plan::ids::StepRef;
use crate::plan::memory::SendId;

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
            Order::Cancel { why } => Event::Cancelled { by, why, command },
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
            Event::Paused { by, .. } => self.paused = Some(by.clone()),
            Event::Unpaused { .. } => self.paused = None,
            Event::Cancelled { by, why, .. } if !self.is_cancelled() => {
                self.stops.push(StopReason::Cancelled {
                    user: by.user.clone(),
                    why: why.clone(),
                });
            }
            _ => {}
        }
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
