//! `run` and `resume`.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::args::{Globals, RunArgs};
use super::complaint::diagnostics;
use super::error::CliError;
use super::exit::ExitCode;
use super::open::{page, summary};
use super::origin::with_key;
use super::output::Output;
use super::progress::Progress;
use crate::execute::ports::StopLevel;
use crate::plan::money::Cents;
use crate::plan::settings::BalanceCheck;
use crate::report::{json, text};
use crate::session::{self, Loaded, Options};

/// How long requests that are out may take to settle after the first signal.
const SETTLE: Duration = Duration::from_secs(30);

pub(super) fn run(
    args: &RunArgs,
    globals: &Globals,
    resume: bool,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let mut loaded = session::load(&args.manifest)?;
    output.note(&diagnostics(&loaded.lints, &loaded.sources, output));
    if let Some(cap) = &args.max_spend {
        tighten(&mut loaded, Cents(cap.cents))?;
    }
    let options = Options {
        origin: with_key(globals)?,
        state: globals.state.clone(),
        fail_fast: args.fail_fast,
        reopen: resume,
    };
    let mut progress = Progress::new(globals, output);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|why| CliError::io("starting", why))?;
    let history = runtime.block_on(async {
        let (stop, stopped) = watch::channel(StopLevel::Go);
        tokio::spawn(obey(stop));
        session::run(loaded, &options, &mut progress, stopped).await
    });
    drop(progress);
    let summary = summary(&history?)?;
    let report = if output.is_json() {
        json::report(&summary)
    } else {
        text::report(&summary, page(globals, output.palette()))
    };
    output.print(&report)?;
    Ok(summary.end.as_ref().map_or(ExitCode::Bug, ExitCode::from))
}

/// The stricter of the manifest's cap and the command line's.
fn tighten(loaded: &mut Loaded, cap: Cents) -> Result<(), CliError> {
    let budget = &mut loaded.family.settings.budget;
    if budget.balance == BalanceCheck::Unchecked {
        let message = "--max-spend needs the balance, which this manifest leaves unchecked";
        return Err(CliError::usage(
            message,
            "remove `balance: unchecked` from its budget",
        ));
    }
    budget.max_spend = budget.max_spend.into_iter().chain([cap]).min();
    Ok(())
}

/// Ctrl-C or TERM once: nothing new goes out, and what is out may settle. Twice, or after a while: at once.
#[expect(
    clippy::disallowed_methods,
    reason = "people wait on the wall's clock, whatever the engine's is"
)]
async fn obey(stop: watch::Sender<StopLevel>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        // Without handlers a signal ends the process, which loses nothing either.
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stop.send_replace(StopLevel::Settle);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = tokio::time::sleep(SETTLE) => {}
    }
    stop.send_replace(StopLevel::Now);
}
