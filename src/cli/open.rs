//! Opening a manifest and what is known of it, for the commands that only look.

use std::path::Path;

use super::args::{Globals, RunOfArgs};
use super::error::CliError;
use super::origin::origin;
use crate::report::summary::Summary;
use crate::report::text::Page;
use crate::run::history::History;
use crate::session::{self, Session};

/// The manifest and its state. Nothing is changed and nothing is sent.
///
/// # Errors
/// When the manifest is wrong, or its state can't be read.
pub(super) fn open(manifest: &Path, globals: &Globals) -> Result<Session, CliError> {
    let origin = origin(globals)?;
    let loaded = session::load(manifest)?;
    Ok(Session::open(loaded, &origin, globals.state.as_deref())?)
}

/// What was true at the end of the run that is asked for.
///
/// # Errors
/// When there was no such run.
pub(super) fn history(args: &RunOfArgs, globals: &Globals) -> Result<(Session, History), CliError> {
    let session = open(&args.manifest, globals)?;
    let history = session.history(args.run)?;
    Ok((session, history))
}

/// The report of a history that has a run.
///
/// # Errors
/// When it has none.
pub(super) fn summary(history: &History) -> Result<Summary, CliError> {
    Summary::of(history)
        .ok_or_else(|| CliError::usage("no run was recorded", "start one: `millrun run`"))
}

/// How reports are written for `globals`.
pub(super) fn page(globals: &Globals, palette: crate::report::palette::Palette) -> Page<'static> {
    Page {
        palette,
        flags: if globals.sim { " --sim" } else { "" },
        full: globals.verbose > 0,
    }
}
