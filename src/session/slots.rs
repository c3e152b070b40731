//! Which slots of rate limits a family takes: those that it shares with the user's other families at the same workspace, or,
//! at the simulator, its own.

use std::path::Path;

use super::service::Origin;
use crate::adapters::limits_db::{LimitsDb, Orphans};
use crate::adapters::shared_limits::{self, Sharers};
use crate::adapters::state_folder::StateFolder;
use crate::execute::ports::StorageError;
use crate::plan::family::Family;
use crate::plan::remote::Timestamp;

/// Opens the slots of `family` at `origin`; `now` is the engine's.
pub(super) fn open(
    family: &Family,
    origin: &Origin,
    state: &StateFolder,
    shared: Option<&Path>,
    now: Timestamp,
) -> Result<LimitsDb, StorageError> {
    let limits = &family.settings.limits;
    match (origin, shared) {
        (
            Origin::Remote {
                base_url,
                key: Some(key),
            },
            Some(folder),
        ) => {
            let sharers = sharers(limits.group.as_deref(), key);
            let path = shared_limits::place(folder, &origin.name(), sharers)?;
            let orphans = if base_url.is_loopback_http() {
                Orphans::HaveArrived
            } else {
                Orphans::MayBeOut
            };
            LimitsDb::share(&path, limits, orphans, &family.salt.name)
        }
        _ => LimitsDb::open(&state.limits(), limits, now),
    }
}

/// Whose limits they are: the group's that the manifest names, or else the key's.
pub(crate) fn sharers<'a>(group: Option<&'a str>, key: &'a crate::api::ApiKey) -> Sharers<'a> {
    group.map_or(Sharers::Key(key), Sharers::Group)
}
