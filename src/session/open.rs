//! Opening a manifest and what is known of it, without changing anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::select;
use super::service::Origin;
use super::state::{find, output_folder};
use crate::adapters::high_water::Place;
use crate::adapters::images::FolderImages;
use crate::adapters::journal::SqliteJournal;
use crate::adapters::state_folder::{StateError, StateFolder};
use crate::api::TransportSetupError;
use crate::execute::engine::EngineError;
use crate::execute::ports::StorageError;
use crate::manifest::{self, Diagnostics, Environment, Sources};
use crate::plan::actions::Plan;
use crate::plan::digest::Digest;
use crate::plan::family::Family;
use crate::plan::ids::RunId;
use crate::plan::memory::Memory;
use crate::plan::resolve::understand;
use crate::plan::selection::{SelectionError, Wish};
use crate::run::event::Record;
use crate::run::history::History;
use crate::simulator::SimulatorError;

/// A manifest that was read and understood.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Where it is.
    pub path: PathBuf,
    /// Its meaning.
    pub family: Family,
    /// The variables of the environment that it sees: the SHA-256 of their values.
    pub env: BTreeMap<String, Digest>,
    /// What is odd about it.
    pub lints: Diagnostics,
    /// Its text, for those who show the lints.
    pub sources: Sources,
}

/// Why a session can't be opened or run.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The manifest is wrong.
    #[error("the manifest has errors")]
    Manifest {
        /// All that is wrong.
        diagnostics: Diagnostics,
        /// Its text.
        sources: Sources,
    },
    /// What was selected can't be understood, or names nothing that is there.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The state folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// The journal is damaged, or was written by a newer millrun.
    #[error("the journal can't be read: {0}")]
    Unreadable(StorageError),
    /// The journal is older than what was here.
    #[error(
        "the journal is older than what was here: {}, and had come to event {} of epoch {}; what it does not know of may \
         have been paid",
        found.as_ref().map_or_else(
            || "there is none".to_owned(),
            |found| format!("it ends at event {} of epoch {}", found.seq, found.epoch)
        ),
        mark.seq,
        mark.epoch
    )]
    RolledBack {
        /// How far the journal had come that was here.
        mark: Place,
        /// How far the one has come that is here now.
        found: Option<Place>,
    },
    /// A state that was exported can't be taken in.
    #[error("the exported state is not taken in: {0}")]
    Import(String),
    /// The service asks for an API key, and none was given.
    #[error("an API key is needed")]
    NoKey,
    /// A person said that something was never sent which is not in question.
    #[error("{0}")]
    NotUnresolved(String),
    /// A job can't be adopted.
    #[error("{0}")]
    NoAdoption(String),
    /// A plan can't be saved.
    #[error("the plan is not saved: {0}")]
    NotSaved(String),
    /// A saved plan is no longer what would be done.
    #[error("the saved plan is stale: {}", .0.join("; "))]
    Stale(Vec<String>),
    /// A part is to be made anew that is not selected.
    #[error("{0}")]
    NotSelected(String),
    /// There is no such run.
    #[error("{0}")]
    NoRun(String),
    /// An image changed while it was being read.
    #[error("the image {0} changed while it was being read")]
    ImageChanged(String),
    /// The simulator.
    #[error("the simulator: {0}")]
    Simulator(#[from] SimulatorError),
    /// The HTTP client could not be set up.
    #[error(transparent)]
    Transport(#[from] TransportSetupError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StorageError> for SessionError {
    fn from(error: StorageError) -> Self {
        Self::Engine(error.into())
    }
}

/// Reads the manifest at `path` and works out what it means. Of `environment` it sees the variables that it lists.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path, environment: Environment<'_>) -> Result<Loaded, SessionError> {
    let mut sources = Sources::default();
    let read = manifest::load(path, &mut sources, environment);
    let seen = read.as_ref().ok().map(|manifest| manifest.env.as_slice());
    let env = seen.unwrap_or_default().iter().filter_map(|entry| {
        let value = entry.value.as_ref().ok()?;
        Some((entry.name.value.clone(), Digest::of(value.as_bytes())))
    });
    let env = env.collect();
    match understand(read, &sources, &mut FolderImages::new(folder_of(path))) {
        Ok((family, lints)) => Ok(Loaded {
            path: path.to_owned(),
            family,
            env,
            lints,
            sources,
        }),
        Err(diagnostics) => Err(SessionError::Manifest {
            diagnostics,
            sources,
        }),
    }
}

fn folder_of(manifest: &Path) -> PathBuf {
    match manifest.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

impl Loaded {
    /// The folder of the manifest.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        folder_of(&self.path)
    }

    /// The output folder for `origin`, relative to the manifest's.
    #[must_use]
    pub fn output(&self, origin: &Origin) -> String {
        let output = &self.family.settings.output;
        match origin {
            Origin::Simulator { .. } => format!("{}-sim", output.trim_end_matches('/')),
            Origin::Remote { .. } => output.clone(),
        }
    }
}

/// A manifest and what is known of it at one origin.
#[derive(Debug, Clone)]
pub struct Session {
    /// The manifest.
    pub loaded: Loaded,
    /// Where its state is, or will be.
    pub state: StateFolder,
    /// Its journal; empty for a family that never ran.
    pub records: Vec<Record>,
    output: PathBuf,
}

impl Session {
    /// Opens the state of `loaded` at `origin`, in `state` or in `.millrun` beside the manifest. Nothing is changed.
    ///
    /// # Errors
    /// When it can't be told which state it is, or it can't be read.
    pub fn open(
        loaded: Loaded,
        origin: &Origin,
        state: Option<&Path>,
    ) -> Result<Self, SessionError> {
        let state = find(&loaded, origin, state)?;
        let records = SqliteJournal::read(&state.journal()).map_err(SessionError::Unreadable)?;
        let output = output_folder(&loaded, origin);
        Ok(Self {
            loaded,
            state,
            records,
            output,
        })
    }

    /// What was true at the end of `run`, or is true now.
    ///
    /// # Errors
    /// When there was no such run.
    pub fn history(&self, run: Option<RunId>) -> Result<History, SessionError> {
        let history = match run {
            None => History::of(&self.records),
            Some(run) => History::up_to_run(&self.records, run),
        };
        match (&history.run, run) {
            (None, _) => Err(SessionError::NoRun(
                "this manifest has not run here yet".to_owned(),
            )),
            (Some(last), Some(run)) if last.id != run => Err(SessionError::NoRun(format!(
                "there is no {run}; the last one is {}",
                last.id
            ))),
            _ => Ok(history),
        }
    }

    /// What a run of the parts that `wish` selects would do now.
    ///
    /// # Errors
    /// When the selection can't be understood.
    pub fn plan(&self, wish: &Wish) -> Result<(Plan, Memory), SessionError> {
        let history = History::of(&self.records);
        let missing = self.missing_files(&history.memory);
        let family = self.loaded.family.clone();
        let nothing = BTreeSet::new();
        let plan = select::plan(family, wish, &history, &self.records, &missing, &nothing)?;
        Ok((plan, history.memory))
    }

    /// Published files that are no longer there.
    #[must_use]
    pub fn missing_files(&self, memory: &Memory) -> BTreeSet<String> {
        missing_files(&self.output, memory)
    }
}

/// The files that `memory` knows to be published under `output` and that are no longer there.
pub(super) fn missing_files(output: &Path, memory: &Memory) -> BTreeSet<String> {
    let published = memory.published.values().map(|file| &file.path);
    published
        .filter(|path| std::fs::symlink_metadata(output.join(path)).is_err())
        .cloned()
        .collect()
}
