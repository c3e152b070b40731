//! A look at slots that others take, beside their runs: nothing is changed, and nobody is held up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::clock::wall_now_ms;
use super::limits_db::time_limit;
use super::slot_clock::SlotClock;
use super::slot_holders::{self, HolderRow};
use super::slot_rows::{self, APPLICATION_ID, MIGRATIONS};
use super::sqlite;
use crate::execute::ports::StorageError;
use crate::plan::remote::Timestamp;
use crate::plan::settings::Limits;
use crate::schedule::limits::{Limiter, Standing, rate};
use crate::schedule::slot::{Class, Slot};

/// Whose slots are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Those that families share, on the machine's clock.
    User,
    /// Those of one family at its simulator, on the clock that these two share. It stands still where it was last seen.
    Family,
}

/// How the limits of a workspace stand.
#[derive(Debug, Default)]
pub struct LimitsView {
    /// When it was looked at, in milliseconds since the Unix epoch: by the wall's clock, or the simulator's.
    pub at_ms: i64,
    /// The classes of the workspace and the key, and the polls of jobs that were told to slow down.
    pub classes: Vec<(Class, Seen)>,
    /// How many jobs were polled within the window of polls.
    pub polled_jobs: usize,
    /// Runs that share them and are at work.
    pub holders: Vec<HolderView>,
}

/// How a class stands.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The rules' view.
    pub standing: Standing,
    /// How long until the next request may go out.
    pub next_free: Duration,
    /// How long the service wants none at all.
    pub blocked: Duration,
}

/// A run at work.
#[derive(Debug)]
pub struct HolderView {
    /// Who it is.
    pub row: HolderRow,
    /// What it waits for, and how long.
    pub waits: Vec<(Class, Duration)>,
}

/// Looks at the slots in the file at `path`; `None` when there is none yet.
///
/// # Errors
/// When it can't be read.
pub fn view(path: &Path, limits: &Limits, of: Of) -> Result<Option<LimitsView>, StorageError> {
    let failed = |error: rusqlite::Error| StorageError::new(path.display().to_string(), error);
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(failed)?;
    if sqlite::layout(&connection, path, APPLICATION_ID, MIGRATIONS)? < MIGRATIONS.len() {
        return Ok(None);
    }
    // One state, whatever is committed meanwhile.
    connection.execute_batch("begin").map_err(failed)?;
    read(&connection, path, limits, of)
        .map(Some)
        .map_err(failed)
}

fn read(
    connection: &Connection,
    path: &Path,
    limits: &Limits,
    of: Of,
) -> rusqlite::Result<LimitsView> {
    let wall_ms = wall_now_ms();
    let (rows, _) = slot_rows::slots_after(connection, crate::schedule::slot::SlotId(0))?;
    let (clock, now, at_ms) = match of {
        Of::User => {
            let clock = SlotClock::of_this_boot();
            (clock, clock.now(Timestamp::default()), wall_ms)
        }
        Of::Family => {
            let last = rows.iter().map(|row| row.replied_at.unwrap_or(row.sent_at));
            let last = last.max().unwrap_or_default();
            (SlotClock::Engine, last, last.0)
        }
    };
    let mut limiter = Limiter::new(limits.clone(), [], []);
    let mut jobs = std::collections::BTreeSet::new();
    let window = limits.job_polls.window;
    for row in rows.into_iter().filter(|row| row.boot == clock.boot()) {
        if matches!(row.class, Class::JobPolls(_)) && now.since(row.sent_at) < window {
            jobs.insert(row.class.clone());
        }
        let answered = row.sent_at.after(time_limit(&row.class));
        limiter.see(&Slot {
            id: row.id,
            class: row.class,
            sent_at: row.sent_at,
            replied_at: Some(row.replied_at.unwrap_or(answered)),
        });
    }
    let mut classes = vec![
        Class::CadWrites,
        Class::Reviews,
        Class::Reads,
        Class::Artifacts,
        Class::Balance,
    ];
    for row in slot_rows::strains(connection)? {
        let strain = row.at(clock.boot(), now, wall_ms);
        limiter.strain(&row.class, strain);
        let is_over =
            strain.blocked_until <= now && strain.lowered_at(rate(limits, &row.class), now) == 0;
        if matches!(row.class, Class::JobPolls(_)) && !is_over {
            classes.push(row.class);
        }
    }
    let seen = |class: Class| {
        let standing = limiter.standing(&class, now);
        let seen = Seen {
            standing,
            next_free: standing.next_free.unwrap_or(now).since(now),
            blocked: standing.strain.blocked_until.since(now),
        };
        (class, seen)
    };
    Ok(LimitsView {
        at_ms,
        classes: classes.into_iter().map(seen).collect(),
        polled_jobs: jobs.len(),
        holders: holders(connection, path, wall_ms)?,
    })
}

fn holders(
    connection: &Connection,
    path: &Path,
    wall_ms: i64,
) -> rusqlite::Result<Vec<HolderView>> {
    let waits = slot_rows::waits(connection)?;
    let all = slot_holders::all(connection)?.into_iter();
    let alive = all.filter(|row| slot_holders::is_alive(path, row.id));
    let view = |row: HolderRow| {
        let waits = waits.iter().filter(|(holder, _, _)| *holder == row.id);
        let left = waits.map(|(_, class, until)| (class.clone(), until - wall_ms));
        let left = left.filter_map(|(class, ms)| {
            let ms = u64::try_from(ms).ok().filter(|ms| *ms > 0)?;
            Some((class, Duration::from_millis(ms)))
        });
        HolderView {
            waits: left.collect(),
            row,
        }
    };
    Ok(alive.map(view).collect())
}
