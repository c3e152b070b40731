//! The oracle: what the service did, by the simulator's books, held against what the manifest asks for. It knows parts by
//! what they say, never by our keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use millrun::plan::content::{Content, StepKind};
use millrun::plan::family::Family;
use millrun::run::event::{Event, Record};
use millrun::simulator::{Books, Clock, JobBook, Simulator, Source, Status, WriteBook};

use super::story::Story;
use super::world::World;

/// What a create says: its prompt, and the digests of its images.
pub(super) type Create = (String, Vec<String>);

/// What the parts of a family ask for: by their create, the prompts of the writes of each part, in order.
#[derive(Clone, Default)]
pub(super) struct Wanted {
    parts: BTreeMap<Create, Vec<Vec<String>>>,
    /// Nobody could know whether a review that was refused was carried out all the same.
    hides_reviews: bool,
}

impl Wanted {
    pub(super) fn by(family: &Family) -> Self {
        let mut wanted = Self::default();
        for part in family.part_indices() {
            let contents = || {
                let steps = family.steps_of(part).map(|ix| family.step(ix));
                steps.filter_map(|step| step.content())
            };
            let prompts: Vec<String> = contents()
                .filter(|content| content.kind().is_write())
                .map(prompt)
                .collect();
            let create = contents().find(|content| content.kind() == StepKind::Create);
            if let Some(create) = create {
                let images = create.images().iter().map(|image| image.digest.to_string());
                wanted
                    .parts
                    .entry((prompt(create), images.collect()))
                    .or_default()
                    .push(prompts);
            }
        }
        wanted
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
            let parts = self
                .parts
                .get(&create)
                .map(Vec::as_slice)
                .unwrap_or_default();
            if !fit(&lineages, parts, &mut vec![false; parts.len()]) {
                story.broken(
                    "I1",
                    format!(
                        "{:?} was made as {lineages:?}, and {parts:?} is wanted",
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

fn prompt(content: &Content) -> String {
    content
        .prompt()
        .map_or("", |prompt| prompt.as_str())
        .to_owned()
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
fn fit(lineages: &[Vec<String>], parts: &[Vec<String>], taken: &mut Vec<bool>) -> bool {
    let Some((first, rest)) = lineages.split_first() else {
        return true;
    };
    for n in 0..parts.len() {
        if !taken[n] && parts[n].starts_with(first) {
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
    wanted: Arc<Wanted>,
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
    pub(super) fn new(
        world: &World,
        family: &Family,
        simulator: Simulator,
        clock: Clock,
        story: Story,
    ) -> Self {
        let manifest = &world.manifest;
        let tells = world.tells_money();
        Self {
            simulator,
            clock,
            started_ms: clock.now_ms(),
            story,
            wanted: Arc::new(Wanted {
                hides_reviews: world.hides_reviews(),
                ..Wanted::by(family)
            }),
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

    /// A process starts with this journal: what it spends counts from here when it begins a new run.
    pub(super) fn process_starts(&self, records: &[Record]) {
        let is_end = |record: &Record| match &record.event {
            Event::RunEnded { end, .. } => Some(end.finishes()),
            Event::RunStarted { .. } | Event::RunResumed { .. } => Some(false),
            _ => None,
        };
        let is_new = records.iter().rev().find_map(is_end).unwrap_or(true);
        let mut purse = self.purse.lock().unwrap();
        if is_new {
            purse.charged_before = self.simulator.books().totals.charged_cents.0;
        }
        purse.run = records
            .last()
            .and_then(|record| record.run)
            .map(|run| run.0);
    }

    /// Holds the books against what was wanted and what may be spent.
    pub(super) fn audit(&self) {
        let books = self.simulator.books();
        self.wanted.check(&books, &self.story);
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
