//! Which parts are made anew: those that a person names.

use std::collections::BTreeSet;

use globset::GlobBuilder;

use super::open::SessionError;
use crate::plan::family::Family;
use crate::plan::ids::PartId;

/// The parts of `family` that `names`, ids or globs, mean.
///
/// # Errors
/// When one of them means no part.
pub(super) fn parts(family: &Family, names: &[String]) -> Result<BTreeSet<PartId>, SessionError> {
    let mut parts = BTreeSet::new();
    for name in names {
        let glob = GlobBuilder::new(name).build().map_err(|error| {
            SessionError::NoPart(format!("`{name}` is no pattern: {}", error.kind()))
        })?;
        let glob = glob.compile_matcher();
        let named = family.parts.iter().map(|part| &part.id);
        let named: Vec<&PartId> = named.filter(|id| glob.is_match(id.as_str())).collect();
        if named.is_empty() {
            return Err(SessionError::NoPart(format!("there is no part {name:?}")));
        }
        parts.extend(named.into_iter().cloned());
    }
    Ok(parts)
}
