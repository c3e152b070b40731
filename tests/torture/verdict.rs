//! The verdict on a night: everything that must hold when it is over, and when a process ended in an orderly way.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use millrun::geometry::part21;
use millrun::plan::digest::Digest;
use millrun::plan::family::Family;
use millrun::plan::key::{IdempotencyKey, StepKey};
use millrun::plan::memory::Memory;
use millrun::plan::send::{Send, SendState};
use millrun::run::event::{Event, Record};
use millrun::run::history::History;
use millrun::run::outcome::{ExitReason, Outcome};
use millrun::run::step::StepState;
use millrun::simulator::{Books, JobBook, Status, WriteBook};

use super::hand;
use super::lifecycle;
use super::oracle::Auditor;
use super::story::Story;
use super::world::{End, World};

/// What there is to judge.
pub(super) struct Verdict<'a> {
    pub(super) world: &'a World,
    pub(super) story: &'a Story,
    pub(super) books: Books,
    pub(super) records: Vec<Record>,
    pub(super) files: BTreeMap<String, Bytes>,
    /// What the manifest meant, before and after each edit.
    pub(super) families: &'a [Family],
    pub(super) auditor: &'a Auditor,
    pub(super) history: &'a History,
}

impl Verdict<'_> {
    pub(super) fn give(&self) {
        lifecycle::check(&self.records, self.story);
        hand::check(&self.records, self.story);
        self.nothing_paid_is_lost();
        self.ledger();
        self.files();
        self.limits();
        self.keys();
        self.refold();
    }

    fn memory(&self) -> &Memory {
        &self.history.memory
    }

    /// I9: what the service completed is a result of ours, or said to be unresolved.
    fn nothing_paid_is_lost(&self) {
        for job in &self.books.jobs {
            for write in &job.writes {
                if write.status != Status::Failed && !self.knows(job, write) {
                    let sends: Vec<_> = self
                        .saying(&write.prompt)
                        .map(|send| state_of(&send.state))
                        .collect();
                    self.story.broken(
                        "I9",
                        format!(
                            "{} {:?} is {:?} at the service, and {sends:?} here",
                            job.id, write.prompt, write.status
                        ),
                    );
                }
            }
        }
    }

    fn saying<'b>(&'b self, prompt: &'b str) -> impl Iterator<Item = &'b Send> + 'b {
        self.memory().sends.iter().filter(move |send| {
            send.content
                .prompt()
                .is_some_and(|ours| ours.as_str() == prompt)
        })
    }

    /// Whether some send of ours has this write for its result, or is said to be unresolved or open.
    fn knows(&self, job: &JobBook, write: &WriteBook) -> bool {
        self.saying(&write.prompt).any(|send| {
            let lineage = self.memory().lineages.get(&send.id.lineage);
            let ours = lineage.and_then(|lineage| lineage.job.as_ref());
            let is_its_job = ours.is_some_and(|ours| ours.0 == job.id.to_string());
            match send.state {
                SendState::Unresolved { .. } | SendState::Open(_) => true,
                SendState::Running(_) | SendState::Collecting(_) | SendState::Applied(_) => {
                    is_its_job
                }
                _ => false,
            }
        })
    }

    /// I8: our ledger is the service's, to the cent, where the client was told every charge.
    fn ledger(&self) {
        let is_open = |send: &Send| {
            matches!(
                send.state,
                SendState::Open(_) | SendState::Running(_) | SendState::Unresolved { .. }
            )
        };
        if !self.world.tells_charges() || self.memory().sends.iter().any(is_open) {
            return;
        }
        let ours = self.memory().ledger.charged().0;
        let theirs = self.books.totals.charged_cents.0;
        if ours != theirs {
            self.story.broken(
                "I8",
                format!("the ledger says {ours} cents, the service {theirs}"),
            );
        }
        // Whether a failed run is free is known only once no charge came for long.
        let held = self.memory().ledger.held() - self.memory().bills.held_for_failed();
        let held = held.0;
        if held != 0 {
            self.story
                .broken("I8", format!("{held} cents are held, and nothing is open"));
        }
    }

    fn digest(&self, path: &str) -> Option<Digest> {
        self.files.get(path).map(|bytes| Digest::of(bytes))
    }

    /// I10: files are what their rows say, and nothing else is in the folder.
    fn files(&self) {
        let published: BTreeMap<&str, Digest> = self
            .memory()
            .published
            .values()
            .map(|file| (file.path.as_str(), file.stored.sha256))
            .collect();
        for (path, digest) in &published {
            if self.digest(path) != Some(*digest) {
                self.story
                    .broken("I10", format!("{path} is not what was published"));
            }
        }
        for (path, bytes) in &self.files {
            if !self.world.manifest.says("[sim:truncated]") && !part21::is_whole(bytes) {
                self.story
                    .broken("I10", format!("{path} is no whole STEP file"));
            }
        }
        // A file whose process died before it told of it is published again under the same name.
        for path in self.files.keys() {
            if path.ends_with(".part") || path.contains(".millrun-") {
                self.story.broken("I10", format!("{path} is left over"));
            }
        }
        let downloads = self.history.run.iter().flat_map(|run| &run.steps);
        for step in downloads.filter(|step| step.state == StepState::Done(Outcome::Succeeded)) {
            for file in &step.files {
                if self.digest(&file.path) != Some(file.stored.sha256) {
                    self.story
                        .broken("I10", format!("{} is reported and not there", file.path));
                }
            }
        }
    }

    /// I11 and I12: no 429, and no poll sooner than told.
    fn limits(&self) {
        let limited = &self.books.rate_limited;
        if !self.world.has_strays() && !limited.is_empty() {
            self.story.broken("I11", format!("429: {limited:?}"));
        }
        if self.books.early_polls.count > 0 {
            self.story
                .broken("I12", format!("{:?}", self.books.early_polls.details));
        }
        if self.books.idempotency.conflicts > 0 {
            self.story.broken("I2", "a key came with another body");
        }
        if self.books.leaks > 0 {
            self.story.broken("I22", "a secret went to storage");
        }
    }

    /// I14: the keys are those of an undisturbed run: content, lineage and attempt say them all.
    fn keys(&self) {
        let ours = |record: &Record| match &record.event {
            Event::Intended {
                send, key, attempt, ..
            } => Some((*send, key.clone(), *attempt)),
            _ => None,
        };
        let salt = &self.families[0].salt;
        let mut wanted: BTreeSet<_> = BTreeSet::new();
        for family in self.families {
            wanted.extend(family.step_indices().filter_map(|ix| family.step(ix).key()));
        }
        let mut ordinals = BTreeMap::new();
        for (send, key, attempt) in self.records.iter().filter_map(ours) {
            let expected = IdempotencyKey::new(salt, send.key, send.lineage, attempt);
            if !wanted.contains(&send.key) || key != expected {
                self.story
                    .broken("I14", format!("{key} is no key of an undisturbed run"));
            }
            let parts = self.parts_of(send.lineage.create);
            let ordinals: &mut BTreeSet<u32> = ordinals.entry(send.lineage.create).or_default();
            ordinals.insert(send.lineage.ordinal);
            if ordinals.len() > parts || send.lineage.generation != 0 {
                self.story.broken(
                    "I14",
                    format!("{} jobs were named for {parts} parts", ordinals.len()),
                );
            }
        }
    }

    /// How many parts ever had the create with this key.
    fn parts_of(&self, create: StepKey) -> usize {
        let content = self.records.iter().find_map(|record| match &record.event {
            Event::Intended { send, content, .. } if send.key == create => Some(content),
            _ => None,
        });
        content.map_or(0, |content| {
            let prompt = content.prompt().map_or("", |prompt| prompt.as_str());
            let images = content
                .images()
                .iter()
                .map(|image| image.digest.to_string());
            self.auditor
                .parts_with(&(prompt.to_owned(), images.collect()))
        })
    }

    /// What is true is the fold of the journal, and nothing else.
    fn refold(&self) {
        let again = History::of(&self.records);
        let told = |history: &History| {
            (
                format!("{:?}", history.memory),
                format!(
                    "{:?}",
                    history
                        .run
                        .as_ref()
                        .map(|run| (&run.steps, &run.end, &run.stops))
                ),
            )
        };
        if told(&again) != told(self.history) {
            self.story.broken(
                "I19",
                "the journal folds to something else than the run saw",
            );
        }
    }
}

fn state_of(state: &SendState) -> &'static str {
    match state {
        SendState::Open(_) => "open",
        SendState::Running(_) => "running",
        SendState::Collecting(_) => "collecting",
        SendState::Applied(_) => "applied",
        SendState::Reviewed(_) => "reviewed",
        SendState::Refused(_) => "refused",
        SendState::Postponed { .. } => "postponed",
        SendState::Failed { .. } => "failed",
        SendState::Unresolved { .. } => "unresolved",
    }
}

/// I20: the exit code says what became of the steps, and each reason has a cause.
pub(super) fn check_end(story: &Story, world: &World, end: End, history: &History) {
    let Some(run) = &history.run else {
        return story.broken("I20", "a run ended that was never started");
    };
    let Some(ended) = &run.end else {
        return story.broken("I20", "a run ended without an end");
    };
    let outcomes: BTreeSet<Option<Outcome>> = run
        .steps
        .iter()
        .map(|step| match step.state {
            StepState::Done(outcome) => Some(outcome),
            _ => None,
        })
        .collect();
    let all_good = outcomes
        .iter()
        .all(|outcome| outcome.is_some_and(Outcome::is_good));
    let has = |reason| ended.reasons.contains(&reason);
    // A file that was asked for often enough is given up; its job is home.
    let is_out = |send: &&Send| matches!(send.state, SendState::Open(_) | SendState::Running(_));
    let in_flight = history.memory.sends.iter().filter(is_out).count();
    if has(ExitReason::Cancelled) && ended.finishes() && in_flight > 0 {
        story.broken(
            "C2",
            format!("a cancelled run ends, and {in_flight} sends of it are not home"),
        );
    }
    if (ended.exit_code() == 0) != (all_good && run.strays.is_empty() && run.stops.is_empty()) {
        story.broken(
            "I20",
            format!("exit {} with {outcomes:?}", ended.exit_code()),
        );
    }
    for (outcome, reason) in [
        (Outcome::Unresolved, ExitReason::Unresolved),
        (Outcome::Failed, ExitReason::PartFailed),
        (Outcome::Rejected, ExitReason::PartRejected),
    ] {
        if outcomes.contains(&Some(outcome)) && !has(reason) {
            story.broken(
                "I20",
                format!(
                    "a step is {outcome} and {:?} does not say so",
                    ended.reasons
                ),
            );
        }
    }
    for (reason, has_cause) in [
        (
            ExitReason::Interrupted,
            matches!(end, End::StoppedAfter(..)),
        ),
        (ExitReason::Cancelled, world.may_be_cancelled()),
        (ExitReason::CapReached, world.manifest.is_capped),
        (ExitReason::BalanceTooLow, world.is_short()),
        (ExitReason::KeyRefused, false),
        (ExitReason::StorageFailed, false),
        (ExitReason::PartFailed, world.may_fail() || world.fail_fast),
        (ExitReason::PartRejected, world.may_fail()),
        (
            ExitReason::Unreachable,
            end != End::ByItself || world.is_disturbed(),
        ),
        (
            ExitReason::Unresolved,
            end != End::ByItself
                || world.is_disturbed()
                || world.may_fail()
                || world.saves_failures()
                // A job of a part that was left out may still be on its way.
                || world.is_edited(),
        ),
    ] {
        if has(reason) && !has_cause {
            story.broken("I20", format!("{reason:?} without a cause"));
        }
    }
}
