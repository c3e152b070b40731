//! Running a manifest: the state is locked, the service reached, the engine given its ports.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::begin::begin_selected;
use super::open::{Loaded, SessionError, missing_files};
use super::recover;
use super::regenerate;
use super::saved::SavedPlan;
use super::service::{Origin, Service};
use super::slots;
use super::state::{OpenState, Risks, output_folder};
use crate::adapters::content_store::ContentStore;
use crate::adapters::control_db::{Attended, ControlDb};
use crate::adapters::files::Output;
use crate::adapters::images;
use crate::adapters::orville::Orville;
use crate::adapters::state_folder::StateFolder;
use crate::execute::engine::{self, Begin, EngineError};
use crate::execute::ports::{Control, Journal as _, Observer, Ports, StopLevel, Unattended};
use crate::plan::digest::Digest;
use crate::plan::ids::RunId;
use crate::plan::remote::Timestamp;
use crate::plan::selection::Wish;
use crate::run::event::{Person, Record};
use crate::run::history::History;
use crate::run::sheet::Heading;

/// How a manifest is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Against which service.
    pub origin: Origin,
    /// Where the state is, if not beside the manifest.
    pub state: Option<PathBuf>,
    /// In which folder the families of this user share the slots of rate limits of one workspace. Where it is absent, and
    /// for the simulator, a family has its own, in its state.
    pub limits: Option<PathBuf>,
    /// Whether nothing new is started once a part did not succeed.
    pub fail_fast: bool,
    /// What would be refused otherwise.
    pub risks: Risks,
    /// Whether the last run goes on even when it is finished; it is an error then when there is none, or the plan changed.
    pub reopen: bool,
    /// The saved plan that is carried out.
    pub saved: Option<SavedPlan>,
    /// Expressions for parts that are made anew on fresh jobs, once, whatever they have.
    pub regenerate: Vec<String>,
    /// Which parts it is about.
    pub selection: Wish,
    /// Parts of which a person says that nothing unresolved was ever executed, and who says so.
    pub confirm_absent: Option<(Vec<String>, Person)>,
}

impl Options {
    /// A run against `origin` with its state beside the manifest; an unfinished run goes on.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            state: None,
            limits: None,
            risks: Risks::default(),
            fail_fast: false,
            reopen: false,
            saved: None,
            regenerate: Vec::new(),
            selection: Wish::default(),
            confirm_absent: None,
        }
    }
}

/// Runs `loaded`, or goes on with its last run, and gives back what is true in the end. `stop` may ask it to stop.
///
/// # Errors
/// When the run could not begin, storage failed, or it was asked to stop at once.
pub async fn run(
    loaded: Loaded,
    options: &Options,
    observer: &mut dyn Observer,
    stop: watch::Receiver<StopLevel>,
) -> Result<History, SessionError> {
    let output_folder = output_folder(&loaded, &options.origin);
    let OpenState {
        lock: _lock,
        folder,
        mut journal,
        store,
        mut records,
    } = OpenState::open(&loaded, options, &output_folder)?;
    if let Some((parts, by)) = &options.confirm_absent {
        let memory = History::of(&records).memory;
        let said = recover::confirm_absent(&loaded.family, &memory, parts, by)?;
        journal.append(&said)?;
        records.extend(said);
    }
    if let Some(saved) = &options.saved {
        saved.check_state(&records, &History::of(&records))?;
    }
    let (family, wish) = (&loaded.family, &options.selection);
    let anew = regenerate::parts(family, &options.regenerate, wish, &records)?;
    keep_images(&loaded, &store)?;

    let output = loaded.output(&options.origin);
    let heading = Heading {
        manifest: loaded.path.display().to_string(),
        max_spend: loaded.family.settings.budget.max_spend,
        output,
        zone: jiff::tz::TimeZone::system()
            .iana_name()
            .unwrap_or("UTC")
            .to_owned(),
    };
    let missing = missing_files(&output_folder, &History::of(&records).memory);
    let last_at = records
        .last()
        .map_or(Timestamp::default(), |record| record.at);
    let (plan, history, mut how) = begin_selected(
        loaded.family,
        &options.selection,
        &records,
        &missing,
        &heading,
        options.reopen,
        &anew,
    )?;
    if let Some(of) = &options.saved {
        let differences = of.saved.differences(&plan);
        if !of.is_under_way(&history) && !differences.is_empty() {
            return Err(SessionError::Stale(differences));
        }
        if let Begin::Start { sheet, .. } = &mut how {
            sheet.saved = Some(of.digest);
        }
    }
    if options.reopen && matches!(how, Begin::Start { .. }) {
        let why = match history.run {
            None => "there is no run to go on with: this manifest has not run here yet",
            Some(_) => {
                "the manifest has changed since its last run, which can't go on: use `millrun run`"
            }
        };
        return Err(SessionError::NoRun(why.to_owned()));
    }

    let Service { client, clock } = Service::reach(&options.origin, &folder, last_at).await?;
    let shared = options.limits.as_deref();
    let mut admission = slots::open(&plan.family, &options.origin, &folder, shared, clock.now())?;
    let api = Orville::new(client, Arc::clone(&store));
    let files = Output::new(store, output_folder);
    let mut attended = attend(&folder, &history, &how, &records);
    let mut unattended = Unattended;
    let control: &mut dyn Control = match &mut attended {
        Some(attended) => attended,
        None => &mut unattended,
    };
    let ports = Ports {
        api: &api,
        journal: &mut journal,
        admission: &mut admission,
        files: &files,
        clock: &*clock,
        control,
        observer,
    };
    let ended = engine::run(ports, &plan, history, how, options.fail_fast, stop).await;
    Ok(ended.map_err(|error| match error {
        EngineError::Storage(error) => journal.with_unsaved(error).into(),
        other => other,
    })?)
}

/// The control table of the run that begins; a run that nobody can reach is a run all the same.
fn attend(
    folder: &StateFolder,
    history: &History,
    how: &Begin,
    records: &[Record],
) -> Option<Attended> {
    let last = history.run.as_ref().map_or(RunId(0), |run| run.id);
    let run = match how {
        Begin::Start { .. } => RunId(last.0 + 1),
        Begin::Resume { .. } => last,
    };
    let known = records.iter().filter_map(|record| record.event.command());
    let known = known.cloned().collect();
    let attended = ControlDb::open(&folder.control()).and_then(|table| table.attend(run, known));
    attended
        .inspect_err(|error| {
            tracing::warn!("`pause`, `cancel` and `approve` don't reach this run: {error}");
        })
        .ok()
}

/// Takes the images into the content store, from which they are sent: what changes on the disk later changes nothing.
pub(super) fn keep_images(loaded: &Loaded, store: &ContentStore) -> Result<(), SessionError> {
    for (digest, path) in &loaded.family.images {
        let bytes = images::read(Path::new(&loaded.folder()), path);
        match bytes {
            Ok(bytes) if Digest::of(&bytes) == *digest => store.put(&bytes)?,
            _ => return Err(SessionError::ImageChanged(path.clone())),
        };
    }
    Ok(())
}
