//! Slots of rate limits in a small SQLite file of their own: the rules are [`Limiter`]'s, this keeps them over restarts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::sqlite::{self, blocking};
use crate::api::MAX_RETRY_AFTER;
use crate::execute::ports::{Admission, StorageError};
use crate::plan::remote::{JobId, Timestamp};
use crate::plan::settings::Limits;
use crate::schedule::limits::Limiter;
use crate::schedule::slot::{Admittance, Class, Slot, SlotId};

/// `MLRL`.
const APPLICATION_ID: i32 = 0x4d4c_524c;

const MIGRATIONS: &[&str] = &["
create table slots (id integer primary key, class text not null, sent_at integer not null, replied_at integer) strict;
create table blocks (class text primary key, until integer not null) strict, without rowid;
"];

/// How often answered slots that no window reaches any more are swept out, in commits.
const SWEEP_EVERY: u32 = 512;

/// The limits of one family and origin.
#[derive(Debug)]
pub struct LimitsDb {
    connection: Connection,
    path: String,
    limiter: Limiter,
    classes: BTreeMap<SlotId, (Class, Timestamp)>,
    taken: Vec<SlotId>,
    replied: Vec<(SlotId, Timestamp)>,
    blocked: Vec<(Class, Timestamp)>,
    longest_window: Duration,
    commits: u32,
}

impl LimitsDb {
    /// Opens the file at `path`. Slots that were open count as answered at `now`: their requests may have been counted
    /// by the service at any moment until then.
    ///
    /// # Errors
    /// When the file can't be opened or read.
    pub fn open(path: &Path, limits: &Limits, now: Timestamp) -> Result<Self, StorageError> {
        let connection = sqlite::open(path, APPLICATION_ID, MIGRATIONS)?;
        let name = path.display().to_string();
        let failed = |error: rusqlite::Error| StorageError::new(&name, error);
        let all = [
            limits.cad_writes,
            limits.reviews,
            limits.job_polls,
            limits.reads,
            limits.artifacts,
            limits.balance,
        ];
        let longest_window = all.iter().map(|rate| rate.window).max().unwrap_or_default() * 2;
        // A clock that went back must not make old slots young for ever.
        connection
            .execute(
                "update slots set replied_at = ?1 where replied_at is null or replied_at > ?1",
                [now.0],
            )
            .map_err(failed)?;
        connection
            .execute("update slots set sent_at = min(sent_at, ?1)", [now.0])
            .map_err(failed)?;
        // Nor can the service have asked for more than this from now on.
        let latest = now.after(MAX_RETRY_AFTER);
        connection
            .execute("update blocks set until = min(until, ?1)", [latest.0])
            .map_err(failed)?;
        let (slots, blocks) = load(&connection).map_err(failed)?;
        let limiter = Limiter::new(limits.clone(), slots, blocks);
        let mut db = Self {
            connection,
            path: name,
            limiter,
            classes: BTreeMap::new(),
            taken: Vec::new(),
            replied: Vec::new(),
            blocked: Vec::new(),
            longest_window,
            commits: 0,
        };
        db.sweep(now)?;
        Ok(db)
    }

    fn sweep(&mut self, now: Timestamp) -> Result<(), StorageError> {
        let keep = i64::try_from(self.longest_window.as_millis()).unwrap_or(i64::MAX);
        let oldest = now.0.saturating_sub(keep);
        let swept = self
            .connection
            .execute("delete from slots where replied_at < ?1", [oldest]);
        swept.map_err(|error| StorageError::new(&self.path, error))?;
        self.limiter.forget_idle(now);
        Ok(())
    }
}

impl Admission for LimitsDb {
    fn admit(&mut self, classes: &[Class], now: Timestamp) -> Admittance {
        let admittance = self.limiter.admit(classes, now);
        if let Admittance::Granted(slots) = &admittance {
            for (slot, class) in slots.iter().zip(classes) {
                self.classes.insert(*slot, (class.clone(), now));
                self.taken.push(*slot);
            }
        }
        admittance
    }

    fn answered(&mut self, slots: &[SlotId], now: Timestamp) {
        for slot in slots {
            if let Some((class, _)) = self.classes.remove(slot) {
                self.limiter.answered(&class, *slot, now);
                self.replied.push((*slot, now));
            }
        }
    }

    fn block(&mut self, class: &Class, until: Timestamp) {
        self.limiter.block(class, until);
        self.blocked.push((class.clone(), until));
    }

    fn commit(&mut self) -> Result<(), StorageError> {
        if self.taken.is_empty() && self.blocked.is_empty() {
            // Replies can wait for the next slot: until then they count as later, never as earlier.
            return Ok(());
        }
        let path = &self.path;
        let failed = |error: rusqlite::Error| StorageError::new(path, error);
        let (connection, classes) = (&mut self.connection, &self.classes);
        let (taken, replied, blocked) = (&self.taken, &self.replied, &self.blocked);
        blocking(|| {
            let change =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            {
                let mut insert = change
                    .prepare_cached("insert into slots (id, class, sent_at) values (?, ?, ?)")?;
                for slot in taken {
                    if let Some((class, at)) = classes.get(slot) {
                        insert.execute(params![slot.0.cast_signed(), encode(class), at.0])?;
                    }
                }
                let mut update =
                    change.prepare_cached("update slots set replied_at = ?2 where id = ?1")?;
                for (slot, at) in replied {
                    update.execute(params![slot.0.cast_signed(), at.0])?;
                }
                let mut block = change
                    .prepare_cached("insert or replace into blocks (class, until) values (?, ?)")?;
                for (class, until) in blocked {
                    block.execute(params![encode(class), until.0])?;
                }
            }
            change.commit()
        })
        .map_err(failed)?;
        let now = self
            .classes
            .get(self.taken.last().unwrap_or(&SlotId(0)))
            .map(|(_, at)| *at);
        self.taken.clear();
        self.replied.clear();
        self.blocked.clear();
        self.commits += 1;
        match now {
            Some(now) if self.commits.is_multiple_of(SWEEP_EVERY) => self.sweep(now),
            _ => Ok(()),
        }
    }
}

type Blocks = Vec<(Class, Timestamp)>;

fn load(connection: &Connection) -> rusqlite::Result<(Vec<Slot>, Blocks)> {
    let mut slots =
        connection.prepare("select id, class, sent_at, replied_at from slots order by id")?;
    let slots = slots.query_map([], |row| {
        let (id, class): (i64, String) = (row.get(0)?, row.get(1)?);
        let (sent_at, replied_at): (i64, Option<i64>) = (row.get(2)?, row.get(3)?);
        let class = decode(&class);
        let id = SlotId(id.cast_unsigned());
        Ok(class.map(|class| Slot {
            id,
            class,
            sent_at: Timestamp(sent_at),
            replied_at: replied_at.map(Timestamp),
        }))
    })?;
    let slots = slots
        .filter_map(Result::transpose)
        .collect::<rusqlite::Result<_>>()?;
    let mut blocks = connection.prepare("select class, until from blocks")?;
    let blocks = blocks.query_map([], |row| {
        let (class, until): (String, i64) = (row.get(0)?, row.get(1)?);
        Ok(decode(&class).map(|class| (class, Timestamp(until))))
    })?;
    Ok((
        slots,
        blocks
            .filter_map(Result::transpose)
            .collect::<rusqlite::Result<_>>()?,
    ))
}

fn encode(class: &Class) -> String {
    match class {
        Class::CadWrites => "cad_writes".to_owned(),
        Class::Reviews => "reviews".to_owned(),
        Class::JobPolls(job) => format!("job:{job}"),
        Class::Reads => "reads".to_owned(),
        Class::Artifacts => "artifacts".to_owned(),
        Class::Balance => "balance".to_owned(),
    }
}

fn decode(text: &str) -> Option<Class> {
    Some(match text {
        "cad_writes" => Class::CadWrites,
        "reviews" => Class::Reviews,
        "reads" => Class::Reads,
        "artifacts" => Class::Artifacts,
        "balance" => Class::Balance,
        job => Class::JobPolls(JobId(job.strip_prefix("job:")?.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_does_not_make_a_block_longer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.db");
        let limits = Limits::default();
        let ahead = Timestamp(1_800_000_000_000);
        let mut db = LimitsDb::open(&path, &limits, ahead).unwrap();
        db.block(&Class::Reads, ahead.after(Duration::from_secs(60)));
        db.commit().unwrap();
        drop(db);

        let now = Timestamp(1_700_000_000_000);
        let mut db = LimitsDb::open(&path, &limits, now).unwrap();
        match db.admit(&[Class::Reads], now) {
            Admittance::NotBefore { at, .. } => assert_eq!(at, now.after(MAX_RETRY_AFTER)),
            other => panic!("{other:?}"),
        }
    }
}
