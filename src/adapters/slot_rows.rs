//! The rows of slots and of what 429s have left behind.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::slot_clock::SlotClock;
use super::slot_holders::HolderId;
use crate::api::MAX_RETRY_AFTER;
use crate::plan::remote::Timestamp;
use crate::schedule::slot::{Class, SlotId};
use crate::schedule::strain::Strain;

/// `MLRL`.
pub(super) const APPLICATION_ID: i32 = 0x4d4c_524c;

pub(super) const MIGRATIONS: &[&str] = &[
    "
create table slots (id integer primary key, class text not null, sent_at integer not null, replied_at integer) strict;
create table blocks (class text primary key, until integer not null) strict, without rowid;
",
    // Several processes share the slots. `boot` says by which clock a row's times are, `wall` is the wall's at that time.
    "
alter table slots add column holder integer not null default 0;
alter table slots add column boot integer not null default 0;
alter table slots add column wall integer not null default 0;
create table holders (id integer primary key autoincrement, pid integer not null, family text not null,
    since integer not null) strict;
create table waits (holder integer not null, class text not null, until_wall integer not null,
    primary key (holder, class)) strict, without rowid;
create table strains (class text primary key, blocked_until integer not null, lowered integer not null,
    strikes integer not null, last_at integer not null, boot integer not null, wall integer not null)
    strict, without rowid;
create table reach (one integer primary key check (one = 1), ms integer not null) strict;
insert into strains select class, until, 0, 0, 0, 0, 0 from blocks;
drop table blocks;
",
];

/// A slot as it is stored.
#[derive(Debug, Clone)]
pub(super) struct SlotRow {
    pub(super) id: SlotId,
    pub(super) holder: HolderId,
    pub(super) class: Class,
    pub(super) sent_at: Timestamp,
    pub(super) replied_at: Option<Timestamp>,
    pub(super) boot: i64,
    pub(super) wall_ms: i64,
}

/// Slots with higher ids than `after`, in order, and the last id. A slot of a class that this version doesn't know has
/// nothing but its id.
pub(super) fn slots_after(
    connection: &Connection,
    after: SlotId,
) -> rusqlite::Result<(Vec<SlotRow>, SlotId)> {
    let mut slots = connection.prepare_cached(
        "select id, holder, class, sent_at, replied_at, boot, wall from slots where id > ? order by id",
    )?;
    let mut slots = slots.query([after.0.cast_signed()])?;
    let (mut known, mut last) = (Vec::new(), after);
    while let Some(row) = slots.next()? {
        let class: String = row.get(2)?;
        last = SlotId(row.get::<_, i64>(0)?.cast_unsigned());
        if let Some(class) = Class::parse(&class) {
            known.push(SlotRow {
                id: last,
                holder: HolderId(row.get(1)?),
                class,
                sent_at: Timestamp(row.get(3)?),
                replied_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
                boot: row.get(5)?,
                wall_ms: row.get(6)?,
            });
        }
    }
    Ok((known, last))
}

/// When the reply to the request of `slot` came; nothing when it is out, or the row is gone.
pub(super) fn reply_of(
    connection: &Connection,
    slot: SlotId,
) -> rusqlite::Result<Option<Timestamp>> {
    let mut reply = connection.prepare_cached("select replied_at from slots where id = ?")?;
    let reply = reply.query_row([slot.0.cast_signed()], |row| row.get::<_, Option<i64>>(0));
    Ok(reply.optional()?.flatten().map(Timestamp))
}

pub(super) fn insert(connection: &Connection, row: &SlotRow) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "insert into slots (id, holder, class, sent_at, boot, wall) values (?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        row.id.0.cast_signed(),
        row.holder.0,
        row.class.to_string(),
        row.sent_at.0,
        row.boot,
        row.wall_ms
    ])?;
    Ok(())
}

pub(super) fn reply(connection: &Connection, slot: SlotId, at: Timestamp) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached("update slots set replied_at = ?2 where id = ?1")?;
    update.execute(params![slot.0.cast_signed(), at.0])?;
    Ok(())
}

/// What 429s have left behind, and under which boot it was written.
pub(super) fn strains(connection: &Connection) -> rusqlite::Result<Vec<StrainRow>> {
    let mut strains = connection.prepare_cached(
        "select class, blocked_until, lowered, strikes, last_at, boot, wall from strains",
    )?;
    let strains = strains.query_map([], |row| {
        let class: String = row.get(0)?;
        let strain = Strain {
            blocked_until: Timestamp(row.get(1)?),
            lowered: row.get(2)?,
            strikes: row.get(3)?,
            last_at: Timestamp(row.get(4)?),
        };
        let (boot, wall_ms) = (row.get(5)?, row.get(6)?);
        Ok(Class::parse(&class).map(|class| StrainRow {
            class,
            strain,
            boot,
            wall_ms,
        }))
    })?;
    strains.filter_map(Result::transpose).collect()
}

/// What 429s have left behind, as it is stored.
#[derive(Debug, Clone)]
pub(super) struct StrainRow {
    pub(super) class: Class,
    pub(super) strain: Strain,
    pub(super) boot: i64,
    wall_ms: i64,
}

impl StrainRow {
    /// The strain by the clock of `boot`, on which it is `now`. After another boot what is left of a block is counted by the
    /// wall's clock, and a lowered rate starts its clean time anew. A clock that went back makes no block longer than the
    /// service may ask for.
    pub(super) fn at(&self, boot: i64, now: Timestamp, wall_ms: i64) -> Strain {
        let mut strain = self.strain;
        if self.boot != boot {
            let passed = u64::try_from(wall_ms.saturating_sub(self.wall_ms)).unwrap_or(0);
            let left = strain.blocked_until.since(strain.last_at);
            strain.blocked_until = now.after(left.saturating_sub(Duration::from_millis(passed)));
            strain.last_at = now;
        }
        strain.last_at = strain.last_at.min(now);
        strain.blocked_until = strain.blocked_until.min(now.after(MAX_RETRY_AFTER));
        strain
    }
}

pub(super) fn keep_strain(
    connection: &Connection,
    class: &Class,
    strain: Strain,
    boot: i64,
    wall_ms: i64,
) -> rusqlite::Result<()> {
    let mut keep = connection.prepare_cached(
        "insert or replace into strains (class, blocked_until, lowered, strikes, last_at, boot, wall)
         values (?, ?, ?, ?, ?, ?, ?)",
    )?;
    keep.execute(params![
        class.to_string(),
        strain.blocked_until.0,
        strain.lowered,
        strain.strikes,
        strain.last_at.0,
        boot,
        wall_ms
    ])?;
    Ok(())
}

/// Somebody waits for `class`.
pub(super) fn keep_wait(
    connection: &Connection,
    holder: HolderId,
    class: &Class,
    until_wall: i64,
) -> rusqlite::Result<()> {
    let mut keep = connection.prepare_cached(
        "insert or replace into waits (holder, class, until_wall) values (?, ?, ?)",
    )?;
    keep.execute(params![holder.0, class.to_string(), until_wall])?;
    Ok(())
}

/// Who waits for which class, and until when by the wall's clock.
pub(super) fn waits(connection: &Connection) -> rusqlite::Result<Vec<(HolderId, Class, i64)>> {
    let mut waits = connection.prepare("select holder, class, until_wall from waits")?;
    let waits = waits.query_map([], |row| {
        let class: String = row.get(1)?;
        Ok((
            HolderId(row.get(0)?),
            Class::parse(&class),
            row.get::<_, i64>(2)?,
        ))
    })?;
    let known =
        waits.map(|row| row.map(|(holder, class, at)| class.map(|class| (holder, class, at))));
    known.filter_map(Result::transpose).collect()
}

/// How far back the windows of those reach who share the slots: `ours`, or more.
pub(super) fn reach(connection: &Connection, ours: Duration) -> rusqlite::Result<i64> {
    let ours = i64::try_from(ours.as_millis()).unwrap_or(i64::MAX);
    connection.execute(
        "insert into reach (one, ms) values (1, ?1) on conflict (one) do update set ms = max(ms, ?1)",
        [ours],
    )?;
    connection.query_row("select ms from reach", [], |row| row.get(0))
}

/// Takes out what no window reaches any more.
pub(super) fn sweep(
    connection: &Connection,
    clock: SlotClock,
    now: Timestamp,
    wall_ms: i64,
    reach_ms: i64,
) -> rusqlite::Result<()> {
    connection.execute(
        "delete from slots where (boot = ?1 and coalesce(replied_at, sent_at) < ?2)
            or (boot <> ?1 and wall < ?3)",
        params![
            clock.boot(),
            now.0.saturating_sub(reach_ms),
            wall_ms.saturating_sub(reach_ms)
        ],
    )?;
    Ok(())
}
