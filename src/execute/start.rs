//! How a run starts, and why the loop may end before it.

use super::ports::StorageError;
use crate::plan::ids::StepRef;
use crate::run::sheet::Sheet;

/// How a run starts.
#[derive(Debug)]
pub enum Begin {
    /// A new run.
    Start(Box<Sheet>),
    /// The last run goes on.
    Resume {
        /// Downloads that have to be done again.
        again: Vec<StepRef>,
        /// Where files are published, relative to the manifest's folder.
        output: String,
    },
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
