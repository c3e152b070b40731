//! A whole night: processes that die, a morning on which all heals, and the verdict.

use std::time::Duration;

use millrun::adapters::in_process::InProcess;
use millrun::api::Transport as _;
use millrun::execute::engine::EngineError;
use millrun::manifest::{self, Format, Sources};
use millrun::plan::content::{ImageRef, ImageType};
use millrun::plan::digest::Digest;
use millrun::plan::family::Family;
use millrun::plan::resolve::images::{ImageProblem, ImageSource};
use millrun::plan::resolve::resolve;
use millrun::run::history::History;
use millrun::run::outcome::ExitReason;
use millrun::simulator::{Clock, Simulator};

use super::draw::Draw;
use super::durable;
use super::editing;
use super::family::PNG;
use super::hand::Hand;
use super::machine::Machine;
use super::oracle::Auditor;
use super::process::{Ending, House};
use super::story::Story;
use super::verdict::Verdict;
use super::wire::Wire;
use super::witness::Witness;
pub use super::world::Service;
use super::world::{End, World};

/// When every night begins.
const EVENING: i64 = 1_790_000_000_000;
/// So many processes bring a night to its end once all is healed.
const MORNING: usize = 8;

/// What a night left behind.
pub struct Outcome {
    /// A hash over everything that happened.
    pub hash: u64,
    /// Promises that were broken.
    pub violations: Vec<String>,
    /// What happened, when it was kept.
    pub story: Vec<String>,
    /// How often a process died or was stopped.
    pub deaths: u32,
}

/// The night of `seed`. Its story is kept when `is_told` says so; what happens is the same.
pub fn night(seed: u64, service: Service, is_told: bool) -> Outcome {
    let world = World::draw(seed, service);
    let story = Story::new(is_told);
    story.tell(0, &world.describe());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let deaths = runtime.block_on(until_morning(&world, &story));
    Outcome {
        hash: story.hash(),
        violations: story.violations(),
        story: story.lines(),
        deaths,
    }
}

async fn until_morning(world: &World, story: &Story) -> u32 {
    let clock = Clock::new(EVENING, 1.0);
    let simulator = Simulator::open(world.config.clone(), clock, None).unwrap();
    simulator.add_faults(world.rules.clone());
    let mut doc = world.manifest.doc.clone();
    let family = family(&doc.text());
    let service = InProcess::new(simulator.router());
    let witness = Witness::new(story.clone());
    let auditor = Auditor::new(world, simulator.clone(), clock, story.clone());
    auditor.allow(&doc);
    let draw = Draw::new(world.seed, 5);
    let wire = Wire::new(
        service.clone(),
        story.clone(),
        witness,
        auditor.clone(),
        draw,
    );
    let mut house = House {
        clock,
        family,
        families: Vec::new(),
        hand: Hand::new(clock),
        machine: Machine::new(world.is_on_disk),
        wire,
        story: story.clone(),
        fail_fast: world.fail_fast,
        started_ms: EVENING,
    };
    story.takes_place_in(house.machine.place());
    house.wire.lose(world.lossy);
    let mut deaths = 0;
    let mut power = Draw::new(world.seed, 7);
    let mut edits = world.edits.iter();
    for process in &world.processes {
        story.tell(house.now_ms(), &format!("a process starts: {process:?}"));
        house.wire.fail(process.outage_s);
        auditor.process_starts(&house.machine.records(), house.family.digest());
        house.hand.wish(&process.wishes);
        let ending = house.process(process.end).await;
        deaths += u32::from(!matches!(ending, Ending::Ended(_)));
        judge(&house, world, process.end, &ending);
        if process.power_fails {
            story.tell(house.now_ms(), "the power fails");
            for loss in house.machine.loses_power(&mut power) {
                story.tell(house.now_ms(), &loss);
            }
        }
        durable::check(&house.machine, story);
        let_pass(Duration::from_secs(process.pause_s.into())).await;
        if let Some(Some(edit)) = edits.next() {
            editing::make(&mut house, &auditor, &mut doc, edit);
        }
    }
    simulator.clear_faults();
    house.wire.lose((0, 0));
    house.wire.fail(None);
    if let Some(cents) = world.top_up {
        story.tell(house.now_ms(), &format!("{cents} cents are paid in"));
        pay_in(&service, cents).await;
    }
    story.tell(house.now_ms(), "all is healed");
    let Some(history) = finish(&house, world, &auditor).await else {
        return deaths;
    };
    // What was late has arrived by now, and every charge is known.
    let_pass(Duration::from_secs(3 * 3_600)).await;
    let mut families = house.families.clone();
    families.push(house.family.clone());
    let verdict = Verdict {
        world,
        story,
        books: simulator.books(),
        records: house.machine.records(),
        files: house.machine.published(),
        families: &families,
        auditor: &auditor,
        history: &history,
    };
    verdict.give();
    auditor.audit();
    deaths
}

/// Processes that nobody disturbs, until one has nothing left to do.
async fn finish(house: &House, world: &World, auditor: &Auditor) -> Option<History> {
    let mut before: Option<Vec<ExitReason>> = None;
    let mut last = None;
    for _ in 0..MORNING {
        house
            .story
            .tell(house.now_ms(), "a process starts and is left alone");
        let (posts, started) = (house.wire.witness.posts(), house.now_ms());
        auditor.process_starts(&house.machine.records(), house.family.digest());
        let ending = house.process(End::ByItself).await;
        judge(house, world, End::ByItself, &ending);
        let Ending::Ended(history) = ending else {
            return None;
        };
        let took_h = (house.now_ms() - started) / 3_600_000;
        if took_h > 24 {
            house.story.broken(
                "I21",
                format!("a process that was left alone took {took_h} h"),
            );
        }
        let end = history.run.as_ref().and_then(|run| run.end.clone());
        let reasons = end.unwrap_or_default().reasons;
        let is_again = before.as_ref() == Some(&reasons);
        if is_again && reasons.is_empty() && house.wire.witness.posts() != posts {
            house
                .story
                .broken("I13", "an unchanged second run sends a POST");
        }
        if is_again {
            return Some(*history);
        }
        before = Some(reasons);
        last = Some(*history);
        let_pass(Duration::from_secs(1_200)).await;
    }
    // Each run tries again what the service failed, as long as there is money.
    last
}

/// Whether a process may end like this at all.
fn judge(house: &House, world: &World, end: End, ending: &Ending) {
    let story = &house.story;
    match ending {
        Ending::Ended(history) => super::verdict::check_end(story, world, end, history),
        Ending::Died => {}
        Ending::Failed(EngineError::Abandoned) => {
            if !matches!(end, End::StoppedAfter(_, Some(_))) {
                story.broken("I20", "a run was abandoned that nobody stopped at once");
            }
        }
        Ending::Failed(EngineError::Storage(error)) => {
            if !matches!(end, End::AtWrite(_, super::fuse::Burnt::Fails)) {
                story.broken("I20", format!("storage failed by itself: {error}"));
            }
        }
        Ending::Failed(error) => story.broken("I21", error),
        Ending::Endless => story.broken("I21", "a process takes more than 60 h"),
        Ending::Panicked(why) => story.broken("I20", format!("a panic: {why}")),
    }
}

/// Somebody pays money in.
async fn pay_in(service: &InProcess, cents: u32) {
    let request = http::Request::post("http://127.0.0.1:1/_sim/top-up")
        .header("content-type", "application/json")
        .body(format!("{{\"cents\": {cents}}}").into())
        .unwrap();
    let answer = service.send(request).await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// The one image that there is.
struct OneImage;

impl ImageSource for OneImage {
    fn image(&mut self, _: &str) -> Result<ImageRef, ImageProblem> {
        Ok(ImageRef {
            image_type: ImageType::Png,
            digest: Digest::of(PNG),
        })
    }
}

pub(super) fn family(text: &str) -> Family {
    let mut sources = Sources::default();
    let source = sources.add("m.yaml", text);
    let parsed = manifest::parse(&mut sources, source, Format::Yaml);
    let parsed = parsed.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    resolve(&parsed, &sources, &mut OneImage)
        .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
        .0
}

#[expect(clippy::disallowed_methods, reason = "time is virtual here")]
pub(super) async fn let_pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}
