//! The whole journal, folded: what is known, and the run that was started last.

use super::event::{Event, Record};
use super::progress::Run;
use crate::plan::family::StepIx;
use crate::plan::ids::RunId;
use crate::plan::memory::Memory;

/// Everything that is true: a fold of all records so far. Nothing but [`History::apply`] changes it.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// What is known of the remote side, over all runs.
    pub memory: Memory,
    /// The run that was started last.
    pub run: Option<Run>,
}

impl History {
    /// Folds `records`, oldest first.
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut history = Self::default();
        for record in records {
            history.apply(record);
        }
        history
    }

    /// What was true when `run` was the last one: all records up to the start of the next.
    #[must_use]
    pub fn up_to_run(records: &[Record], run: RunId) -> Self {
        let later = |record: &&Record| {
            matches!(record.event, Event::RunStarted { .. }) && record.run > Some(run)
        };
        let end = records
            .iter()
            .position(|record| later(&record))
            .unwrap_or(records.len());
        Self::of(&records[..end])
    }

    /// Takes in one record; the answer are the steps that may start now and could not before.
    pub fn apply(&mut self, record: &Record) -> Vec<StepIx> {
        self.memory.apply(record);
        match (&record.event, record.run) {
            (Event::RunStarted { sheet }, Some(id)) => {
                let (run, ready) = Run::new(id, record.at, sheet.clone(), &self.memory);
                self.run = Some(run);
                ready
            }
            (_, Some(id)) => match &mut self.run {
                Some(run) if run.id == id => run.apply(record, &self.memory),
                _ => Vec::new(),
            },
            (_, None) => Vec::new(),
        }
    }
}
