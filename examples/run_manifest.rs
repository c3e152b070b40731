//! Runs a manifest from code, against the simulator in this process:
//!
//! ```sh
//! cargo run --example run_manifest -- manifests/spacer.toml
//! ```

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::path::PathBuf;

use millrun::execute::ports::{Observer, StopLevel};
use millrun::run::event::Record;
use millrun::run::history::History;
use millrun::session::{self, Options, Origin, SIMULATOR_SPEED};

/// Prints what is recorded, as it is recorded.
struct Printer;

impl Observer for Printer {
    fn observe(&mut self, record: &Record, _: &History) {
        let step = record
            .event
            .step()
            .map(ToString::to_string)
            .unwrap_or_default();
        println!("{} {step}", record.event.name());
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path: PathBuf = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "manifests/spacer.toml".to_owned())
        .into();
    // What a manifest may see of the environment is yours to say.
    let loaded = session::load(&path, &|_| None)?;
    let options = Options::new(Origin::Simulator {
        speed: SIMULATOR_SPEED,
    });
    let (_stop, stopped) = tokio::sync::watch::channel(StopLevel::Go);
    let history = session::run(loaded, &options, &mut Printer, stopped).await?;
    println!("charged {} in all", history.memory.ledger.charged());
    Ok(())
}
