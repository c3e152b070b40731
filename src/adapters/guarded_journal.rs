//! A journal that still keeps what was paid for when its disk fails: first in the room that was kept for it, then in the place
//! of last resort, and at the very last in the error itself.

use super::ballast::Ballast;
use super::errored::{Errored, Places, head, lines};
use super::high_water::Place;
use super::journal::SqliteJournal;
use crate::execute::ports::{Journal, StorageError, Trouble};
use crate::run::event::Record;

/// A journal that knows how far it has come.
pub trait Placed: Journal {
    /// How far it has come.
    fn here(&self) -> &Place;
}

impl Placed for SqliteJournal {
    fn here(&self) -> &Place {
        SqliteJournal::here(self)
    }
}

/// A journal with its nets.
#[derive(Debug)]
pub struct GuardedJournal<J> {
    inner: J,
    ballast: Ballast,
    places: Places,
    state: State,
}

#[derive(Debug)]
enum State {
    /// All is well.
    Sound,
    /// The disk is full, and the room that was kept for that is being used.
    Reserve,
    /// The journal takes nothing more; this file does.
    Errored(Errored),
    /// No disk takes anything. The lines that should have been written.
    Nowhere(String),
    /// Another process has the journal: what this one learns, that one learns by itself.
    Fenced,
}

impl<J: Placed> GuardedJournal<J> {
    /// Guards `inner`.
    pub fn new(inner: J, ballast: Ballast, places: Places) -> Self {
        Self {
            inner,
            ballast,
            places,
            state: State::Sound,
        }
    }

    /// `error`, with the records that were written nowhere.
    #[must_use]
    pub fn with_unsaved(&self, error: StorageError) -> StorageError {
        match &self.state {
            State::Nowhere(lines) => StorageError {
                unsaved: lines.clone(),
                ..error
            },
            _ => error,
        }
    }

    /// The journal failed: what becomes of `records`.
    fn fail(&mut self, error: StorageError, records: &[Record]) -> StorageError {
        match error.trouble {
            Trouble::Fenced => {
                self.state = State::Fenced;
                return error;
            }
            Trouble::Full
                if matches!(self.state, State::Sound)
                    && self.ballast.release()
                    && self.inner.append(records).is_ok() =>
            {
                self.state = State::Reserve;
                let why = format!(
                    "{}; the room that was kept for this was used, and everything is recorded",
                    error.why
                );
                return StorageError { why, ..error };
            }
            _ => {}
        }
        let place = self.inner.here().clone();
        let why = match self.places.begin(&place, records) {
            Some(errored) => {
                let kept = errored.path.display().to_string();
                self.state = State::Errored(errored);
                format!("what came last is in {kept}, which the next run takes in")
            }
            None => {
                self.state = State::Nowhere(head(&place) + &lines(records));
                "what came last could be written nowhere and is told on stderr".to_owned()
            }
        };
        StorageError {
            why: format!("{}; {why}", error.why),
            ..error
        }
    }
}

impl<J: Placed> Journal for GuardedJournal<J> {
    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        match &mut self.state {
            State::Sound | State::Reserve => {
                let appended = self.inner.append(records);
                appended.map_err(|error| self.fail(error, records))
            }
            State::Errored(errored) => errored.append(records),
            State::Nowhere(unsaved) => {
                unsaved.push_str(&lines(records));
                Err(StorageError::new("the journal", "no disk takes anything"))
            }
            State::Fenced => {
                let why = "another process has taken it over";
                Err(StorageError::new("the journal", why).of(Trouble::Fenced))
            }
        }
    }
}

#[cfg(test)]
mod tests;
