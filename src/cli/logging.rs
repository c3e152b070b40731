//! Logs, to stderr.

use tracing_subscriber::EnvFilter;

use super::args::{Globals, LogFormat};
use super::output::Output;
use crate::report::palette::Palette;

/// Where progress is logged when logs are for machines.
pub(super) const PROGRESS: &str = "millrun::progress";

/// Sets up what `globals` ask for, once for the process.
pub(super) fn init(globals: &Globals, output: &Output) {
    let level = match (globals.quiet, globals.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let progress = if globals.quiet { "error" } else { "info" };
    let logs = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // A log that can't be written is told nowhere: telling it on the same stream would end the run with a panic.
        .log_internal_errors(false)
        .with_ansi(output.stderr_palette() == Palette::Colored)
        .with_env_filter(EnvFilter::new(format!("{level},{PROGRESS}={progress}")));
    // A second subscriber is refused, which only a program with its own could meet.
    let _ = match globals.log_format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
}
