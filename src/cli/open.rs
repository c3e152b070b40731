//! Opening a manifest and what is known of it, for the commands that only look.

use std::path::Path;

use super::args::{Globals, RunOfArgs};
use super::error::CliError;
use super::origin::{origin, variable};
use crate::report::palette::Palette;
use crate::report::shell::word;
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
    let loaded = session::load(manifest, &variable)?;
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

/// What was typed, for the commands that a report advises.
pub(super) struct Typed {
    manifest: String,
    flags: String,
    service: Option<String>,
    full: bool,
}

impl Typed {
    /// What was typed to look at `manifest`.
    pub(super) fn new(manifest: &Path, globals: &Globals) -> Self {
        let service = globals
            .base_url
            .as_deref()
            .map_or_else(String::new, |url| format!(" --base-url {}", word(url)));
        let origin = if globals.sim { " --sim" } else { &service };
        let state = globals.state.as_deref().map_or_else(String::new, |folder| {
            format!(" --state {}", word(&folder.display().to_string()))
        });
        Self {
            manifest: manifest.display().to_string(),
            flags: format!("{origin}{state}"),
            service: (!globals.sim).then_some(service),
            full: globals.verbose > 0,
        }
    }

    /// How reports are written for it.
    pub(super) fn page(&self, palette: Palette) -> Page<'_> {
        Page {
            palette,
            manifest: &self.manifest,
            flags: &self.flags,
            service: self.service.as_deref(),
            full: self.full,
        }
    }
}
