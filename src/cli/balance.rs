//! `balance`: what the workspace has.

use serde_json::json;

use super::args::Globals;
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use super::remote::ask;
use crate::plan::money::Cents;
use crate::report::json::{FORMAT_VERSION, document};
use crate::untrusted::Untrusted;

pub(super) fn balance(globals: &Globals, output: &mut Output) -> Result<ExitCode, CliError> {
    let balance = ask(globals, async |client| client.balance().await)?;
    let (available, hold) = (
        Cents(balance.available.get()),
        Cents(balance.job_hold.get()),
    );
    let text = if output.is_json() {
        document(&json!({
            "format_version": FORMAT_VERSION,
            "currency": balance.currency.as_ref().map(Untrusted::as_raw_untrusted),
            "available_balance_cents": available,
            "cad_job_hold_cents": hold,
        }))
    } else {
        let currency = balance.currency.unwrap_or_default().for_terminal_columns(8);
        format!("{available} {currency} available; each new job holds {hold}\n")
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}
