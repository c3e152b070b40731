//! One question to the service, for the commands that look at it directly.

use super::args::Globals;
use super::error::CliError;
use super::origin::{api_key, base_url};
use crate::api::{CallError, Client, HttpTransport, Reply};
use crate::session::SessionError;

/// Asks the service, once.
///
/// # Errors
/// When there is no key, or no answer.
pub(super) fn ask<T>(
    globals: &Globals,
    question: impl AsyncFnOnce(&Client) -> Result<Reply<T>, CallError>,
) -> Result<T, CliError> {
    if globals.sim {
        return Err(CliError::usage(
            "the simulator of a family answers only while it runs",
            "serve one with `millrun sim`, and export the ORVILLE_BASE_URL and ORVILLE_API_KEY that it prints",
        ));
    }
    let base = base_url(globals)?;
    let key = api_key()?;
    let transport = HttpTransport::new(&base).map_err(SessionError::from)?;
    let client = Client::new(transport, base, key);
    let reply = runtime()?.block_on(question(&client))?;
    Ok(reply.value)
}

/// A runtime on this thread.
///
/// # Errors
/// When the system has none to give.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| CliError::io("starting", why))
}
