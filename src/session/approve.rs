//! Answering a gate: of the run that is under way, or of the last one.

use super::control::{Obeyed, command};
use super::open::{Loaded, SessionError};
use super::run::Options;
use super::state::find;
use crate::adapters::journal::SqliteJournal;
use crate::plan::content::StepKind;
use crate::plan::gate::Verdict;
use crate::plan::ids::StepRef;
use crate::run::control::Order;
use crate::run::event::Person;
use crate::run::history::History;
use crate::run::step::StepState;

/// What a person says to a gate.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The gate.
    pub step: StepRef,
    /// Whether its part goes on.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<String>,
}

/// Records `answer` to a gate of the last run of `loaded`. It is bound to what the gate asks about now: when that changes,
/// it is asked anew.
///
/// # Errors
/// When no gate of that name was reached, or the state can't be opened.
pub fn approve(
    loaded: &Loaded,
    options: &Options,
    answer: Answer,
    by: &Person,
) -> Result<Obeyed, SessionError> {
    let folder = find(loaded, &options.origin, options.state.as_deref())?;
    let records = SqliteJournal::read(&folder.journal()).map_err(SessionError::Unreadable)?;
    let order = order(&History::of(&records), answer)?;
    command(loaded, options, &order, by)
}

/// The answer to the gate as it stands in `history`.
fn order(history: &History, answer: Answer) -> Result<Order, SessionError> {
    let Answer {
        step,
        verdict,
        reason,
    } = answer;
    let nothing = |why: String| SessionError::NoRun(format!("there is nothing to approve: {why}"));
    let run = history
        .run
        .as_ref()
        .ok_or_else(|| nothing("this manifest has not run here yet".to_owned()))?;
    let known = run
        .find(&step)
        .and_then(|ix| Some((ix, run.kind(ix)?, run.send_id(ix)?)));
    let (ix, kind, gate) =
        known.ok_or_else(|| nothing(format!("{} has no step {step}", run.id)))?;
    if kind != StepKind::Approve {
        return Err(nothing(format!("{step} is no `approve`, but a `{kind}`")));
    }
    let is_reached =
        run.step(ix).state == StepState::Asking || history.memory.approvals.contains_key(&gate);
    if !is_reached {
        let outcome = run.outcome(ix);
        return Err(nothing(format!("{step} does not ask yet, it is {outcome}")));
    }
    Ok(Order::Approve {
        step,
        gate,
        verdict,
        reason,
    })
}
