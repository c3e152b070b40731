//! Looking a family's state over: is all of it there, sound, and the user's alone, and was every promise kept?

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::lost::at_home;
use super::open::Loaded;
use super::service::Origin;
use super::state::{errored_places, find, output_folder, standing_of};
use crate::adapters::examine;
use crate::adapters::high_water::Standing;
use crate::adapters::journal::SqliteJournal;
use crate::adapters::run_lock::RunLock;
use crate::adapters::state_folder::StateFolder;
use crate::execute::ports::{StorageError, Trouble};
use crate::plan::digest::Digest;
use crate::plan::memory::Memory;
use crate::run::audit::audit;
use crate::run::checkup::Check;
use crate::run::event::Record;
use crate::run::history::History;

/// Where to report what only a bug can bring about.
const BUG: &str = "this is a bug in millrun: please report it with the output of `millrun logs --json`, and send nothing \
                   until it is understood";
/// How many findings of a kind are told one by one.
const TOLD: usize = 20;

/// Looks over the state of `loaded` at `origin`. Nothing is changed and nothing is sent.
#[must_use]
pub fn examine(loaded: &Loaded, origin: &Origin, state: Option<&Path>) -> Vec<Check> {
    let folder = match find(loaded, origin, state) {
        Ok(folder) => folder,
        Err(error) => {
            let hint = "say with --state which state is meant, and see that it is the user's alone";
            return vec![Check::problem("state", error.to_string(), hint)];
        }
    };
    if !folder.path().exists() && !folder.mark().exists() {
        let none = format!(
            "{} is not there yet: nothing has run",
            folder.path().display()
        );
        return vec![Check::good("state", none)];
    }
    let output = output_folder(loaded, origin);
    let mut checks = vec![
        Check::good("state", folder.path().display().to_string()),
        network(&folder),
        modes(&folder),
        lock(&folder),
        errored(&folder, &output),
        rollback(&folder, origin),
    ];
    match journal(&folder) {
        Err(bad) => checks.push(bad),
        Ok((good, records)) => {
            checks.push(good);
            checks.push(projections(&folder, &records));
            checks.extend(promises(&records));
            let memory = History::of(&records).memory;
            checks.extend(objects(&folder, &memory));
            checks.extend(published(&output, &memory));
        }
    }
    checks
}

fn network(folder: &StateFolder) -> Check {
    match folder.refuse_network() {
        Ok(()) => Check::good("disk", "it is on a disk of this machine"),
        Err(error) => Check::problem(
            "disk",
            error.to_string(),
            "move it to a disk of this machine",
        ),
    }
}

/// Whether nobody else may read or write what is in the state.
fn modes(folder: &StateFolder) -> Check {
    let mut open = Vec::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(there) = entry.metadata() else {
                continue;
            };
            if there.is_dir() {
                folders.push(entry.path());
            }
            if !there.is_symlink() && there.mode() & 0o077 != 0 {
                open.push(format!(
                    "{} ({:o})",
                    entry.path().display(),
                    there.mode() & 0o777
                ));
            }
        }
    }
    if open.is_empty() {
        return Check::good("modes", "nobody but the user may read or write it");
    }
    open.sort();
    open.truncate(TOLD);
    Check::problem(
        "modes",
        format!("others may get at {}", open.join(", ")),
        "take that right from them with `chmod -R go-rwx` on the state folder",
    )
}

fn lock(folder: &StateFolder) -> Check {
    match RunLock::held_by(&folder.run_lock()) {
        Ok(None) => Check::good("lock", "no run is at it"),
        Ok(Some(holder)) => Check::note(
            "lock",
            format!("a run is at it: {holder}"),
            "what follows is how things stood a moment ago",
        ),
        Err(error) => Check::problem("lock", error.to_string(), "see that the file can be read"),
    }
}

/// Whether an earlier run left records that its journal could not take.
fn errored(folder: &StateFolder, output: &Path) -> Check {
    let journal = SqliteJournal::place(&folder.journal()).ok().flatten();
    let journal = journal.map(|place| place.journal).unwrap_or_default();
    let mut files = errored_places(folder, output).find(&journal);
    if files.is_empty() {
        return Check::good("errored", "no run left records outside its journal");
    }
    files.truncate(TOLD);
    let files: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Check::note(
        "errored",
        files.join(", "),
        "the next `millrun run` takes them in",
    )
}

fn rollback(folder: &StateFolder, origin: &Origin) -> Check {
    match standing_of(folder, origin) {
        Ok(Standing::Sound) => Check::good("rollback", "the journal is not older than it was"),
        Ok(Standing::RolledBack { mark, found }) => {
            let found = found.map_or(0, |found| found.seq);
            Check::problem(
                "rollback",
                format!(
                    "the journal ends at event {found}, and had come to event {}",
                    mark.seq
                ),
                "put the newer journal.db back, or look with `millrun jobs list` for what was made since and run with \
                 --accept-rollback",
            )
        }
        // The journal's own check says it.
        Err(error) => Check::problem("rollback", error.to_string(), "see the journal's own line"),
    }
}

/// Whether the journal is sound, and what is recorded in it.
fn journal(folder: &StateFolder) -> Result<(Check, Vec<Record>), Check> {
    let bad = |error: StorageError| {
        let hint = match error.trouble {
            Trouble::Newer => "use the millrun that wrote it",
            Trouble::ReadOnly => "see that the user may read the state folder",
            _ => {
                "keep a copy of it aside and change nothing in it; put back a copy from before, such as \
                 journal.db.v1.bak, or `millrun state import` an exported one: a run says then what it does not know of"
            }
        };
        Check::problem("journal", error.to_string(), hint)
    };
    let path = folder.journal();
    let sound = examine::is_sound(&path).map_err(bad)?;
    let records = SqliteJournal::read(&path).map_err(bad)?;
    let told = match sound {
        None => "there is none yet".to_owned(),
        Some((layout, newest)) => format!(
            "sound, {} events, layout {layout} of {newest}",
            records.len()
        ),
    };
    Ok((Check::good("journal", told), records))
}

fn projections(folder: &StateFolder, records: &[Record]) -> Check {
    match examine::stale_projections(&folder.journal(), records) {
        Ok(stale) if stale.is_empty() => {
            Check::good("projection", "its rows say what its events say")
        }
        Ok(stale) => {
            let told = format!("{} say something else than the events", stale.join(" and "));
            Check::problem("projection", told, BUG)
        }
        Err(error) => Check::problem("projection", error.to_string(), BUG),
    }
}

fn promises(records: &[Record]) -> Vec<Check> {
    let broken = audit(records);
    if broken.is_empty() {
        return vec![Check::good("promises", "every promise was kept")];
    }
    let told = broken.into_iter().take(TOLD);
    told.map(|broken| Check::problem("promises", broken, BUG))
        .collect()
}

/// Whether the objects are what their names say, and none is missing.
fn objects(folder: &StateFolder, memory: &Memory) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut whole = BTreeSet::new();
    for entry in fs::read_dir(folder.objects())
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(digest) = Digest::try_from(name) else {
            continue;
        };
        match fs::read(entry.path()) {
            Ok(bytes) if Digest::of(&bytes) == digest => {
                whole.insert(digest);
            }
            Ok(_) => checks.push(Check::problem(
                "objects",
                format!("{} is not what its name says", entry.path().display()),
                "remove it: the next run fetches it again",
            )),
            Err(error) => checks.push(Check::problem(
                "objects",
                format!("{}: {error}", entry.path().display()),
                "see that the user may read it",
            )),
        }
    }
    let known: BTreeSet<Digest> = at_home(memory).map(|(_, stored)| stored.sha256).collect();
    let missing = known.iter().filter(|digest| {
        let path = folder.objects().join(digest.to_string());
        !whole.contains(digest) && !path.exists()
    });
    let missing = missing.count();
    if missing > 0 {
        let told = format!(
            "{missing} of {} files of paid jobs are missing",
            known.len()
        );
        checks.push(Check::note(
            "objects",
            told,
            "the next run brings them home again",
        ));
    }
    if checks.is_empty() {
        let told = format!("all {} are what their names say", whole.len());
        checks.push(Check::good("objects", told));
    }
    checks
}

/// Whether what was published is still there as it was.
fn published(output: &Path, memory: &Memory) -> Vec<Check> {
    let (mut gone, mut edited) = (Vec::new(), Vec::new());
    for file in memory.published.values() {
        match fs::read(output.join(&file.path)) {
            Ok(bytes) if Digest::of(&bytes) == file.stored.sha256 => {}
            Ok(_) => edited.push(file.path.as_str()),
            Err(_) => gone.push(file.path.as_str()),
        }
    }
    let mut checks = Vec::new();
    for (files, what, hint) in [
        (gone, "gone", "the next run publishes them again"),
        (edited, "edited since", "they are kept as they are"),
    ] {
        if !files.is_empty() {
            let some = files
                .iter()
                .take(TOLD)
                .copied()
                .collect::<Vec<_>>()
                .join(", ");
            let told = format!("{} published files are {what}: {some}", files.len());
            checks.push(Check::note("published", told, hint));
        }
    }
    if checks.is_empty() {
        let told = format!("all {} are there as they were", memory.published.len());
        checks.push(Check::good("published", told));
    }
    checks
}
