//! Folding events into what is known of how long things take.

use super::event::{Event, Record};
use crate::plan::content::StepKind;
use crate::plan::durations::Thing;
use crate::plan::memory::Memory;
use crate::plan::send::SendState;

impl Memory {
    /// Notes how long it took until `record`, before that is taken in. What was sent more than once tells nothing.
    pub(super) fn time(&mut self, record: &Record) {
        let Some(send) = record.event.send().and_then(|id| self.find(id)) else {
            return;
        };
        let (kind, at) = (send.content.kind(), record.at);
        let seen = match (&record.event, &send.state) {
            (Event::Accepted { .. }, SendState::Open(open)) if open.sends == 1 => {
                Some((Thing::Answer, at.since(open.since)))
            }
            (Event::Reviewed { .. }, SendState::Open(open)) if open.sends == 1 => {
                Some((Thing::Review, at.since(open.since)))
            }
            (Event::Completed { result, .. }, SendState::Running(running)) => {
                let thing = match kind {
                    StepKind::Create => Thing::Create,
                    _ => Thing::Iterate,
                };
                let took = at.since(running.since);
                let files = result.artifacts.len();
                self.durations.ended(files);
                Some((thing, took))
            }
            (Event::FileStored { .. }, SendState::Collecting(collecting))
                if collecting.tries.is_empty() =>
            {
                collecting
                    .retry_at
                    .map(|asked| (Thing::File, at.since(asked)))
            }
            (Event::PollSent { .. }, SendState::Running(_)) => {
                self.durations.polled();
                None
            }
            _ => None,
        };
        if let Some((thing, took)) = seen {
            self.durations.add(thing, took);
        }
    }
}
