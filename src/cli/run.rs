//! `run` and `resume`.

use std::time::Duration;

use tokio::sync::watch;

use super::args::{Globals, RunArgs};
use super::complaint::{self, diagnostics};
use super::error::CliError;
use super::exit::ExitCode;
use super::open::{Typed, summary};
use super::origin::{limits_folder, variable, with_key};
use super::output::Output;
use super::person::person;
use super::progress::Progress;
use super::signals::Signals;
use crate::adapters::clock::wall_now_ms;
use crate::execute::engine::EngineError;
use crate::execute::ports::StopLevel;
use crate::plan::money::Cents;
use crate::plan::settings::BalanceCheck;
use crate::report::summary::Summary;
use crate::report::{json, text};
use crate::run::outcome::{ExitReason, RunEnd};
use crate::schedule::judge;
use crate::session::{self, Loaded, Options, Risks, Session, SessionError};

/// How long requests that are out may take to settle after the first signal.
const SETTLE: Duration = Duration::from_secs(30);

pub(super) fn run(
    args: &RunArgs,
    globals: &Globals,
    resume: bool,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    if resume && !args.selection.wish().is_everything() {
        return Err(CliError::usage(
            "a run that is resumed keeps the parts that it began with",
            "`millrun run --select …` starts one with others",
        ));
    }
    let mut loaded = session::load(&args.manifest, &variable)?;
    output.note(&diagnostics(&loaded.lints, &loaded.sources, output));
    if let Some(cap) = &args.max_spend {
        tighten(&mut loaded, Cents(cap.cents))?;
    }
    if resume && !args.regenerate.is_empty() {
        return Err(CliError::usage(
            "a run that is resumed makes nothing anew",
            "`millrun run --regenerate …` starts one that does",
        ));
    }
    let options = Options {
        origin: with_key(globals)?,
        state: globals.state.clone(),
        limits: limits_folder(),
        fail_fast: args.fail_fast,
        risks: Risks {
            network_state: globals.force_network_state,
            rollback: args.accept_rollback,
        },
        reopen: resume,
        regenerate: args.regenerate.clone(),
        selection: args.selection.wish(),
        confirm_absent: (!args.confirm_absent.is_empty())
            .then(|| (args.confirm_absent.clone(), person())),
    };
    let known = loaded.clone();
    let typed = Typed::new(&args.manifest, globals);
    let mut progress = Progress::new(globals, output);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|why| CliError::io("starting", why))?;
    let started_ms = wall_now_ms();
    let outcome = runtime.block_on(async {
        // Caught before anything is sent: a signal that comes early stops the run as one that comes late.
        let signals = Signals::catch()?;
        let (stop, stopped) = watch::channel(StopLevel::Go);
        tokio::spawn(obey(signals, stop));
        let history = session::run(loaded, &options, &mut progress, stopped).await?;
        Ok(history)
    });
    let begun = progress.has_begun();
    drop(progress);
    let (summary, error) = match outcome {
        Ok(history) => (summary(&history)?, None),
        Err(error) => {
            let took = Duration::from_millis((wall_now_ms() - started_ms).unsigned_abs());
            let known = begun.then(|| broken_off(&error, known, &options, took));
            match known.flatten() {
                Some(summary) => (summary, Some(error)),
                None => return Err(error),
            }
        }
    };
    print(&summary, error.as_ref(), &typed, output)?;
    Ok(summary.end.as_ref().map_or(ExitCode::Bug, ExitCode::from))
}

/// The report, and the error that broke the run off, if one did.
fn print(
    summary: &Summary,
    error: Option<&CliError>,
    typed: &Typed,
    output: &mut Output,
) -> Result<(), CliError> {
    if let Some(error) = error {
        complaint::tell(error, output);
    }
    let report = match (output.is_json(), error) {
        (true, None) => json::report(summary),
        (true, Some(error)) => json::broken_off(summary, &complaint::value(error)),
        (false, _) => text::report(summary, typed.page(output.palette())),
    };
    output.print(&report)
}

/// What the journal knows of a run that began and could not record its end, because of `error`; `None` when that is of
/// another kind, or the journal can't be read any more.
fn broken_off(
    error: &CliError,
    known: Loaded,
    options: &Options,
    took: Duration,
) -> Option<Summary> {
    let reason = match error {
        CliError::Session(SessionError::Engine(EngineError::Abandoned)) => ExitReason::Interrupted,
        CliError::Session(SessionError::Engine(EngineError::Storage(_))) => {
            ExitReason::StorageFailed
        }
        _ => return None,
    };
    let session = Session::open(known, &options.origin, options.state.as_deref()).ok()?;
    let history = session.history(None).ok()?;
    let mut reasons = judge::end(history.run.as_ref()?).reasons;
    reasons.push(reason);
    let mut summary = Summary::of(&history)?;
    summary.end = Some(RunEnd::new(reasons));
    summary.wall += took;
    Some(summary)
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
async fn obey(mut signals: Signals, stop: watch::Sender<StopLevel>) {
    signals.next().await;
    stop_by(signals.next(), &stop).await;
}

/// Requests that are out may settle until `again`, or for a while: one that hangs does not hold up the end.
#[expect(
    clippy::disallowed_methods,
    reason = "people wait on the wall's clock, whatever the engine's is"
)]
async fn stop_by(again: impl Future<Output = ()>, stop: &watch::Sender<StopLevel>) {
    stop.send_replace(StopLevel::Settle);
    tokio::select! {
        () = again => {}
        () = tokio::time::sleep(SETTLE) => {}
    }
    stop.send_replace(StopLevel::Now);
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_have_half_a_minute_to_settle_after_the_first_signal() {
        let (stop, stopped) = watch::channel(StopLevel::Go);
        let began = tokio::time::Instant::now();
        let mut stopping = Box::pin(stop_by(std::future::pending(), &stop));
        assert!((&mut stopping).now_or_never().is_none());
        assert_eq!(*stopped.borrow(), StopLevel::Settle);
        stopping.await;
        assert_eq!(*stopped.borrow(), StopLevel::Now);
        assert_eq!(began.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_ends_the_wait() {
        let (stop, stopped) = watch::channel(StopLevel::Go);
        let began = tokio::time::Instant::now();
        stop_by(std::future::ready(()), &stop).await;
        assert_eq!(*stopped.borrow(), StopLevel::Now);
        assert!(began.elapsed().is_zero());
    }
}
