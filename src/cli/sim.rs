//! `sim`: the simulator as a server of its own, for other programs and for two runs at once.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::args::{Globals, SimArgs, SimLimits};
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use super::remote::runtime;
use crate::adapters::clock::wall_now_ms;
use crate::plan::settings::{Limits, Rate};
use crate::report::json::{FORMAT_VERSION, document};
use crate::simulator::{
    self, Cents, Clock, Config, FaultRule, SIM_API_KEY, Simulator, SimulatorError,
};

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
    let simulator = Simulator::open(config(args), Clock::new(start, 1.0), folder)?;
    simulator.add_faults(faults(args)?);
    let listener = Simulator::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port))).await?;
    let (mut interrupt, mut terminate) = signals()?;
    output.print(&told(&listener, args, output.is_json())?)?;
    simulator
        .serve(listener, async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
        .await?;
    Ok(ExitCode::Success)
}

fn config(args: &SimArgs) -> Config {
    Config {
        seed: args.seed,
        time_divisor: args.speed,
        limits: match args.limits {
            SimLimits::Default => simulator::Limits::default(),
            SimLimits::Off => simulator::Limits::off(),
        },
        balance_cents: Cents(i64::from(args.balance)),
        ..Config::default()
    }
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

fn signals() -> Result<(tokio::signal::unix::Signal, tokio::signal::unix::Signal), CliError> {
    let listen = |kind| signal(kind).map_err(|why| CliError::io("listening for signals", why));
    Ok((
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
    ))
}

/// What to export, and the limits that belong into a manifest for this speed.
fn told(listener: &TcpListener, args: &SimArgs, json: bool) -> Result<String, CliError> {
    let address = listener.local_addr().map_err(SimulatorError::from)?;
    let url = format!("http://{address}");
    let limits = limits(args);
    if json {
        let limits: serde_json::Map<_, _> = limits
            .iter()
            .map(|(name, rate)| ((*name).to_owned(), rate.to_string().into()))
            .collect();
        return Ok(document(&json!({
            "format_version": FORMAT_VERSION,
            "base_url": url,
            "api_key": SIM_API_KEY,
            "limits": limits,
        })));
    }
    let limits: String = limits
        .iter()
        .map(|(name, rate)| format!("#   {name}: {rate}\n"))
        .collect();
    Ok(format!(
        "export ORVILLE_BASE_URL={url}\nexport ORVILLE_API_KEY={SIM_API_KEY}\n\
         # In the manifest, for this simulator:\n# limits:\n{limits}# Ctrl-C stops it.\n"
    ))
}

fn limits(args: &SimArgs) -> [(&'static str, Rate); 6] {
    let documented = Limits::default();
    let rates = [
        ("cad_writes", documented.cad_writes),
        ("reviews", documented.reviews),
        ("job_polls", documented.job_polls),
        ("reads", documented.reads),
        ("artifacts", documented.artifacts),
        ("balance", documented.balance),
    ];
    rates.map(|(name, rate)| match args.limits {
        SimLimits::Default => (name, faster(rate, args.speed)),
        SimLimits::Off => (name, Rate::per(1_000_000, 1)),
    })
}

/// `rate` with its window divided by `speed`, in whole milliseconds and never shorter than the simulator's own.
fn faster(rate: Rate, speed: f64) -> Rate {
    let window = rate.window.div_f64(speed);
    let millis = window.as_nanos().div_ceil(1_000_000).max(1);
    Rate {
        window: Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)),
        ..rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::units;

    #[test]
    fn faster_windows_are_never_too_short_and_a_manifest_takes_them() {
        for (rate, speed, text) in [
            (Rate::per(10, 60), 30.0, "10/2s"),
            (Rate::per(3, 10), 30.0, "3/334ms"),
            (Rate::per(10, 60), 1.0, "10/min"),
            (Rate::per(10, 60), 0.5, "10/120s"),
            (Rate::per(3, 10), 1_000_000.0, "3/1ms"),
        ] {
            let faster = faster(rate, speed);
            assert_eq!(faster.to_string(), text);
            assert!(units::rate(text).is_some(), "{text}");
        }
    }
}
