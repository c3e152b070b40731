//! What `run` is given: a manifest, or a plan that was saved.

use std::path::{Path, PathBuf};

use super::error::CliError;
use crate::manifest::Format;
use crate::session::SavedPlan;

/// The manifest that is meant by `path`, and the saved plan when it is one.
///
/// # Errors
/// When a saved plan can't be read.
pub(super) fn manifest_of(path: &Path) -> Result<(PathBuf, Option<SavedPlan>), CliError> {
    let name = path.file_name().and_then(|name| name.to_str());
    if name.and_then(Format::of).is_some() {
        return Ok((path.to_owned(), None));
    }
    // What can't be read is no manifest either, which says more.
    let Ok(text) = std::fs::read_to_string(path) else {
        return Ok((path.to_owned(), None));
    };
    Ok(match SavedPlan::parse(&text)? {
        Some(plan) => (PathBuf::from(&plan.saved.manifest), Some(plan)),
        None => (path.to_owned(), None),
    })
}
