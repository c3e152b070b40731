//! The oracle: what the service did, by the simulator's books, held against what the manifest asks for. It knows parts by
//! what they say, never by our keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use millrun::plan::digest::Digest;
use millrun::run::event::{Event, Record};
use millrun::simulator::{Books, Clock, JobBook, Simulator, Source, Status, WriteBook};

use super::doc::Doc;
use super::family::PNG;
use super::story::Story;
use super::world::World;

/// What a create says: its prompt, and the digests of its images.
pub(super) type Create = (String, Vec<String>);

/// What the parts of a manifest ask for, or asked for before it was edited.
#[derive(Clone, Default)]
pub(super) struct Wanted {
    parts: Vec<WantedPart>,
    /// Nobody could know whether a review that was refused was carried out all the same.
    hides_reviews: bool,
}

/// A part: one job at most.
#[derive(Clone)]
struct WantedPart {
    number: u32,
    create: Create,
    /// The prompts of its writes, in order, in each way in which they were ever asked for.
    chains: Vec<Vec<String>>,
}

impl Wanted {
    /// What `doc` asks for is wanted, too.
    fn allow(&mut self, doc: &Doc) {
        for part in &doc.parts {
            let chain = part.writes();
            let images = part.has_image().then(|| Digest::of(PNG).to_string());
            let create = (chain[0].clone(), images.into_iter().collect());
            let known = self
                .parts
                .iter_mut()
                .find(|known| known.number == part.number);
            match known {
                Some(known) if known.chains.contains(&chain) => {}
                Some(known) => known.chains.push(chain),
                None => self.parts.push(WantedPart {
                    number: part.number,
                    create,
                    chains: vec![chain],
                }),
            }
        }
    }

    /// How many parts ever had a create like this.
    fn parts_with(&self, create: &Create) -> Vec<&WantedPart> {
        let is_like = |part: &&WantedPart| part.create == *create;
        self.parts.iter().filter(is_like).collect()
    }

    /// I1: nothing is made that nobody asked for, and nothing twice, unless the service failed it.
    pub(super) fn check(&self, books: &Books, story: &Story) {
        let mut made: BTreeMap<Create, Vec<Vec<String>>> = BTreeMap::new();
        for job in &books.jobs {
            let create = (job.prompt.clone(), job.images.clone());
            let lineage = lineage(job);
            if lineage.is_empty() {
                if job
                    .writes
                    .iter()
                    .any(|write| write.status != Status::Failed)
                {
                    story.broken("I1", format!("{}: a follow-up on a failed create", job.id));
                }
                continue;
            }
            made.entry(create).or_default().push(lineage);
        }
        for (create, lineages) in made {
            let parts = self.parts_with(&create);
            if !fit(&lineages, &parts, &mut vec![false; parts.len()]) {
                let chains: Vec<_> = parts.iter().map(|part| &part.chains).collect();
                story.broken(
                    "I1",
                    format!(
                        "{:?} was made as {lineages:?}, and {chains:?} is wanted",
                        create.0
                    ),
                );
            }
        }
        for job in books.jobs.iter().filter(|_| !self.hides_reviews) {
            let mut reviews = BTreeMap::<&str, u32>::new();
            for review in &job.reviews {
                *reviews.entry(&review.prompt).or_default() += 1;
            }
            for (prompt, times) in reviews.iter().filter(|(_, times)| **times > 1) {
                let revisions: std::collections::BTreeSet<_> = job
                    .reviews
                    .iter()
                    .filter(|review| review.prompt == **prompt)
                    .map(|review| &review.revision_id)
                    .collect();
                story.broken(
                    "I1",
                    format!(
                        "{}: {prompt:?} was reviewed {times} times, on {revisions:?}",
                        job.id
                    ),
                );
            }
        }
    }
}

/// The writes of a job that were not failed, in order; none when its create was.
pub(super) fn lineage(job: &JobBook) -> Vec<String> {
    let lives = |write: &&WriteBook| write.status != Status::Failed;
    match job.writes.first() {
        Some(create) if create.status != Status::Failed => job
            .writes
            .iter()
            .filter(lives)
            .map(|write| write.prompt.clone())
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether each of `lineages` is the beginning of a part of its own.
fn fit(lineages: &[Vec<String>], parts: &[&WantedPart], taken: &mut Vec<bool>) -> bool {
    let Some((first, rest)) = lineages.split_first() else {
        return true;
    };
    for n in 0..parts.len() {
        let mut chains = parts[n].chains.iter();
        if !taken[n] && chains.any(|chain| chain.starts_with(first)) {
            taken[n] = true;
            if fit(rest, parts, taken) {
                return true;
            }
            taken[n] = false;
        }
    }
    false
}

/// What an audit knows of the money when the run began.
#[derive(Default, Clone, Copy)]
struct Purse {
    charged_before: i64,
    run: Option<u32>,
}

/// Looks at the books whenever a POST was answered. Clones share what they know.
#[derive(Clone)]
pub(super) struct Auditor {
    simulator: Simulator,
    clock: Clock,
    started_ms: i64,
    story: Story,
    wanted: Arc<Mutex<Wanted>>,
    caps: Caps,
    purse: Arc<Mutex<Purse>>,
}

/// What must hold of the money, in cents.
#[derive(Clone, Copy)]
struct Caps {
    hold: i64,
    max_spend: Option<i64>,
    max_per_part: Option<i64>,
    keep_balance: Option<i64>,
}

impl Auditor {
    pub(super) fn new(world: &World, simulator: Simulator, clock: Clock, story: Story) -> Self {
        let manifest = &world.manifest;
        let tells = world.tells_money();
        Self {
            simulator,
            clock,
            started_ms: clock.now_ms(),
            story,
            wanted: Arc::new(Mutex::new(Wanted {
                hides_reviews: world.hides_reviews(),
                parts: Vec::new(),
            })),
            caps: Caps {
                hold: world.config.hold_cents.0,
                max_spend: manifest.max_spend.filter(|_| tells),
                max_per_part: manifest.max_per_part.filter(|_| tells),
                keep_balance: manifest.keep_balance.filter(|_| tells),
            },
            purse: Arc::default(),
        }
    }

    /// On the night's own clock.
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms() - self.started_ms
    }

    /// What `doc` asks for may be made from now on.
    pub(super) fn allow(&self, doc: &Doc) {
        self.wanted.lock().unwrap().allow(doc);
    }

    /// How many parts ever had a create like this.
    pub(super) fn parts_with(&self, create: &Create) -> usize {
        self.wanted.lock().unwrap().parts_with(create).len()
    }

    /// A process starts with this journal and a plan of this digest: what it spends counts from here when it begins a new
    /// run.
    pub(super) fn process_starts(&self, records: &[Record], plan: Digest) {
        let state = |record: &Record| match &record.event {
            Event::RunEnded { end, .. } => Some(end.finishes()),
            Event::RunStarted { .. } | Event::RunResumed { .. } => Some(false),
            _ => None,
        };
        let sheet = |record: &Record| match &record.event {
            Event::RunStarted { sheet } => Some(sheet.plan),
            _ => None,
        };
        let is_new = records.iter().rev().find_map(state).unwrap_or(true);
        let last_plan = records.iter().rev().find_map(sheet);
        let is_edited = last_plan.is_some_and(|last| last != plan);
        let mut purse = self.purse.lock().unwrap();
        if is_new || is_edited {
            let totals = self.simulator.books().totals;
            // What the run before it left at work is paid in this one, and was allowed in that.
            let left = if is_edited { totals.held_cents.0 } else { 0 };
            purse.charged_before = totals.charged_cents.0 + left;
        }
        purse.run = records
            .last()
            .and_then(|record| record.run)
            .map(|run| run.0);
    }

    /// Holds the books against what was wanted and what may be spent.
    pub(super) fn audit(&self) {
        let books = self.simulator.books();
        self.wanted.lock().unwrap().check(&books, &self.story);
        self.check_money(&books);
    }

    /// I7: every cap holds, but for what the service charged beyond a hold.
    fn check_money(&self, books: &Books) {
        let Caps {
            hold,
            max_spend,
            max_per_part,
            keep_balance,
        } = self.caps;
        let beyond = |writes: &[WriteBook]| -> i64 {
            let charges = writes.iter().filter_map(|write| write.charged_cents);
            charges.map(|charged| (charged.0 - hold).max(0)).sum()
        };
        let totals = &books.totals;
        let slack: i64 = books.jobs.iter().map(|job| beyond(&job.writes)).sum();
        let spent = totals.charged_cents.0 - self.purse.lock().unwrap().charged_before
            + totals.held_cents.0;
        if let Some(cap) = max_spend.filter(|cap| spent > cap + slack) {
            self.story.broken(
                "I7",
                format!("{spent} cents are spent or held in this run, max_spend is {cap}"),
            );
        }
        let left = totals.balance_cents.0 - totals.held_cents.0;
        let is_ours = |job: &&JobBook| job.writes.iter().any(|write| write.source == Source::Api);
        let spends = books.jobs.iter().any(|job| is_ours(&job));
        if let Some(keep) = keep_balance.filter(|keep| spends && left < keep - slack) {
            self.story.broken(
                "I7",
                format!("{left} cents are left, keep_balance is {keep}"),
            );
        }
        for job in &books.jobs {
            let of_write = |write: &WriteBook| match write.charged_cents {
                Some(charged) => charged.0,
                None if write.status == Status::Failed => 0,
                None => hold,
            };
            let spent: i64 = job.writes.iter().map(of_write).sum();
            let slack = beyond(&job.writes);
            if let Some(cap) = max_per_part.filter(|cap| spent > cap + slack) {
                self.story.broken(
                    "I7",
                    format!(
                        "{spent} cents are spent or held on {}, max_per_part is {cap}",
                        job.id
                    ),
                );
            }
        }
    }
}
