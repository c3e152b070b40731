//! `sim`: the simulator as a server of its own, for other programs and for two runs at once.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::json;
use tokio::net::TcpListener;

use super::args::{Globals, speed};
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use super::remote::runtime;
use super::signals::Signals;
use crate::adapters::clock::wall_now_ms;
use crate::plan::settings::Rate;
use crate::report::json::{FORMAT_VERSION, document};
use crate::simulator::{self, Cents, Clock, Config, FaultRule, Quota, Simulator, SimulatorError};

#[derive(Debug, clap::Args)]
pub(crate) struct SimArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8787)]
    pub(crate) port: u16,
    /// A configuration in TOML, or JSON where the name ends so; other options go before it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Divides durations, windows of limits and told waits [default: 1]
    #[arg(long, value_name = "N", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// Rate limits [default: default]
    #[arg(long, value_name = "LIMITS")]
    pub(crate) limits: Option<SimLimits>,
    /// What durations, charges and files are drawn from [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// What a new workspace owns [default: 50000]
    #[arg(long, value_name = "CENTS")]
    pub(crate) balance: Option<u32>,
    /// Rules of faults, in JSON: docs/simulator-faults.md
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SimLimits {
    /// The documented ones.
    Default,
    /// None.
    Off,
}

/// How long answers in flight may take after a signal.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) fn sim(
    args: &SimArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    runtime()?.block_on(serve(args, globals, output))
}

async fn serve(
    args: &SimArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let folder = globals.state.as_deref();
    let recorded = match folder {
        Some(folder) => Simulator::recorded_until(folder)?,
        None => None,
    };
    let start = recorded.map_or_else(wall_now_ms, |recorded| recorded.max(wall_now_ms()));
    let config = config(args)?;
    let simulator = Simulator::open(config.clone(), Clock::new(start, 1.0), folder)?;
    simulator.add_faults(faults(args)?);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = Simulator::bind(address).await?;
    let mut signals = Signals::catch()?;
    output.print(&told(&listener, &config, output.is_json())?)?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = simulator.serve(listener, async move {
        // A sender that is gone stops it as well.
        let _ = stopped.await;
    });
    tokio::select! {
        served = serving => served?,
        () = stopped_for_good(&mut signals, stop) => {}
    }
    Ok(ExitCode::Success)
}

/// After the first signal the answers in flight may end; a second one, or a client that never lets them, ends it at once.
/// Every effect is in the world's log before its answer leaves.
#[expect(
    clippy::disallowed_methods,
    reason = "people wait on the wall's clock, whatever the simulator's is"
)]
async fn stopped_for_good(signals: &mut Signals, stop: tokio::sync::oneshot::Sender<()>) {
    signals.next().await;
    drop(stop);
    tokio::select! {
        () = signals.next() => {}
        () = tokio::time::sleep(DRAIN) => {}
    }
}

/// What the file says, or the defaults, with what the options say in its place.
fn config(args: &SimArgs) -> Result<Config, CliError> {
    let mut config = match &args.config {
        Some(path) => read_config(path)?,
        None => Config::default(),
    };
    if let Some(seed) = args.seed {
        config.seed = seed;
    }
    if let Some(speed) = args.speed {
        config.time_divisor = speed;
    }
    match args.limits {
        Some(SimLimits::Default) => config.limits = simulator::Limits::default(),
        Some(SimLimits::Off) => config.limits = simulator::Limits::off(),
        None => {}
    }
    if let Some(balance) = args.balance {
        config.balance_cents = Cents(i64::from(balance));
    }
    Ok(config)
}

fn faults(args: &SimArgs) -> Result<Vec<FaultRule>, CliError> {
    let Some(path) = &args.faults else {
        return Ok(Vec::new());
    };
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|why| CliError::io(format!("reading {name}"), why))?;
    FaultRule::parse_all(&text).map_err(|why| {
        CliError::usage(
            format!("{name}: {why}"),
            "docs/simulator-faults.md shows each rule",
        )
    })
}

fn read_config(path: &Path) -> Result<Config, CliError> {
    let complaint = |why: &dyn std::fmt::Display| {
        CliError::usage(
            format!("{}: {why}", path.display()),
            "docs/simulator.md lists every key and its values",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|why| complaint(&why))?;
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    let config = if is_json {
        Config::from_json(&text)
    } else {
        Config::from_toml(&text)
    };
    config.map_err(|error| complaint(&error))
}

/// What to export, and the limits that belong into a manifest for this workspace.
fn told(listener: &TcpListener, config: &Config, json: bool) -> Result<String, CliError> {
    let address = listener.local_addr().map_err(SimulatorError::from)?;
    let url = format!("http://{address}");
    let limits = limits(config);
    let api_key = config.keys.first().map_or("", |key| key.secret.as_str());
    if json {
        let limits: serde_json::Map<_, _> = limits
            .iter()
            .map(|(name, rate)| ((*name).to_owned(), rate.to_string().into()))
            .collect();
        return Ok(document(&json!({
            "format_version": FORMAT_VERSION,
            "base_url": url,
            "api_key": api_key,
            "limits": limits,
        })));
    }
    let limits: String = limits
        .iter()
        .map(|(name, rate)| format!("#   {name}: {rate}\n"))
        .collect();
    Ok(format!(
        "export ORVILLE_BASE_URL={url}\nexport ORVILLE_API_KEY={api_key}\n\
         # In the manifest, for this simulator:\n# limits:\n{limits}# Ctrl-C stops it.\n"
    ))
}

fn limits(config: &Config) -> [(&'static str, Rate); 6] {
    let simulated = &config.limits;
    let quotas = [
        ("cad_writes", simulated.cad_writes),
        ("reviews", simulated.reviews),
        ("job_polls", simulated.job_polls),
        ("reads", simulated.reads),
        ("artifacts", simulated.artifacts),
        ("balance", simulated.balance),
    ];
    quotas.map(|(name, quota)| (name, rate(quota, config.time_divisor)))
}

/// A limit with its window divided by `speed`, in whole milliseconds and never shorter than the simulator's own; where
/// there is none, one that nobody reaches.
fn rate(quota: Option<Quota>, speed: f64) -> Rate {
    let unlimited = Rate::per(1_000_000, 1);
    quota.map_or(unlimited, |quota| {
        let window = u64::try_from(quota.window_ms).unwrap_or(0);
        let window = Duration::from_millis(window).div_f64(speed);
        let millis = window.as_nanos().div_ceil(1_000_000).max(1);
        Rate {
            count: NonZeroU32::new(quota.count).unwrap_or(NonZeroU32::MIN),
            window: Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::units;

    #[test]
    fn faster_windows_are_never_too_short_and_a_manifest_takes_them() {
        for (count, window_ms, speed, text) in [
            (10, 60_000, 30.0, "10/2s"),
            (3, 10_000, 30.0, "3/334ms"),
            (10, 60_000, 1.0, "10/min"),
            (10, 60_000, 0.5, "10/120s"),
            (3, 10_000, 1_000_000.0, "3/1ms"),
        ] {
            let faster = rate(Some(Quota { count, window_ms }), speed);
            assert_eq!(faster.to_string(), text);
            assert!(units::rate(text).is_some(), "{text}");
        }
        assert_eq!(rate(None, 30.0).to_string(), "1000000/s");
    }
}
