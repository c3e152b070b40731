//! One process of a night, from its start to its end, whatever that is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use millrun::adapters::clock::SimulatorClock;
use millrun::adapters::orville::Orville;
use millrun::api::{ApiKey, Client};
use millrun::execute::engine::{self, Begin, EngineError};
use millrun::execute::ports::{Clock as _, Observer, Ports, StopLevel};
use millrun::plan::family::Family;
use millrun::plan::ids::RunId;
use millrun::run::event::Record;
use millrun::run::history::History;
use millrun::run::sheet::Heading;
use millrun::session::begin;
use millrun::simulator::{Clock, SIM_API_KEY};
use tokio::sync::watch;

use super::family::PNG;
use super::fuse::{Burnt, Death, Fuse};
use super::hand::Hand;
use super::machine::Machine;
use super::night::let_pass;
use super::story::Story;
use super::wire::Wire;
use super::world::End;

/// How a process ended.
pub(super) enum Ending {
    /// In an orderly way.
    Ended(Box<History>),
    /// It was killed, or died at a write.
    Died,
    /// The engine gave up.
    Failed(EngineError),
    /// It went on for longer than any process should.
    Endless,
    /// It panicked.
    Panicked(String),
}

/// What processes of one night share.
pub(super) struct House {
    pub(super) clock: Clock,
    /// What the manifest means now.
    pub(super) family: Family,
    /// What it meant before each edit.
    pub(super) families: Vec<Family>,
    pub(super) hand: Hand,
    pub(super) machine: Machine,
    pub(super) wire: Wire,
    pub(super) story: Story,
    pub(super) fail_fast: bool,
    pub(super) started_ms: i64,
}

/// No process takes longer: jobs that time out, outages and long waits included.
const LONGEST: Duration = Duration::from_secs(60 * 3_600);

impl House {
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms() - self.started_ms
    }

    /// Runs a process until it ends in the way of `end`.
    pub(super) async fn process(&self, end: End) -> Ending {
        let fuse = match end {
            End::AtWrite(writes, burnt) => Fuse::new(writes, burnt),
            _ => Fuse::new(u32::MAX, Burnt::DiesAfter),
        };
        let (stop, stopped) = watch::channel(StopLevel::Go);
        let work = std::panic::AssertUnwindSafe(self.work(&fuse, stopped)).catch_unwind();
        let work = tokio::time::timeout(LONGEST, work);
        let ending = tokio::select! {
            biased;
            worked = work => match worked {
                Err(_) => Ending::Endless,
                Ok(Ok(Ok(history))) => Ending::Ended(Box::new(history)),
                Ok(Ok(Err(_))) if fuse.is_dead() => Ending::Died,
                Ok(Ok(Err(error))) => Ending::Failed(error),
                Ok(Err(payload)) if payload.is::<Death>() => Ending::Died,
                Ok(Err(payload)) => Ending::Panicked(words(&*payload)),
            },
            () = fate(end, &stop) => Ending::Died,
        };
        self.wire.process_is_gone();
        let how = match &ending {
            Ending::Ended(history) => {
                let end = history.run.as_ref().and_then(|run| run.end.as_ref());
                format!("ends: {:?}", end.map(|end| &end.reasons))
            }
            Ending::Died => "dies".to_owned(),
            Ending::Failed(error) => format!("fails: {error}"),
            Ending::Endless => "does not end".to_owned(),
            Ending::Panicked(why) => format!("panics: {why}"),
        };
        let line = format!("the process {how}, after {} writes", fuse.writes());
        self.story.tell(self.now_ms(), &line);
        ending
    }

    async fn work(
        &self,
        fuse: &Fuse,
        stop: watch::Receiver<StopLevel>,
    ) -> Result<History, EngineError> {
        let witness = &self.wire.witness;
        let clock = SimulatorClock::new(self.clock);
        let mut opened = self.machine.open(fuse, witness)?;
        for _ in self.family.images.values() {
            opened.objects.put(PNG)?;
        }
        let missing = self.missing(&History::of(&opened.records));
        let (plan, history, how) = begin(
            self.family.clone(),
            &opened.records,
            &missing,
            &self.heading(),
            false,
        )
        .unwrap();
        let last = history.run.as_ref().map_or(RunId(0), |run| run.id);
        let run = match &how {
            Begin::Start { .. } => RunId(last.0 + 1),
            Begin::Resume { .. } => last,
        };
        let mut admission =
            self.machine
                .limits(&plan.family.settings.limits, clock.now(), fuse, witness)?;
        let client = Client::new(
            self.wire.clone(),
            "http://127.0.0.1:1".parse().unwrap(),
            ApiKey::new(SIM_API_KEY).unwrap(),
        );
        let api = Orville::new(client, Arc::clone(&opened.objects));
        let ports = Ports {
            api: &api,
            journal: &mut opened.journal,
            admission: &mut admission,
            files: &opened.files,
            clock: &clock,
            control: &mut self.hand.at(run, &opened.records),
            observer: &mut Teller(self),
        };
        engine::run(ports, &plan, history, how, self.fail_fast, stop).await
    }

    /// From now on the manifest means `family`.
    pub(super) fn has(&mut self, family: Family) {
        let before = std::mem::replace(&mut self.family, family);
        self.families.push(before);
    }

    pub(super) fn heading(&self) -> Heading {
        Heading {
            manifest: "m.yaml".to_owned(),
            max_spend: self.family.settings.budget.max_spend,
            output: "out".to_owned(),
            zone: "UTC".to_owned(),
        }
    }

    /// Files that were published and are not there.
    pub(super) fn missing(&self, history: &History) -> BTreeSet<String> {
        let there = self.machine.published();
        let published = history.memory.published.values();
        published
            .map(|file| file.path.clone())
            .filter(|path| !there.contains_key(path))
            .collect()
    }
}

/// What comes from outside: a kill, or signals.
async fn fate(end: End, stop: &watch::Sender<StopLevel>) {
    let ms = |ms: u32| Duration::from_millis(ms.into());
    match end {
        End::ByItself | End::AtWrite(..) => {}
        End::KilledAfter(after) => return let_pass(ms(after)).await,
        End::StoppedAfter(after, at_once) => {
            let_pass(ms(after)).await;
            stop.send_replace(StopLevel::Settle);
            if let Some(after) = at_once {
                let_pass(ms(after)).await;
                stop.send_replace(StopLevel::Now);
            }
        }
    }
    std::future::pending::<()>().await;
}

fn words(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("no words").to_owned()
}

/// Tells each record in the night's story.
struct Teller<'a>(&'a House);

impl Observer for Teller<'_> {
    fn observe(&mut self, record: &Record, _: &History) {
        let event = serde_json::to_string(&record.event).unwrap();
        self.0.story.tell(self.0.now_ms(), &format!("  {event}"));
    }
}
