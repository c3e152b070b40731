//! Removing what a state holds and nobody needs.

use std::collections::BTreeSet;

use super::open::{Loaded, SessionError};
use super::run::Options;
use super::state::{errored_places, find, lock, output_folder, standing_of};
use crate::adapters::garbage::{self, Garbage};
use crate::adapters::high_water::Standing;
use crate::adapters::journal::SqliteJournal;
use crate::execute::ports::StorageError;
use crate::plan::digest::Digest;
use crate::run::event::Record;

/// The length of a digest in hexadecimal digits.
const DIGITS: usize = 64;

/// Removes from the state of `loaded` what nobody needs, and gives back what that was; with `dry_run` nothing is removed.
///
/// # Errors
/// When a run holds the state, or its journal does not tell everything: then nothing is removed.
pub fn collect_garbage(
    loaded: &Loaded,
    options: &Options,
    dry_run: bool,
) -> Result<Vec<Garbage>, SessionError> {
    let folder = find(loaded, &options.origin, options.state.as_deref())?;
    if !folder.journal().exists() {
        // Without a journal nobody can tell what is needed.
        let why = "there is nothing to clear away: this manifest has not run here yet";
        return Err(SessionError::NoRun(why.to_owned()));
    }
    let _lock = lock(&folder, options.risks)?;
    let records = SqliteJournal::read(&folder.journal()).map_err(SessionError::Unreadable)?;
    if let Standing::RolledBack { mark, found } = standing_of(&folder, &options.origin)? {
        return Err(SessionError::RolledBack { mark, found });
    }
    let places = errored_places(&folder, &output_folder(loaded, &options.origin));
    let place = SqliteJournal::place(&folder.journal()).map_err(SessionError::Unreadable)?;
    let errored = place.map(|place| places.find(&place.journal));
    if let Some(errored) = errored.iter().flatten().next() {
        let what = errored.display().to_string();
        let why = "it has records that the journal has not: `millrun resume` takes them in first";
        return Err(StorageError::new(what, why).into());
    }
    let garbage = garbage::find(&folder, &referred(&records)?)?;
    if !dry_run {
        garbage::remove(&garbage)?;
    }
    Ok(garbage)
}

/// Everything in `records` that looks like a digest, whatever it is of: what they may refer to in a way that nobody thought of
/// here stays as well.
fn referred(records: &[Record]) -> Result<BTreeSet<Digest>, SessionError> {
    let mut referred = BTreeSet::new();
    for record in records {
        let text = serde_json::to_string(&record.event)
            .map_err(|error| StorageError::new("journal", error))?;
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        let digests = words.filter(|word| word.len() == DIGITS);
        referred.extend(digests.filter_map(|word| Digest::try_from(word.to_owned()).ok()));
    }
    Ok(referred)
}
