//! The signals that stop millrun.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::CliError;

/// Ctrl-C and TERM, caught from now on.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Catches them. To be called within a runtime.
    ///
    /// # Errors
    /// When the system lets nobody listen.
    pub(super) fn catch() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(|why| CliError::io("listening for signals", why));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
