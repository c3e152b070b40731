//! A night in virtual time: the real engine, its real journal and files, and the simulator's router in the same process.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use millrun::adapters::clock::SimulatorClock;
use millrun::adapters::content_store::ContentStore;
use millrun::adapters::files::Output;
use millrun::adapters::images::FolderImages;
use millrun::adapters::in_process::InProcess;
use millrun::adapters::journal::SqliteJournal;
use millrun::adapters::limits_db::LimitsDb;
use millrun::adapters::orville::Orville;
use millrun::api::{ApiKey, Client};
use millrun::execute::engine::{self, EngineError};
use millrun::execute::ports::{
    Api as _, Clock as _, Journal, Observer, Ports, Request, StopLevel, StorageError,
};
use millrun::manifest::{self, Format, Sources};
use millrun::plan::actions::Plan;
use millrun::plan::family::Family;
use millrun::plan::ids::PartId;
use millrun::plan::resolve::resolve;
use millrun::plan::selection::Wish;
use millrun::run::control::{Command, CommandId, Order};
use millrun::run::event::{Event, Person, Record};
use millrun::run::history::History;
use millrun::run::sheet::Heading;
use millrun::schedule::answer::{Answer, Verdict};
use millrun::session::{adopt, assignments, begin_selected, confirm_absent};
use millrun::simulator::{Books, Clock, Config, SIM_API_KEY, Simulator};
use tokio::sync::watch;

use super::fuse::{Death, Fuse, Fused};
use super::orders::Orders;
use super::wire::{Fate, Wire};

/// When every night begins.
const EVENING: i64 = 1_790_000_000_000;
/// One family's state, output and simulated workspace, over as many processes as a test kills.
pub struct Night {
    folder: tempfile::TempDir,
    pub simulator: Simulator,
    clock: Clock,
    wire: Wire,
    fuse: Fuse,
    stop: watch::Sender<StopLevel>,
    orders: Orders,
    reopen: bool,
    /// The parts that are made anew.
    pub anew: BTreeSet<PartId>,
}

/// At which side of a commit a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dies {
    /// What the commit holds is not on the disk: replies that came are lost.
    BeforeCommit,
    /// It is, but nothing that waited for it has left.
    AfterCommit,
}

/// How a process of a night ended.
#[derive(Debug)]
pub enum Ending {
    /// The run ended in an orderly way.
    Ended(Box<History>),
    /// It died after a commit.
    Died,
    /// The engine gave up.
    Failed(EngineError),
}

impl Ending {
    pub fn history(self) -> History {
        match self {
            Self::Ended(history) => *history,
            other => panic!("the run did not end: {other:?}"),
        }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Ended(history) => history
                .run
                .as_ref()
                .unwrap()
                .end
                .as_ref()
                .unwrap()
                .exit_code(),
            other => panic!("the run did not end: {other:?}"),
        }
    }
}

impl Night {
    pub fn new(config: Config) -> Self {
        // A file system in memory makes commits cheap; what is tested is the order of events, not the disk.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let clock = Clock::new(EVENING, 1.0);
        let simulator = Simulator::open(config, clock, None).unwrap();
        let wire = Wire::new(InProcess::new(simulator.router()));
        let folder = tempfile::tempdir_in(base).unwrap();
        let fuse = Fuse {
            left: AtomicU32::new(u32::MAX),
            dies: Dies::AfterCommit,
        };
        Self {
            folder,
            simulator,
            clock,
            wire,
            fuse,
            stop: watch::channel(StopLevel::Go).0,
            orders: Orders::new(),
            reopen: false,
            anew: BTreeSet::new(),
        }
    }

    pub fn books(&self) -> Books {
        self.simulator.books()
    }

    pub fn output(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, base: &Path, names: &mut Vec<String>) {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, base, names);
                } else {
                    names.push(
                        path.strip_prefix(base)
                            .unwrap()
                            .to_str()
                            .unwrap()
                            .to_owned(),
                    );
                }
            }
        }
        let mut names = Vec::new();
        walk(&self.output(), &self.output(), &mut names);
        names.sort();
        names
    }

    /// The state is lost; what was published is still there.
    pub fn forget(&mut self) {
        let path = self.folder.path().join("journal.db");
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", path.display()));
        }
    }

    /// A person says that what is unresolved of `part` was never sent.
    pub fn confirm_absent(&self, manifest: &str, part: &str) {
        let memory = History::of(&self.records()).memory;
        let parts = [part.to_owned()];
        let said = confirm_absent(&self.family(manifest), &memory, &parts, &somebody()).unwrap();
        self.journal().append(&said).unwrap();
    }

    /// What the last run found is adopted; how many writes each job has seen, or why it does not fit.
    pub async fn adopt_what_was_found(&self, manifest: &str) -> Vec<Result<usize, String>> {
        let memory = History::of(&self.records()).memory;
        let plan = self.plan(manifest);
        let store = Arc::new(ContentStore::open(self.folder.path().join("objects")).unwrap());
        let api = self.api(&store);
        let mut outcomes = Vec::new();
        for (part, job) in assignments(&plan, &memory, &[]).unwrap() {
            let reply = api.call(Request::History(job.clone())).await;
            let Verdict::Done(Answer::History(history)) = reply.verdict else {
                panic!("{:?}", reply.verdict);
            };
            let bytes = |digest| store.get(digest).map(|bytes| bytes.len());
            let record =
                adopt::<StorageError>(&plan, &memory, (part, job), &history, bytes, &somebody());
            outcomes.push(record.map_err(|error| error.to_string()).map(|record| {
                self.journal()
                    .append(std::slice::from_ref(&record))
                    .unwrap();
                match record.event {
                    Event::Adopted { writes, .. } => writes.len(),
                    other => panic!("{other:?}"),
                }
            }));
        }
        outcomes
    }

    fn journal(&self) -> SqliteJournal {
        SqliteJournal::open(&self.folder.path().join("journal.db")).unwrap()
    }

    fn api(&self, store: &Arc<ContentStore>) -> Orville {
        let client = Client::new(
            self.wire.clone(),
            "http://127.0.0.1:1".parse().unwrap(),
            ApiKey::new(SIM_API_KEY).unwrap(),
        );
        Orville::new(client, Arc::clone(store))
    }

    pub fn records(&self) -> Vec<Record> {
        SqliteJournal::read(&self.folder.path().join("journal.db")).unwrap()
    }

    /// Puts a file beside the manifest.
    pub fn place(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    pub fn family(&self, manifest: &str) -> Family {
        let mut sources = Sources::default();
        let source = sources.add("m.yaml", manifest);
        let parsed = manifest::parse(&mut sources, source, Format::Yaml);
        let parsed = parsed.unwrap_or_else(|problems| panic!("{problems:?}"));
        let mut images = FolderImages::new(self.folder.path());
        resolve(&parsed, &sources, &mut images)
            .unwrap_or_else(|problems| panic!("{problems:?}"))
            .0
    }

    /// The plan that a run would carry out now.
    pub fn plan(&self, manifest: &str) -> Plan {
        let history = History::of(&self.records());
        Plan::new(
            self.family(manifest),
            &history.memory,
            &self.missing(&history),
        )
    }

    fn missing(&self, history: &History) -> BTreeSet<String> {
        let published = history
            .memory
            .published
            .values()
            .map(|file| file.path.clone());
        published
            .filter(|path| !self.output().join(path).exists())
            .collect()
    }

    /// One process, from its start to its end: a new run, or the last one where it can go on.
    pub async fn run(&self, manifest: &str) -> Ending {
        self.process(manifest, u32::MAX, false).await
    }

    /// The last run goes on, even when it is finished.
    pub async fn resume(&mut self, manifest: &str) -> Ending {
        self.reopen = true;
        let ending = self.run(manifest).await;
        self.reopen = false;
        ending
    }

    pub async fn run_fail_fast(&self, manifest: &str) -> Ending {
        self.process(manifest, u32::MAX, true).await
    }

    /// A process that dies at its `commits`-th commit of journal or limits.
    pub async fn run_and_die(&mut self, manifest: &str, commits: u32, dies: Dies) -> Ending {
        self.fuse.dies = dies;
        self.process(manifest, commits, false).await
    }

    /// What was out when the process died reaches the service after all; its replies reach nobody.
    pub async fn deliver_what_was_out(&self) {
        self.wire.deliver_what_is_open().await;
    }

    /// What was out when the process died is lost.
    pub fn lose_what_was_out(&self) {
        self.wire.lose_what_is_open();
    }

    /// From now on `nemesis` says what happens to requests.
    pub fn beset(&self, nemesis: impl FnMut(&http::Request<Bytes>) -> Fate + Send + 'static) {
        self.wire.beset(nemesis);
    }

    /// Asks the run to stop, as a signal does.
    pub fn stop(&self, level: StopLevel) {
        self.stop.send_replace(level);
    }

    /// Asks something of the run, as a person beside it does.
    pub fn order(&self, order: Order) {
        self.orders.give(order, somebody());
    }

    /// Records what a person says where no process is at the run.
    pub fn record(&self, order: Order) {
        let id = CommandId(String::new());
        let by = somebody();
        let event = Command { id, order, by }.event();
        let at = History::of(&self.records()).memory.last_at;
        let run = None;
        self.journal().append(&[Record { at, run, event }]).unwrap();
    }

    async fn process(&self, manifest: &str, commits: u32, fail_fast: bool) -> Ending {
        self.fuse.left.store(commits, Ordering::Relaxed);
        let work =
            std::panic::AssertUnwindSafe(self.whole_process(manifest, fail_fast)).catch_unwind();
        match work.await {
            Ok(Ok(history)) => Ending::Ended(Box::new(history)),
            Ok(Err(error)) => Ending::Failed(error),
            Err(payload) if payload.is::<Death>() => Ending::Died,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }

    async fn whole_process(&self, manifest: &str, fail_fast: bool) -> Result<History, EngineError> {
        let path = self.folder.path();
        let clock = SimulatorClock::new(self.clock);
        let store = Arc::new(ContentStore::open(path.join("objects")).unwrap());
        let mut journal = Fused {
            inner: SqliteJournal::open(&path.join("journal.db"))?,
            fuse: &self.fuse,
        };
        let records = journal.inner.records()?;
        let family = self.family(manifest);
        for path in family.images.values() {
            store
                .put(&fs::read(self.folder.path().join(path)).unwrap())
                .unwrap();
        }
        let heading = Heading {
            manifest: "m.yaml".to_owned(),
            max_spend: family.settings.budget.max_spend,
            output: "out".to_owned(),
            zone: "UTC".to_owned(),
        };
        let missing = self.missing(&History::of(&records));
        let (plan, history, how) = begin_selected(
            family,
            &Wish::default(),
            &records,
            &missing,
            &heading,
            self.reopen,
            &self.anew,
        )
        .unwrap();
        let limits = LimitsDb::open(
            &path.join("limits.db"),
            &plan.family.settings.limits,
            clock.now(),
        )?;
        let mut admission = Fused {
            inner: limits,
            fuse: &self.fuse,
        };
        let api = self.api(&store);
        let output = Output::new(store, self.output());
        let ports = Ports {
            api: &api,
            journal: &mut journal,
            admission: &mut admission,
            files: &output,
            clock: &clock,
            control: &mut self.orders.attend(&records),
            observer: &mut Nobody,
        };
        engine::run(ports, &plan, history, how, fail_fast, self.stop.subscribe()).await
    }
}

/// A night on which nothing may go wrong: no 429, no early poll, no key used for two things.
pub fn assert_clean(books: &Books) {
    assert!(
        books.rate_limited.is_empty(),
        "429: {:?}",
        books.rate_limited
    );
    assert_eq!(
        books.early_polls.count, 0,
        "{:?}",
        books.early_polls.details
    );
    assert_eq!(books.idempotency.conflicts, 0);
}

#[expect(clippy::disallowed_methods, reason = "time is virtual here")]
pub async fn let_pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

fn somebody() -> Person {
    Person {
        user: "ada".to_owned(),
        host: "bench".to_owned(),
    }
}

struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _: &Record, _: &History) {}
}
