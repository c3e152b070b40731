//! What is printed, where, and with or without colours.

use std::io::{self, ErrorKind, Write as _};

use clap::ColorChoice;

use super::args::{Globals, LogFormat};
use super::error::CliError;
use crate::manifest::Style;
use crate::report::palette::Palette;

/// Both streams, and what may be written to them.
#[derive(Debug)]
pub(super) struct Output {
    json: bool,
    quiet: bool,
    /// Logs are for machines: nothing else may stand among them.
    json_logs: bool,
    stdout_palette: Palette,
    stderr_palette: Palette,
    /// Nobody reads stdout any more.
    closed: bool,
}

impl Output {
    /// The streams of this process, as `globals` want them.
    pub(super) fn new(globals: &Globals) -> Self {
        let palette = |choice: anstream::ColorChoice| match (globals.color, choice) {
            (ColorChoice::Always, _) => Palette::Colored,
            (ColorChoice::Never, _) | (_, anstream::ColorChoice::Never) => Palette::Plain,
            (ColorChoice::Auto, _) => Palette::Colored,
        };
        Self {
            json: globals.json,
            quiet: globals.quiet,
            json_logs: globals.log_format == LogFormat::Json,
            stdout_palette: palette(anstream::AutoStream::choice(&io::stdout())),
            stderr_palette: palette(anstream::AutoStream::choice(&io::stderr())),
            closed: false,
        }
    }

    /// Whether stdout is for machines.
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// The colours of stdout.
    pub(super) const fn palette(&self) -> Palette {
        self.stdout_palette
    }

    /// The colours of stderr.
    pub(super) const fn stderr_palette(&self) -> Palette {
        self.stderr_palette
    }

    /// The colours of diagnostics, which go to stderr.
    pub(super) const fn style(&self) -> Style {
        match self.stderr_palette {
            Palette::Plain => Style::Plain,
            Palette::Colored => Style::Colored,
        }
    }

    /// Prints `text` on stdout. A reader that went away, as `head` does, is no error: nothing more is printed.
    ///
    /// # Errors
    /// When it could not be written.
    pub(super) fn print(&mut self, text: &str) -> Result<(), CliError> {
        if self.closed {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
        {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(CliError::io("writing to stdout", error)),
            Ok(()) => Ok(()),
        }
    }

    /// Prints on stdout what `write` writes, as it comes.
    ///
    /// # Errors
    /// As [`Output::print`].
    pub(super) fn stream(
        &mut self,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> Result<(), CliError> {
        let mut stdout = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
        match write(&mut stdout).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(CliError::io("writing to stdout", error)),
            Ok(()) => Ok(()),
        }
    }

    /// Tells `text` on stderr. When nobody reads it there is nobody to tell.
    pub(super) fn tell(&self, text: &str) {
        if self.json_logs {
            tracing::error!("{}", anstream::adapter::strip_str(text.trim_end()));
            return;
        }
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// As [`Output::tell`], unless only errors are wanted.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet && !self.json_logs {
            self.tell(text);
        }
    }
}
