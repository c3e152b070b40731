//! The signals that stop millrun.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::CliError;

/// The number of the hangup.
const SIGHUP: u32 = 1;

/// Ctrl-C, TERM and a terminal that hangs up, caught from now on.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// Catches them. To be called within a runtime.
    ///
    /// # Errors
    /// When the system lets nobody listen.
    pub(super) fn catch() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(|why| CliError::io("listening for signals", why));
        let may_hang_up = may_catch_hangup();
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: may_hang_up
                .then(|| listen(SignalKind::hangup()))
                .transpose()?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether a hangup may be caught: who started us with it ignored, as `nohup` does, wants it ignored. Where the system does
/// not tell, it is left alone: then it ends the process at once, which loses nothing either.
fn may_catch_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, SIGHUP) == Some(false)
}

/// Whether a process with this `status` of Linux ignores `signal`.
fn ignores(status: &str, signal: u32) -> Option<bool> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(line.trim(), 16).ok()?;
    Some(mask & (1 << (signal - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hangup_that_is_ignored_is_known_by_its_bit() {
        let status = |mask: &str| format!("Name:\tmillrun\nSigIgn:\t{mask}\nSigCgt:\t0\n");
        for (mask, is_ignored) in [
            ("0000000000000000", Some(false)),
            ("0000000000000001", Some(true)),
            ("0000000000001000", Some(false)),
            ("0000000000001001", Some(true)),
            ("none", None),
        ] {
            assert_eq!(ignores(&status(mask), SIGHUP), is_ignored, "{mask}");
        }
        assert_eq!(ignores("", SIGHUP), None);
    }
}
