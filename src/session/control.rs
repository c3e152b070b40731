//! What a person asks of a run: of the process that is at it, or, where there is none, of what it left.

use std::time::Duration;

use super::open::{Loaded, SessionError};
use super::run::Options;
use super::state::{OpenState, find, output_folder};
use crate::adapters::control_db::ControlDb;
use crate::adapters::journal::SqliteJournal;
use crate::adapters::state_folder::{StateError, StateFolder};
use crate::execute::ports::Journal as _;
use crate::plan::ids::RunId;
use crate::run::control::{Command, CommandId, Order};
use crate::run::event::{Event, Person, Record};
use crate::run::history::History;
use crate::run::outcome::RunEnd;
use crate::run::progress::Run;
use crate::schedule::judge;

/// How long a run may take to record what it is asked.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether it did.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obeyed {
    /// The run that is under way has recorded it.
    ByRun(RunId),
    /// No process was at it: it was recorded here.
    Here {
        /// The run that is cancelled now.
        run: RunId,
        /// Sends whose results are not home yet; with none the run is finished.
        in_flight: usize,
    },
    /// No process was at it: it was recorded, and the next one finds it.
    Recorded(RunId),
    /// The run that is under way has not looked yet; it will.
    Asked(RunId),
}

impl Obeyed {
    /// The run that it is about.
    #[must_use]
    pub const fn run(&self) -> RunId {
        match self {
            Self::ByRun(run) | Self::Here { run, .. } | Self::Recorded(run) | Self::Asked(run) => {
                *run
            }
        }
    }

    /// Whether it is on disk.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        !matches!(self, Self::Asked(_))
    }
}

/// Asks the last run of `loaded` for `order`.
///
/// # Errors
/// When there is no run that it could mean, or the state can't be opened.
pub fn command(
    loaded: &Loaded,
    options: &Options,
    order: &Order,
    by: &Person,
) -> Result<Obeyed, SessionError> {
    let folder = find(loaded, &options.origin, options.state.as_deref())?;
    if !folder.journal().exists() {
        return Err(nothing_to(order, "this manifest has not run here yet"));
    }
    let table = ControlDb::open(&folder.control())?;
    let command = table.command(order.clone(), by.clone())?;
    let output = output_folder(loaded, &options.origin);
    let mut asked = None;
    for turn in 0..PATIENCE.as_millis() / LOOK_EVERY.as_millis() {
        match OpenState::open(loaded, options, &output) {
            Err(SessionError::State(StateError::Locked { .. })) => {}
            Err(error) => {
                table.withdraw(&command.id)?;
                return Err(error);
            }
            Ok(state) => {
                table.withdraw(&command.id)?;
                return without_a_run(state, &command);
            }
        }
        // A run that only begins is not in the journal yet, and may still become another one.
        if turn % 10 == 0 {
            asked = under_way(&folder)?;
            if let Some(run) = asked {
                table.ask(&command, run)?;
            }
        }
        if let Some(run) = asked
            && table.is_obeyed(&command.id)?
        {
            return Ok(Obeyed::ByRun(run));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    match asked {
        Some(run) if recorded(&folder, &command.id)? => Ok(Obeyed::ByRun(run)),
        Some(run) => Ok(Obeyed::Asked(run)),
        None => {
            let why = "another command holds the state, and no run of it is under way: try again";
            Err(SessionError::NoRun(why.to_owned()))
        }
    }
}

/// The last run, when it has not ended.
fn under_way(folder: &StateFolder) -> Result<Option<RunId>, SessionError> {
    let records = SqliteJournal::read(&folder.journal()).map_err(SessionError::Unreadable)?;
    let run = records.iter().rev().find_map(|record| record.run);
    let has_ended = records
        .iter()
        .rev()
        .filter(|record| record.run == run)
        .find_map(|record| match record.event {
            Event::RunEnded { .. } => Some(true),
            Event::RunStarted { .. } | Event::RunResumed { .. } => Some(false),
            _ => None,
        });
    Ok(run.filter(|_| has_ended == Some(false)))
}

fn recorded(folder: &StateFolder, command: &CommandId) -> Result<bool, SessionError> {
    let records = SqliteJournal::read(&folder.journal()).map_err(SessionError::Unreadable)?;
    Ok(has(&records, command))
}

fn has(records: &[Record], command: &CommandId) -> bool {
    let of = |record: &Record| record.event.command() == Some(command);
    records.iter().rev().any(of)
}

/// No process is at the run: a cancel finishes what it left, and a pause holds the process that goes on with it.
fn without_a_run(mut state: OpenState, command: &Command) -> Result<Obeyed, SessionError> {
    let mut history = History::of(&state.records);
    let unfinished = history.run.as_ref().filter(|run| !run.is_finished());
    let last = history.run.as_ref().map(|run| run.id);
    if let Some(run) = last.filter(|_| has(&state.records, &command.id)) {
        return Ok(Obeyed::ByRun(run));
    }
    if let (Order::Approve { .. }, Some(run)) = (&command.order, last) {
        // It is bound to what was looked at, and to no run.
        state.journal.append(&[Record {
            at: history.memory.last_at,
            run: None,
            event: command.clone().event(),
        }])?;
        return Ok(Obeyed::Recorded(run));
    }
    let Some(run) = unfinished.map(|run| run.id) else {
        return Err(nothing_to(&command.order, "the last run is finished"));
    };
    let at = history.memory.last_at;
    let record = |event| Record {
        at,
        run: Some(run),
        event,
    };
    if let Some(pause) = standing_pause(command) {
        // The next process finds it so.
        state.journal.append(&[record(pause)])?;
        let in_flight = history.memory.in_flight();
        return Ok(Obeyed::Here { run, in_flight });
    }
    let cancelled = record(command.clone().event());
    history.apply(&cancelled);
    let in_flight = history.memory.in_flight();
    let is_left = |run: &Run| !command.order.is_of_the_run() && !run.is_done();
    if in_flight > 0 || history.run.as_ref().is_some_and(is_left) {
        // It is finished when that is home: the next process sends nothing new and brings it there.
        state.journal.append(&[cancelled])?;
        return Ok(Obeyed::Here { run, in_flight });
    }
    // What had cut it short is of no matter any more.
    let reasons = history.run.as_ref().map(judge::end).unwrap_or_default();
    let reasons = reasons
        .reasons
        .into_iter()
        .filter(|reason| reason.finishes());
    let ended = record(Event::RunEnded {
        end: RunEnd::new(reasons.collect()),
        wall_ms: 0,
    });
    state.journal.append(&[cancelled, ended])?;
    Ok(Obeyed::Here { run, in_flight })
}

/// What is recorded of a pause, or of its end, that no process is there to obey.
fn standing_pause(command: &Command) -> Option<Event> {
    let (by, command_id) = (command.by.clone(), None);
    match command.order {
        Order::Pause => Some(Event::Paused {
            by,
            command: command_id,
        }),
        Order::Unpause => Some(Event::Unpaused {
            by,
            command: command_id,
        }),
        Order::Cancel { .. } | Order::Approve { .. } => None,
    }
}

fn nothing_to(order: &Order, why: &str) -> SessionError {
    let what = match order {
        Order::Pause | Order::Unpause => "pause",
        Order::Cancel { .. } => "cancel",
        Order::Approve { .. } => "approve",
    };
    SessionError::NoRun(format!("there is nothing to {what}: {why}"))
}
