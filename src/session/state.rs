//! The state of a family, opened for a run: on a disk that can be relied on, locked, not older than it was, and whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lost;
use super::open::{Loaded, SessionError};
use super::run::Options;
use super::service::Origin;
use crate::adapters::ballast::Ballast;
use crate::adapters::clock::wall_now_ms;
use crate::adapters::content_store::ContentStore;
use crate::adapters::errored::{self, Places};
use crate::adapters::guarded_journal::GuardedJournal;
use crate::adapters::high_water::{HighWater, Standing, standing};
use crate::adapters::journal::SqliteJournal;
use crate::adapters::run_lock::{self, RunLock};
use crate::adapters::state_folder::StateFolder;
use crate::execute::ports::Journal as _;
use crate::run::event::{Event, Record};

/// Risks that the user takes knowingly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Risks {
    /// The state is on a network file system.
    pub network_state: bool,
    /// The journal is older than what was here: what it does not know of is paid again.
    pub rollback: bool,
}

/// A state that this process may write.
pub(super) struct OpenState {
    pub(super) folder: StateFolder,
    pub(super) journal: GuardedJournal<SqliteJournal>,
    pub(super) store: Arc<ContentStore>,
    /// Everything that was recorded so far.
    pub(super) records: Vec<Record>,
    /// Held until it is dropped, which has to be after the journal.
    pub(super) lock: RunLock,
}

/// Where the state of `loaded` is, or will be.
///
/// # Errors
/// When it can't be told.
pub(super) fn find(
    loaded: &Loaded,
    origin: &Origin,
    state: Option<&Path>,
) -> Result<StateFolder, SessionError> {
    let base = state.map_or_else(|| loaded.folder().join(".millrun"), Path::to_owned);
    Ok(StateFolder::find(
        &base,
        &loaded.path,
        &loaded.family.salt,
        &origin.name(),
    )?)
}

/// Takes the lock of `folder`, unless it is on a network file system and that risk is not taken.
///
/// # Errors
/// When it is, another process holds the lock, or the folder can't be written.
pub(super) fn lock(folder: &StateFolder, risks: Risks) -> Result<RunLock, SessionError> {
    if !risks.network_state {
        folder.refuse_network()?;
    }
    Ok(folder.lock(&run_lock::holder(&now_text()))?)
}

/// What the high-water mark says of the journal in `folder`. A simulated world that is gone takes with it whatever was paid
/// there.
///
/// # Errors
/// When the journal can't be read.
pub(super) fn standing_of(folder: &StateFolder, origin: &Origin) -> Result<Standing, SessionError> {
    let is_forgotten = matches!(origin, Origin::Simulator { .. }) && !folder.world().exists();
    if is_forgotten {
        return Ok(Standing::Sound);
    }
    let found = SqliteJournal::place(&folder.journal()).map_err(SessionError::Unreadable)?;
    Ok(standing(HighWater::read(&folder.mark()), found))
}

/// Where records of a run are that its journal could not take. `output` is the output folder.
pub(super) fn errored_places(folder: &StateFolder, output: &Path) -> Places {
    Places {
        state: folder.path().to_owned(),
        others: vec![output.to_owned(), std::env::temp_dir()],
    }
}

impl OpenState {
    /// Opens the state of `loaded` as `options` say; its files are published under `output`.
    ///
    /// # Errors
    /// When it can't be relied on. Nothing of it was changed then, but for what an earlier run could not write.
    pub(super) fn open(
        loaded: &Loaded,
        options: &Options,
        output: &Path,
    ) -> Result<Self, SessionError> {
        let (origin, risks) = (&options.origin, options.risks);
        let folder = find(loaded, origin, options.state.as_deref())?;
        let lock = lock(&folder, risks)?;
        // It is read before it is opened for writing: what can't be understood stays as it is.
        let mut records =
            SqliteJournal::read(&folder.journal()).map_err(SessionError::Unreadable)?;
        let mut is_distrusted = false;
        if let Standing::RolledBack { mark, found } = standing_of(&folder, origin)? {
            if !risks.rollback {
                return Err(SessionError::RolledBack { mark, found });
            }
            is_distrusted = true;
        }
        let ballast = Ballast::keep(&folder.ballast())?;
        let mark = folder.mark();
        let epoch = HighWater::read(&mark).map_or(0, |mark| mark.epoch);
        let mut journal = SqliteJournal::open_marked(&folder.journal(), epoch, &mark)?;
        let places = errored_places(&folder, output);
        let told = errored::take_in(&mut journal, &places)?;
        if !told.is_empty() {
            told.iter().for_each(|told| tracing::warn!("{told}"));
            records = journal.records()?;
        }
        let store = Arc::new(ContentStore::open(folder.objects())?);
        let lost = lost::files(&records, &store, output)?;
        journal.append(&lost)?;
        records.extend(lost);
        if is_distrusted {
            // What is about to be paid is looked for first.
            let distrusted = Record {
                at: records.last().map_or_else(Default::default, |last| last.at),
                run: None,
                event: Event::Distrusted {},
            };
            journal.append(std::slice::from_ref(&distrusted))?;
            records.push(distrusted);
        }
        Ok(Self {
            folder,
            journal: GuardedJournal::new(journal, ballast, places),
            store,
            records,
            lock,
        })
    }
}

fn now_text() -> String {
    jiff::Timestamp::from_millisecond(wall_now_ms())
        .map_or_else(|_| "some time".to_owned(), |now| now.to_string())
}

/// The output folder of `loaded` at `origin`.
pub(super) fn output_folder(loaded: &Loaded, origin: &Origin) -> PathBuf {
    loaded.folder().join(loaded.output(origin))
}
