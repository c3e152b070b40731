//! What an event is about: its request, its send, its step, its name.

use super::call::Call;
use super::event::Event;
use crate::plan::ids::StepRef;
use crate::plan::send::SendId;

impl Event {
    /// The request that this event is the end of.
    #[must_use]
    pub const fn call(&self) -> Option<&Call> {
        match self {
            Self::BalanceRead { call, .. }
            | Self::BalanceNotRead { call, .. }
            | Self::Postponed { call, .. }
            | Self::Unanswered { call, .. }
            | Self::Accepted { call, .. }
            | Self::Reviewed { call, .. }
            | Self::Refused { call, .. }
            | Self::Polled { call, .. }
            | Self::Completed { call, .. }
            | Self::JobFailed { call, .. }
            | Self::ChargeKnown { call, .. }
            | Self::ChargeUnknown { call, .. }
            | Self::FileStored { call, .. }
            | Self::FileNotStored { call, .. } => Some(call),
            Self::Transcribed { call, .. }
            | Self::NotTranscribed { call, .. }
            | Self::Searched { call, .. }
            | Self::Swept { call, .. } => Some(call),
            Self::Unresolved { call, .. } | Self::Doubted { call, .. } => call.as_ref(),
            _ => None,
        }
    }

    /// The send that this event is about.
    #[must_use]
    pub const fn send(&self) -> Option<&SendId> {
        match self {
            Self::Intended { send, .. }
            | Self::Resent { send }
            | Self::Postponed { send, .. }
            | Self::Unanswered { send, .. }
            | Self::Accepted { send, .. }
            | Self::Reviewed { send, .. }
            | Self::Refused { send, .. }
            | Self::Doubted { send, .. }
            | Self::Witnessed { send, .. }
            | Self::ReviewWitnessed { send, .. }
            | Self::Absent { send, .. }
            | Self::Unresolved { send, .. }
            | Self::PollSent { send, .. }
            | Self::Polled { send, .. }
            | Self::Completed { send, .. }
            | Self::JobFailed { send, .. }
            | Self::FileStored { send, .. }
            | Self::FileNotStored { send, .. }
            | Self::FileLost { send, .. } => Some(send),
            _ => None,
        }
    }

    /// All sends that this event says something about.
    pub fn sends(&self) -> impl Iterator<Item = &SendId> {
        let many = match self {
            Self::Swept { at_work, .. } => at_work.as_slice(),
            _ => &[],
        };
        self.send()
            .into_iter()
            .chain(many.iter().map(|job| &job.send))
    }

    /// The step that this event is about, where it names one.
    #[must_use]
    pub const fn step(&self) -> Option<&StepRef> {
        match self {
            Self::Intended { step, .. }
            | Self::Checked { step, .. }
            | Self::FilesPublished { step, .. }
            | Self::Approval { step, .. }
            | Self::Transcribed { step, .. }
            | Self::NotTranscribed { step, .. }
            | Self::Capped { step, .. }
            | Self::Claimed { step, .. }
            | Self::Resolved { step, .. }
            | Self::StepFailed { step, .. } => Some(step),
            _ => None,
        }
    }

    /// The event's name, as the journal spells it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::RunResumed { .. } => "run_resumed",
            Self::Bound { .. } => "bound",
            Self::BalanceRead { .. } => "balance_read",
            Self::BalanceNotRead { .. } => "balance_not_read",
            Self::Resolved { .. } => "resolved",
            Self::Intended { .. } => "intended",
            Self::Resent { .. } => "resent",
            Self::Postponed { .. } => "postponed",
            Self::Unanswered { .. } => "unanswered",
            Self::Accepted { .. } => "accepted",
            Self::Reviewed { .. } => "reviewed",
            Self::Refused { .. } => "refused",
            Self::Doubted { .. } => "doubted",
            Self::Searched { .. } => "searched",
            Self::Witnessed { .. } => "witnessed",
            Self::ReviewWitnessed { .. } => "review_witnessed",
            Self::Absent { .. } => "absent",
            Self::Distrusted {} => "distrusted",
            Self::Scanned { .. } => "scanned",
            Self::Claimed { .. } => "claimed",
            Self::Adopted { .. } => "adopted",
            Self::ConfirmedAbsent { .. } => "confirmed_absent",
            Self::Unresolved { .. } => "unresolved",
            Self::PollSent { .. } => "poll_sent",
            Self::Polled { .. } => "polled",
            Self::Swept { .. } => "swept",
            Self::Completed { .. } => "completed",
            Self::JobFailed { .. } => "job_failed",
            Self::ChargeAsked { .. } => "charge_asked",
            Self::ChargeKnown { .. } => "charge_known",
            Self::ChargeUnknown { .. } => "charge_unknown",
            Self::NotCharged { .. } => "not_charged",
            Self::FileStored { .. } => "file_stored",
            Self::FileNotStored { .. } => "file_not_stored",
            Self::FileLost { .. } => "file_lost",
            Self::Checked { .. } => "checked",
            Self::FilesPublished { .. } => "files_published",
            Self::Approval { .. } => "approval",
            Self::Transcribed { .. } => "transcribed",
            Self::NotTranscribed { .. } => "not_transcribed",
            Self::Capped { .. } => "capped",
            Self::StepFailed { .. } => "step_failed",
            Self::Paused { .. } => "paused",
            Self::Unpaused { .. } => "unpaused",
            Self::Cancelled { .. } => "cancelled",
            Self::Stopping { .. } => "stopping",
            Self::RunEnded { .. } => "run_ended",
        }
    }
}
