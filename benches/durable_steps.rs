//! Durable steps a second: 2,000 parts of one create and three reviews against a simulator in its own process, limits off,
//! jobs instant. One durable step is an intent and an outcome, committed.
//!
//! The floor is the same requests by bare reqwest, 256 in flight, while the same rows are written in groups of 64 with one
//! synced commit each. The figure is a ratio against that floor, measured in the same run.
//!
//! ```sh
//! cargo bench --bench durable_steps
//! ```

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench measures and prints"
)]

mod floor;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use millrun::api::{ApiKey, BaseUrl};
use millrun::execute::ports::{Observer, StopLevel};
use millrun::run::event::Record;
use millrun::run::history::History;
use millrun::session::{self, Options, Origin};
use millrun::simulator::{Cents, Clock, Config, Limits, SIM_API_KEY, Simulator};

const PARTS: usize = 2_000;
const REVIEWS: usize = 3;
const CHILD: &str = "--serve-simulator";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    if std::env::args().any(|arg| arg == CHILD) {
        return runtime.block_on(serve());
    }
    let folder = tempfile::tempdir().unwrap();
    let steps = f64::from(u32::try_from(PARTS * (1 + REVIEWS)).unwrap());
    let mut ratios = Vec::new();
    for round in 1..=3 {
        let place = folder.path().join(round.to_string());
        std::fs::create_dir(&place).unwrap();
        let (engine, rows) = with_simulator(|base_url| runtime.block_on(engine(&place, base_url)));
        let floor = with_simulator(|base_url| {
            runtime.block_on(floor::run(&place, base_url, PARTS, REVIEWS, &rows))
        });
        ratios.push(floor.as_secs_f64() / engine.as_secs_f64());
        println!(
            "round {round}: engine {:.0} durable steps/s, floor {:.0}, ratio {:.2} ({} rows)",
            steps / engine.as_secs_f64(),
            steps / floor.as_secs_f64(),
            ratios[round - 1],
            rows.len()
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2} (at least 0.50 is wanted)", ratios[1]);
}

/// The whole family by the engine; how long it took, and the rows that it wrote.
async fn engine(place: &Path, base_url: &str) -> (Duration, Vec<String>) {
    let path = place.join("bench.yaml");
    std::fs::write(&path, manifest()).unwrap();
    let loaded = session::load(&path, &|_| None).unwrap();
    let base_url: BaseUrl = base_url.parse().unwrap();
    let options = Options {
        limits: Some(place.join("limits")),
        ..Options::new(Origin::Remote {
            base_url,
            key: Some(ApiKey::new(SIM_API_KEY).unwrap()),
        })
    };
    let (_stop, stopped) = tokio::sync::watch::channel(StopLevel::Go);
    let mut rows = Rows(Vec::new());
    let start = Instant::now();
    let history = session::run(loaded, &options, &mut rows, stopped)
        .await
        .unwrap();
    let took = start.elapsed();
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
    (
        took,
        rows.0
            .iter()
            .map(|record| serde_json::to_string(&record.event).unwrap())
            .collect(),
    )
}

struct Rows(Vec<Record>);

impl Observer for Rows {
    fn observe(&mut self, record: &Record, _: &History) {
        self.0.push(record.clone());
    }
}

fn manifest() -> String {
    let numbers: Vec<String> = (0..PARTS).map(|n| n.to_string()).collect();
    let rate = "1000000/s";
    let reviews: String = (0..REVIEWS)
        .map(|n| {
            format!(
                "      - {{ id: r{n}, review: {{ prompt: Look at it for the {n}th time. }} }}\n"
            )
        })
        .collect();
    format!(
        "version: 1\nname: bench\nuid: b\nlimits: {{ cad_writes: {rate}, reviews: {rate}, job_polls: {rate}, reads: {rate}, \
         artifacts: {rate}, balance: {rate}, active_jobs: 100000, profile: window }}\n\
         parts:\n  - id: p{{{{ n }}}}\n    matrix: {{ n: [{}] }}\n    steps:\n      \
         - create: {{ prompt: \"A box {{{{ n }}}} mm [sim:duration=0]\" }}\n{reviews}",
        numbers.join(", ")
    )
}

/// Runs `work` against a simulator in a process of its own.
fn with_simulator<T>(work: impl FnOnce(&str) -> T) -> T {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(CHILD)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let guard = Kill(child);
    let result = work(line.trim());
    drop(guard);
    result
}

struct Kill(Child);

impl Drop for Kill {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn serve() {
    let config = Config {
        limits: Limits::off(),
        balance_cents: Cents(1_000_000_000),
        poll_after_seconds: 0,
        ..Config::default()
    };
    let simulator = Simulator::open(config, Clock::new(0, 1.0), None).unwrap();
    let listener = Simulator::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    simulator
        .serve(listener, std::future::pending())
        .await
        .unwrap();
}
