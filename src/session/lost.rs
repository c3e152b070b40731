//! Files of paid jobs that are in the content store no more: taken in again from where they were published, or else recorded
//! as lost, so that they are fetched again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::open::SessionError;
use crate::adapters::content_store::ContentStore;
use crate::plan::digest::Digest;
use crate::plan::memory::Memory;
use crate::plan::remote::{Stored, WriteResult};
use crate::plan::send::{Collecting, SendState};
use crate::run::event::{Event, Record};
use crate::run::history::History;

/// The files that `memory` knows to be at home, each with the write that brought it.
pub(super) fn at_home(memory: &Memory) -> impl Iterator<Item = (Event, Stored)> + '_ {
    memory.iter().flat_map(|(_, send)| {
        let artifacts = match &send.state {
            SendState::Applied(WriteResult { artifacts, .. })
            | SendState::Collecting(Collecting {
                result: WriteResult { artifacts, .. },
                ..
            }) => artifacts.as_slice(),
            _ => &[],
        };
        artifacts.iter().filter_map(|artifact| {
            let event = Event::FileLost {
                send: send.id,
                artifact: artifact.id.clone(),
            };
            Some((event, artifact.stored?))
        })
    })
}

/// Finds what `records` know to be in `store` and is not. What was published under `output`, and is there as it was, goes
/// into the store again; for the rest the answer are records of its loss.
///
/// # Errors
/// When the store can't be written.
pub(super) fn files(
    records: &[Record],
    store: &ContentStore,
    output: &Path,
) -> Result<Vec<Record>, SessionError> {
    let memory = History::of(records).memory;
    let published: BTreeMap<Digest, &str> = memory
        .published
        .values()
        .map(|file| (file.stored.sha256, file.path.as_str()))
        .collect();
    let mut lost = Vec::new();
    for (event, stored) in at_home(&memory) {
        if store.has(&stored) || take_back(store, output, &published, &stored)? {
            continue;
        }
        lost.push(Record {
            at: memory.last_at,
            run: None,
            event,
        });
    }
    Ok(lost)
}

fn take_back(
    store: &ContentStore,
    output: &Path,
    published: &BTreeMap<Digest, &str>,
    stored: &Stored,
) -> Result<bool, SessionError> {
    let Some(path) = published.get(&stored.sha256) else {
        return Ok(false);
    };
    let path = output.join(path);
    let is_as_long = fs::symlink_metadata(&path)
        .is_ok_and(|there| there.is_file() && there.len() == stored.bytes);
    match fs::read(&path) {
        Ok(bytes) if is_as_long && Digest::of(&bytes) == stored.sha256 => {
            store.put(&bytes)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
