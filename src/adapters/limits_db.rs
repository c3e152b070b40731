//! Slots of rate limits in a small SQLite file of their own: the rules are [`Limiter`]'s, this keeps them over restarts and
//! shares them between processes.
//!
//! A slot is granted within a write transaction, in which everything that others took was taken in first; it ends with the
//! turn's commit. What the limiter knows already refuses without the disk.
//!
//! Another process' request that has no reply yet is taken to be answered when it can't be out any longer, until its reply
//! is seen.

mod others;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::clock::wall_now_ms;
use super::slot_clock::SlotClock;
use super::slot_holders::{self, Holder, HolderId};
use super::slot_rows::{self, APPLICATION_ID, MIGRATIONS, SlotRow};
use super::sqlite::{self, blocking};
use crate::api::{READ_LIMIT, WRITE_LIMIT};
use crate::execute::ports::{Admission, StorageError};
use crate::plan::remote::Timestamp;
use crate::plan::settings::{Limits, Profile};
use crate::schedule::limits::Limiter;
use crate::schedule::slot::{Admittance, Class, SlotId};

/// How often answered slots that no window reaches any more are swept out, in commits.
const SWEEP_EVERY: u32 = 512;
/// How soon it is looked again for the reply to another process' request.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// A wait that is shorter is not told to those who look.
const TOLD_WAIT: Duration = Duration::from_secs(1);

/// What is taken of requests whose process is gone without having seen their replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orphans {
    /// They can be on their way until their time limit.
    MayBeOut,
    /// The service is on this machine: they have arrived when their process is seen to be gone, or never will.
    HaveArrived,
}

/// The limits of a workspace, as one process sees them.
#[derive(Debug)]
pub struct LimitsDb {
    connection: Connection,
    path: PathBuf,
    limits: Limits,
    limiter: Limiter,
    clock: SlotClock,
    orphans: Orphans,
    holder: Holder,
    /// The last slot that was taken in.
    seen: SlotId,
    /// SQLite's number for what others have committed, when it was last taken in.
    version: i64,
    has_others: bool,
    /// Others' requests without a reply, and when they are taken to be answered.
    theirs: BTreeMap<SlotId, (Class, Timestamp)>,
    /// Our requests without a reply.
    ours: BTreeMap<SlotId, (Class, Timestamp)>,
    taken: Vec<SlotId>,
    replied: Vec<(SlotId, Timestamp)>,
    strained: BTreeSet<Class>,
    waits: BTreeMap<Class, i64>,
    turn: Turn,
    reach: Duration,
    /// When we were last asked something, by the slots' clock.
    latest: Timestamp,
    commits: u32,
}

/// How far a turn of the engine has come here.
#[derive(Debug)]
enum Turn {
    /// Nothing was looked up.
    New,
    /// What others did was taken in.
    Fresh,
    /// The write transaction is open.
    Change,
    /// Storage failed; the commit says so.
    Broken(StorageError),
}

impl LimitsDb {
    /// Opens the file at `path` for a family that shares it with nobody, on the engine's clock.
    ///
    /// # Errors
    /// When the file can't be opened or read.
    pub fn open(path: &Path, limits: &Limits, now: Timestamp) -> Result<Self, StorageError> {
        Self::enter(
            path,
            limits,
            SlotClock::Engine,
            Orphans::HaveArrived,
            "",
            now,
        )
    }

    /// Opens the file at `path`, which the families of a user share, on the machine's clock. `family` is who others are told
    /// we are.
    ///
    /// # Errors
    /// When the file can't be opened or read.
    pub fn share(
        path: &Path,
        limits: &Limits,
        orphans: Orphans,
        family: &str,
    ) -> Result<Self, StorageError> {
        let clock = SlotClock::of_this_boot();
        let now = clock.now(Timestamp::default());
        Self::enter(path, limits, clock, orphans, family, now)
    }

    fn enter(
        path: &Path,
        limits: &Limits,
        clock: SlotClock,
        orphans: Orphans,
        family: &str,
        now: Timestamp,
    ) -> Result<Self, StorageError> {
        let connection = sqlite::open(path, APPLICATION_ID, MIGRATIONS)?;
        let failed = |error: rusqlite::Error| StorageError::new(path.display().to_string(), error);
        connection
            .execute_batch("begin immediate")
            .map_err(failed)?;
        let holder = slot_holders::enter(&connection, path, family)?;
        let all = [
            limits.cad_writes,
            limits.reviews,
            limits.job_polls,
            limits.reads,
            limits.artifacts,
            limits.balance,
        ];
        let longest = all.iter().map(|rate| rate.window).max().unwrap_or_default();
        let mut db = Self {
            connection,
            path: path.to_owned(),
            limits: limits.clone(),
            limiter: Limiter::new(limits.clone(), [], []),
            clock,
            orphans,
            holder,
            seen: SlotId(0),
            version: -1,
            has_others: false,
            theirs: BTreeMap::new(),
            ours: BTreeMap::new(),
            taken: Vec::new(),
            replied: Vec::new(),
            strained: BTreeSet::new(),
            waits: BTreeMap::new(),
            turn: Turn::New,
            reach: longest * 2 + WRITE_LIMIT,
            latest: now,
            commits: 0,
        };
        db.begin_with(now).map_err(failed)?;
        Ok(db)
    }

    /// Now, by the slots' clock.
    fn at(&mut self, engine_now: Timestamp) -> Timestamp {
        self.latest = self.clock.now(engine_now);
        self.latest
    }

    /// Begins the write transaction of this turn, in which nobody else takes a slot.
    fn begin(&mut self, now: Timestamp) -> bool {
        if !matches!(self.turn, Turn::New | Turn::Fresh) {
            return matches!(self.turn, Turn::Change);
        }
        let begun = blocking(|| self.connection.execute_batch("begin immediate"));
        self.turn = match begun.and_then(|()| self.take_in(now)) {
            Ok(()) => Turn::Change,
            Err(error) => Turn::Broken(self.failed(error)),
        };
        matches!(self.turn, Turn::Change)
    }

    /// Looks once a turn what others did.
    fn look(&mut self, now: Timestamp) {
        if matches!(self.turn, Turn::New) {
            self.turn = match self.take_in(now) {
                Ok(()) => Turn::Fresh,
                Err(error) => Turn::Broken(self.failed(error)),
            };
        }
    }

    fn failed(&self, error: rusqlite::Error) -> StorageError {
        StorageError::new(self.path.display().to_string(), error)
    }

    /// What a refusal by the slots' clock, on which it is `now`, is by the engine's, on which it is `engine_now`.
    fn refusal(
        &mut self,
        refusal: Admittance,
        now: Timestamp,
        engine_now: Timestamp,
    ) -> Admittance {
        let Admittance::NotBefore { mut at, class } = refusal else {
            return refusal;
        };
        let wait = at.since(now);
        if wait >= TOLD_WAIT && !matches!(class, Class::JobPolls(_)) {
            let until = Timestamp(wall_now_ms()).after(wait);
            self.waits.insert(class.clone(), until.0);
        }
        // A reply that another process gets can come any time, and the process can end without one.
        let counts = |(theirs, _): &(Class, Timestamp)| theirs.counted().any(|one| *one == class);
        if self.theirs.values().any(counts) {
            at = at.min(now.after(LOOK_AGAIN));
            let dead = |row: &slot_holders::HolderRow| {
                row.id != self.holder.id && !slot_holders::is_alive(&self.path, row.id)
            };
            let holders = slot_holders::all(&self.connection).unwrap_or_default();
            if holders.iter().any(dead) {
                self.bury(now);
            }
        }
        Admittance::NotBefore {
            at: engine_now.after(at.since(now)),
            class,
        }
    }

    fn sweep(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let reach = slot_rows::reach(&self.connection, self.reach)?;
        slot_rows::sweep(&self.connection, self.clock, now, wall_now_ms(), reach)?;
        self.limiter.forget_idle(now);
        Ok(())
    }

    /// Writes what this turn brought into the open transaction, and commits it.
    fn write(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let (boot, wall_ms) = (self.clock.boot(), wall_now_ms());
        for id in &self.taken {
            if let Some((class, sent_at)) = self.ours.get(id) {
                let row = SlotRow {
                    id: *id,
                    holder: self.holder.id,
                    class: class.clone(),
                    sent_at: *sent_at,
                    replied_at: None,
                    boot,
                    wall_ms,
                };
                slot_rows::insert(&self.connection, &row)?;
            }
        }
        for (id, at) in &self.replied {
            slot_rows::reply(&self.connection, *id, *at)?;
        }
        for class in &self.strained {
            let strain = self.limiter.standing(class, now).strain;
            slot_rows::keep_strain(&self.connection, class, strain, boot, wall_ms)?;
        }
        for (class, until) in &self.waits {
            slot_rows::keep_wait(&self.connection, self.holder.id, class, *until)?;
        }
        if self.commits.is_multiple_of(SWEEP_EVERY) {
            self.sweep(now)?;
        }
        self.connection.execute_batch("commit")?;
        self.seen = self.taken.last().copied().unwrap_or(self.seen);
        Ok(())
    }

    /// Whether others wait for what this turn brought, though it need not be durable.
    fn is_worth_telling(&self) -> bool {
        let is_steady = self.limits.profile == Profile::Steady;
        !self.waits.is_empty() || (!self.replied.is_empty() && (is_steady || self.has_others))
    }

    fn turn_ends(&mut self) -> rusqlite::Result<()> {
        let must_last = !self.taken.is_empty() || !self.strained.is_empty();
        let is_open = matches!(self.turn, Turn::Change);
        if !must_last && !is_open && !self.is_worth_telling() {
            // Replies can wait for the next slot: until then they count as later, never as earlier.
            return Ok(());
        }
        let now = self.clock.now(self.latest);
        self.commits = self.commits.wrapping_add(1);
        if is_open {
            self.write(now)?;
        } else {
            // A power cut may take it: it then counts as later.
            self.connection
                .pragma_update(None, "synchronous", "NORMAL")?;
            self.connection.execute_batch("begin immediate")?;
            self.take_in(now)?;
            self.write(now)?;
            self.connection.pragma_update(None, "synchronous", "FULL")?;
        }
        self.taken.clear();
        self.replied.clear();
        self.strained.clear();
        self.waits.clear();
        Ok(())
    }
}

/// How long a request of `class` can be out.
pub(super) fn time_limit(class: &Class) -> Duration {
    match class {
        Class::CadWrites | Class::Reviews => WRITE_LIMIT,
        Class::JobPolls(_) | Class::Polls | Class::Reads | Class::Artifacts | Class::Balance => {
            READ_LIMIT
        }
    }
}

impl Admission for LimitsDb {
    fn admit(&mut self, classes: &[Class], engine_now: Timestamp) -> Admittance {
        let now = self.at(engine_now);
        self.look(now);
        if let Some(refusal) = self.limiter.refusal(classes, now) {
            return self.refusal(refusal, now, engine_now);
        }
        if !self.begin(now) {
            // The commit of this turn says why.
            let class = classes.first().cloned().unwrap_or(Class::Reads);
            return Admittance::NotBefore {
                at: engine_now.after(LOOK_AGAIN),
                class,
            };
        }
        let admittance = self.limiter.admit(classes, now);
        let Admittance::Granted(slots) = &admittance else {
            return self.refusal(admittance, now, engine_now);
        };
        for (slot, class) in slots.iter().zip(classes) {
            self.ours.insert(*slot, (class.clone(), now));
            self.taken.push(*slot);
        }
        admittance
    }

    fn answered(&mut self, slots: &[SlotId], engine_now: Timestamp) {
        let now = self.at(engine_now);
        for slot in slots {
            if let Some((class, _)) = self.ours.remove(slot) {
                self.limiter.answered(&class, *slot, now);
                self.replied.push((*slot, now));
            }
        }
    }

    fn refused(&mut self, slots: &[SlotId], retry_after: Option<Duration>, engine_now: Timestamp) {
        let now = self.at(engine_now);
        // What others were told in the meantime is one event with it.
        self.begin(now);
        for slot in slots {
            if let Some((class, sent_at)) = self.ours.get(slot) {
                let strained = self.limiter.refused(class, *sent_at, retry_after, now);
                self.strained
                    .extend(strained.into_iter().map(|(class, _)| class));
            }
        }
        self.answered(slots, engine_now);
    }

    fn commit(&mut self) -> Result<(), StorageError> {
        let ended = match std::mem::replace(&mut self.turn, Turn::New) {
            Turn::Broken(error) => return Err(error),
            turn => {
                self.turn = turn;
                blocking(|| self.turn_ends())
            }
        };
        self.turn = Turn::New;
        ended.map_err(|error| self.failed(error))
    }
}

impl Drop for LimitsDb {
    /// What is known of replies is told to those who stay. A process that is killed can't: its slots then count longer.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let told = self.commit().is_ok();
        let id: HolderId = self.holder.id;
        if told && self.ours.is_empty() {
            let _ = slot_holders::forget(&self.connection, &self.path, id);
        }
    }
}
