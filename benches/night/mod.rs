//! One family on virtual time: the real engine, its real journal, slots and files, and the simulator in the same process.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use millrun::adapters::clock::SimulatorClock;
use millrun::adapters::content_store::ContentStore;
use millrun::adapters::files::Output;
use millrun::adapters::images::FolderImages;
use millrun::adapters::in_process::InProcess;
use millrun::adapters::journal::SqliteJournal;
use millrun::adapters::limits_db::LimitsDb;
use millrun::adapters::orville::Orville;
use millrun::api::{ApiKey, Client, SendFuture, Transport};
use millrun::execute::engine;
use millrun::execute::ports::{Clock as _, Observer, Ports, StopLevel, Unattended};
use millrun::manifest::{self, Format, Sources};
use millrun::plan::resolve::resolve;
use millrun::run::event::Record;
use millrun::run::history::History;
use millrun::run::sheet::Heading;
use millrun::session::begin;
use millrun::simulator::{Books, Clock, Config, SIM_API_KEY, Simulator};

/// When every night begins: not on a stroke of the service's clock.
const EVENING: i64 = 1_790_000_017_351;
/// What a request takes to the service, and its answer back.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(400);

/// What came of a night.
pub(crate) struct Night {
    /// What the service says of it.
    pub(crate) books: Books,
    /// From the start of the run, in milliseconds.
    pub(crate) started_ms: i64,
    /// How long it took in real time.
    pub(crate) took: Duration,
}

impl Night {
    /// From the start of the run to the end of the last job at the service, when each job takes as long as its prompt says.
    pub(crate) fn makespan(&self, duration: impl Fn(&str) -> f64) -> f64 {
        let end = |at_ms: i64, prompt: &str| {
            let started = (at_ms - self.started_ms) as f64 / 1_000.0;
            started + duration(prompt)
        };
        let writes = self.books.jobs.iter().flat_map(|job| &job.writes);
        writes
            .map(|write| end(write.at_ms, &write.prompt))
            .fold(0.0, f64::max)
    }

    /// All refused requests.
    pub(crate) fn refused(&self) -> u64 {
        self.books.rate_limited.values().sum()
    }
}

/// Runs `manifest` from its start to its end.
pub(crate) fn run(manifest: &str, config: Config) -> Night {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let took = Instant::now();
    let (books, started_ms) = runtime.block_on(whole(manifest, config));
    Night {
        books,
        started_ms,
        took: took.elapsed(),
    }
}

async fn whole(manifest: &str, config: Config) -> (Books, i64) {
    // What is measured is virtual time: a disk in memory changes nothing but how long the bench takes.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let folder = folder.unwrap();
    let clock = Clock::new(EVENING, 1.0);
    let simulator = Simulator::open(config, clock, None).unwrap();

    let mut sources = Sources::default();
    let source = sources.add("m.yaml", manifest);
    let parsed = manifest::parse(&mut sources, source, Format::Yaml).unwrap();
    let mut images = FolderImages::new(folder.path());
    let family = resolve(&parsed, &sources, &mut images).unwrap().0;
    let heading = Heading {
        manifest: "m.yaml".to_owned(),
        max_spend: None,
        output: "out".to_owned(),
        zone: "UTC".to_owned(),
    };
    let (plan, history, how) = begin(family, &[], &BTreeSet::new(), &heading, false).unwrap();

    let engine_clock = SimulatorClock::new(clock);
    let store = Arc::new(ContentStore::open(folder.path().join("objects")).unwrap());
    let mut journal = SqliteJournal::open(&folder.path().join("journal.db")).unwrap();
    let mut admission = LimitsDb::open(
        &folder.path().join("limits.db"),
        &plan.family.settings.limits,
        engine_clock.now(),
    )
    .unwrap();
    let client = Client::new(
        Wire(InProcess::new(simulator.router())),
        "http://127.0.0.1:1".parse().unwrap(),
        ApiKey::new(SIM_API_KEY).unwrap(),
    );
    let api = Orville::new(client, Arc::clone(&store));
    let output = Output::new(store, folder.path().join("out"));
    let ports = Ports {
        api: &api,
        journal: &mut journal,
        admission: &mut admission,
        files: &output,
        clock: &engine_clock,
        control: &mut Unattended,
        observer: &mut Nobody,
    };
    let started_ms = clock.now_ms();
    let (_stop, stopped) = tokio::sync::watch::channel(StopLevel::Go);
    let history = engine::run(ports, &plan, history, how, false, stopped)
        .await
        .unwrap();
    assert_eq!(history.run.unwrap().end.unwrap().exit_code(), 0);
    fs::remove_dir_all(folder.path()).unwrap();
    (simulator.books(), started_ms)
}

/// The service is half a round trip away.
struct Wire(InProcess);

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        Box::pin(async move {
            tokio::time::sleep(ROUND_TRIP / 2).await;
            let reply = self.0.send(request).await;
            tokio::time::sleep(ROUND_TRIP / 2).await;
            reply
        })
    }
}

struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _: &Record, _: &History) {}
}
