//! R7: what the journal says of files is so on the disk, whatever happened to the process and to the power.

use std::collections::BTreeMap;

use bytes::Bytes;
use millrun::plan::digest::Digest;
use millrun::plan::memory::Memory;
use millrun::plan::remote::{Artifact, Stored};
use millrun::plan::send::SendState;
use millrun::run::history::History;

use super::machine::Machine;
use super::story::Story;

/// Holds the files of `machine` against its journal.
pub(super) fn check(machine: &Machine, story: &Story) {
    let memory = History::of(&machine.records()).memory;
    let objects = machine.objects();
    for stored in at_home(&memory) {
        let name = stored.sha256.to_string();
        if !is_whole(&objects, &name, &stored) {
            story.broken("R7", format!("{name} is said to be stored, and is not"));
        }
    }
    let published = machine.published();
    for file in memory.published.values() {
        if !is_whole(&published, &file.path, &file.stored) {
            let path = &file.path;
            story.broken("R7", format!("{path} is said to be published, and is not"));
        }
    }
}

/// What was stored of all jobs.
fn at_home(memory: &Memory) -> impl Iterator<Item = Stored> + '_ {
    let artifacts = |state: &'_ SendState| -> Vec<Artifact> {
        match state {
            SendState::Applied(result) => result.artifacts.clone(),
            SendState::Collecting(collecting) => collecting.result.artifacts.clone(),
            _ => Vec::new(),
        }
    };
    let sends = memory.sends.iter();
    sends
        .flat_map(move |send| artifacts(&send.state))
        .filter_map(|artifact| artifact.stored)
}

fn is_whole(files: &BTreeMap<String, Bytes>, name: &str, stored: &Stored) -> bool {
    let found = files.get(name);
    found.is_some_and(|bytes| Digest::of(bytes) == stored.sha256)
}
