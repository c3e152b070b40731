//! What must hold of remote jobs: each goes on where it ended, and one that was replaced on purpose does not go on.

use crate::plan::content::Content;
use crate::plan::key::StepKey;
use crate::plan::memory::Memory;
use crate::run::event::Event;

/// What is wrong with a write that is intended, as `memory` knew its job before.
pub(super) fn broken(memory: &Memory, event: &Event) -> Option<String> {
    let Event::Intended {
        send,
        step,
        content,
        ..
    } = event
    else {
        return None;
    };
    let known = memory.lineages.get(&send.lineage)?;
    if known.retired && content.kind().is_write() {
        return Some(format!("{step} goes on with a job that was replaced"));
    }
    let before = memory.applied(known).last().map(|last| last.id.key)?;
    let goes_on = StepKey::new(content, Some(before)) == send.key;
    (matches!(content, Content::Iterate { .. }) && !goes_on)
        .then(|| format!("{step} is applied to a job that has seen something else"))
}
