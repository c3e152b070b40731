//! How a run starts, and why the loop may end before it.

use super::ports::StorageError;
use crate::plan::ids::{RunId, StepRef};
use crate::run::event::Event;
use crate::run::history::History;
use crate::run::sheet::Sheet;

/// How a run starts.
#[derive(Debug)]
pub enum Begin {
    /// A new run.
    Start {
        /// What it sets out to do.
        sheet: Box<Sheet>,
        /// What is known already of its dynamic steps.
        settled: Vec<Event>,
    },
    /// The last run goes on.
    Resume {
        /// Downloads that have to be done again.
        again: Vec<StepRef>,
        /// Where files are published, relative to the manifest's folder.
        output: String,
    },
}

impl Begin {
    /// Which run it is, and what is recorded first.
    pub(super) fn opening(self, history: &History) -> (RunId, Vec<Event>) {
        let last = history.run.as_ref().map_or(RunId(0), |run| run.id);
        match self {
            Self::Start { sheet, settled } => {
                let of_another = sheet.parts.iter().filter_map(|part| {
                    let lineage = part.lineage?;
                    let owner = &history.memory.lineages.get(&lineage)?.part;
                    (owner.as_ref() != Some(&part.id)).then(|| Event::Bound {
                        part: part.id.clone(),
                        lineage,
                    })
                });
                let mut events: Vec<Event> = of_another.collect();
                events.push(Event::RunStarted { sheet });
                events.extend(settled);
                (RunId(last.0 + 1), events)
            }
            Self::Resume { again, output } => (last, vec![Event::RunResumed { again, output }]),
        }
    }
}

/// Why the loop ended other than by the end of its run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal, the limits or the content store failed. What was sent is on disk.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Stopped at once, as asked.
    #[error("stopped at once; everything that was sent is on disk")]
    Abandoned,
    /// A bug: there is work left and nothing that could bring it on.
    #[error("the run is stuck: work is left, and nothing is on its way or due")]
    Stuck,
}
