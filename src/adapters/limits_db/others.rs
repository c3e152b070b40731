//! What others did with the slots: before us, beside us, and until they ended.

use super::super::clock::wall_now_ms;
use super::super::slot_holders;
use super::super::slot_rows::{self, SlotRow};
use super::{LimitsDb, Orphans, Turn, time_limit};
use crate::plan::remote::Timestamp;
use crate::schedule::limits;
use crate::schedule::slot::{Class, Slot, SlotId};

impl LimitsDb {
    /// Takes in what was left by those before us.
    pub(super) fn begin_with(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let (boot, wall_ms) = (self.clock.boot(), wall_now_ms());
        self.bury_the_dead(now)?;
        // A clock that went back must not make old slots young for ever.
        self.connection.execute(
            "update slots set sent_at = ?1, replied_at = ?1 where sent_at > ?1 and boot = ?2",
            [now.0, boot],
        )?;
        for row in slot_rows::strains(&self.connection)? {
            let strain = row.at(boot, now, wall_ms);
            self.limiter.strain(&row.class, strain);
            if strain != row.strain || row.boot != boot {
                slot_rows::keep_strain(&self.connection, &row.class, strain, boot, wall_ms)?;
            }
        }
        self.sweep(now)?;
        self.take_in(now)?;
        self.connection.execute_batch("commit")
    }

    /// Requests of processes that are gone are answered, or will have been.
    fn bury_the_dead(&self, now: Timestamp) -> rusqlite::Result<()> {
        let connection = &self.connection;
        for row in slot_holders::all(connection)? {
            if row.id != self.holder.id && !slot_holders::is_alive(&self.path, row.id) {
                slot_holders::forget(connection, &self.path, row.id)?;
            }
        }
        let mut open = connection.prepare_cached(
            "select id, class, sent_at from slots
             where replied_at is null and holder not in (select id from holders)",
        )?;
        let open = open.query_map([], |row| {
            let class: String = row.get(1)?;
            let id = SlotId(row.get::<_, i64>(0)?.cast_unsigned());
            Ok((id, Class::parse(&class), Timestamp(row.get(2)?)))
        })?;
        for row in open.collect::<rusqlite::Result<Vec<_>>>()? {
            let (id, class, sent_at) = row;
            let answered = match (self.orphans, class) {
                (Orphans::MayBeOut, Some(class)) => sent_at.after(time_limit(&class)),
                _ => now.max(sent_at),
            };
            slot_rows::reply(connection, id, answered)?;
        }
        Ok(())
    }

    /// Takes in what others have committed since we last looked.
    pub(super) fn take_in(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let version = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.version == version {
            return Ok(());
        }
        let (boot, wall_ms) = (self.clock.boot(), wall_now_ms());
        self.has_others = slot_holders::has_others(&self.connection, self.holder.id)?;
        let theirs = std::mem::take(&mut self.theirs);
        for (id, (class, taken)) in theirs {
            match slot_rows::reply_of(&self.connection, id)? {
                Some(at) => self.limiter.correct(&class, id, taken, at),
                None => {
                    self.theirs.insert(id, (class, taken));
                }
            }
        }
        self.theirs.retain(|_, (_, taken)| *taken > now);
        let (rows, last) = slot_rows::slots_after(&self.connection, self.seen)?;
        for row in rows {
            self.see(row, now, wall_ms);
        }
        self.seen = last;
        self.limiter.number_after(self.seen);
        for row in slot_rows::strains(&self.connection)? {
            if row.boot == boot {
                self.limiter.strain(&row.class, row.at(boot, now, wall_ms));
            }
        }
        self.version = version;
        Ok(())
    }

    fn see(&mut self, row: SlotRow, now: Timestamp, wall_ms: i64) {
        let SlotRow { id, class, .. } = row;
        let mut slot = Slot {
            id,
            class,
            sent_at: row.sent_at,
            replied_at: row.replied_at,
        };
        if row.boot != self.clock.boot() {
            // By another clock: all that can be said is how old it is, and not even that for sure.
            let window = limits::rate(&self.limits, &slot.class).window.as_millis();
            if i128::from(wall_ms) - i128::from(row.wall_ms) >= (window * 2).cast_signed() {
                return;
            }
            (slot.sent_at, slot.replied_at) = (now, Some(now));
        } else if slot.replied_at.is_none() {
            let taken = slot.sent_at.after(time_limit(&slot.class));
            slot.replied_at = Some(taken);
            if row.holder != self.holder.id && taken > now {
                self.theirs.insert(id, (slot.class.clone(), taken));
            }
        }
        self.limiter.see(&slot);
    }

    /// Somebody is gone: takes in what its requests count as.
    pub(super) fn bury(&mut self, now: Timestamp) {
        if self.begin(now) {
            self.version = -1;
            let buried = self.bury_the_dead(now).and_then(|()| self.take_in(now));
            if let Err(error) = buried {
                self.turn = Turn::Broken(self.failed(error));
            }
        }
    }
}
