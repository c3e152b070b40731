//! What must hold of dynamic steps: they are sent as they were resolved, once, and not before.

use crate::run::event::{Event, Resolution};
use crate::run::outcome::Outcome;
use crate::run::progress::Run;

/// What is wrong with an event about a step that is dynamic in `run`, as it was before the event.
pub(super) fn broken(run: Option<&Run>, event: &Event) -> Option<String> {
    let run = run?;
    match event {
        Event::Intended {
            send,
            step,
            content,
            ..
        } => {
            let ix = run.find(step)?;
            if run.outcome(ix) == Outcome::Skipped {
                return Some(format!("{step} was sent, and does not exist"));
            }
            let Some(known) = run.send_id(ix) else {
                return Some(format!(
                    "{step} was sent before it was known what it asks for"
                ));
            };
            let resolved = run.resolved.get(&ix)?;
            let is_it = known == *send && resolved == content;
            (!is_it).then(|| format!("{step} was sent, and was resolved to something else"))
        }
        Event::Resolved { step, resolution } => {
            let ix = run.find(step)?;
            let before = run.resolved.get(&ix)?;
            let is_it = matches!(resolution, Resolution::Asks { content, .. } if content == before);
            (!is_it).then(|| format!("{step} was resolved twice, to different things"))
        }
        _ => None,
    }
}
