//! The control table: what people ask of a run from another process. It is a file of its own, so that the journal keeps one
//! writer.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, Row, params};

use super::clock::{wait, wall_now_ms};
use super::sqlite::{self, trouble};
use crate::execute::ports::{Control, StorageError};
use crate::plan::ids::RunId;
use crate::run::control::{Command, CommandId, Order};
use crate::run::event::Person;

/// `MLRC`.
const APPLICATION_ID: i32 = 0x4d4c_5243;
/// How often a run looks, on the wall's clock: whoever asks is a person, whatever the engine's clock is.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Who can't be served at once is served at the next look: a process that was halted in the middle holds up no run.
const BUSY: Duration = Duration::from_millis(200);

const MIGRATIONS: &[&str] = &["
create table commands (
    seq integer primary key autoincrement,
    id text not null unique,
    run integer not null,
    command text not null,
    user text not null,
    host text not null,
    asked_at_ms integer not null,
    obeyed integer not null default 0
) strict;
"];

/// The control table of a family, as somebody who asks sees it.
#[derive(Debug)]
pub struct ControlDb {
    connection: Connection,
    name: String,
}

impl ControlDb {
    /// Opens the table at `path`, which is made when it is not there.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let name = path.display().to_string();
        let connection = sqlite::open(path, APPLICATION_ID, MIGRATIONS)?;
        connection
            .busy_timeout(BUSY)
            .map_err(|error| trouble(&name, &error))?;
        Ok(Self { connection, name })
    }

    /// A command that was never given before.
    ///
    /// # Errors
    /// When the table can't be read.
    pub fn command(&self, order: Order, by: Person) -> Result<Command, StorageError> {
        let id = "select lower(hex(randomblob(16)))";
        let id = self.connection.query_row(id, [], |row| row.get(0));
        Ok(Command {
            id: CommandId(id.map_err(|error| self.failed(&error))?),
            order,
            by,
        })
    }

    /// Asks `run` for `command`. To ask again for the same changes nothing, but for the run that is asked.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn ask(&self, command: &Command, run: RunId) -> Result<(), StorageError> {
        let order = serde_json::to_string(&command.order)
            .map_err(|error| StorageError::new(&self.name, error))?;
        self.connection
            .execute(
                "insert into commands (id, run, command, user, host, asked_at_ms) values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (id) do update set run = excluded.run",
                params![
                    command.id.0,
                    run.0,
                    order,
                    command.by.user,
                    command.by.host,
                    wall_now_ms()
                ],
            )
            .map(|_| ())
            .map_err(|error| self.failed(&error))
    }

    /// Whether the event of `command` is on disk, as the run says.
    ///
    /// # Errors
    /// When the table can't be read.
    pub fn is_obeyed(&self, command: &CommandId) -> Result<bool, StorageError> {
        self.connection
            .query_row(
                "select exists (select 1 from commands where id = ?1 and obeyed)",
                [&command.0],
                |row| row.get(0),
            )
            .map_err(|error| self.failed(&error))
    }

    /// Takes `command` back.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn withdraw(&self, command: &CommandId) -> Result<(), StorageError> {
        self.connection
            .execute("delete from commands where id = ?1", [&command.0])
            .map(|_| ())
            .map_err(|error| self.failed(&error))
    }

    /// The side of `run`, of which the journal has the commands `known`. What was asked of another run is of no meaning any
    /// more, and a pause ends with the process that it was meant for. A cancel that was not obeyed yet still holds, and so does
    /// what was said to a gate, whichever run asked.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn attend(self, run: RunId, known: BTreeSet<CommandId>) -> Result<Attended, StorageError> {
        let order = "coalesce(json_extract(command, '$.order'), '')";
        let tidy = format!(
            "delete from commands where obeyed or ({order} <> 'approve' and (run <> {0} or {order} <> 'cancel'));
             update commands set run = {0} where {order} = 'approve';",
            run.0
        );
        let tidied = self.connection.execute_batch(&tidy);
        tidied.map_err(|error| self.failed(&error))?;
        Ok(Attended {
            db: self,
            run,
            known,
            looked_at_ms: None,
            is_silent: false,
        })
    }

    fn failed(&self, error: &rusqlite::Error) -> StorageError {
        trouble(&self.name, error)
    }
}

/// The control table, as a run sees it.
#[derive(Debug)]
pub struct Attended {
    db: ControlDb,
    run: RunId,
    /// Commands that were told, or are in the journal.
    known: BTreeSet<CommandId>,
    looked_at_ms: Option<i64>,
    /// Trouble was told once.
    is_silent: bool,
}

impl Attended {
    fn asked(&mut self) -> Result<Vec<Command>, StorageError> {
        let read = |row: &Row<'_>| {
            let order: String = row.get(1)?;
            let by = Person {
                user: row.get(2)?,
                host: row.get(3)?,
            };
            Ok((CommandId(row.get(0)?), order, by))
        };
        let rows: Result<Vec<_>, rusqlite::Error> = self
            .db
            .connection
            .prepare_cached(
                "select id, command, user, host from commands where run = ?1 and not obeyed order by seq",
            )
            .and_then(|mut rows| rows.query_map([self.run.0], read)?.collect());
        let mut commands = Vec::new();
        for (id, order, by) in rows.map_err(|error| self.db.failed(&error))? {
            if self.known.contains(&id) {
                continue;
            }
            match serde_json::from_str(&order) {
                Ok(order) => commands.push(Command { id, order, by }),
                // A newer millrun may ask for what this one does not know; others are served all the same.
                Err(error) => self.complain(&StorageError::new(&self.db.name, error)),
            }
        }
        Ok(commands)
    }

    fn complain(&mut self, error: &StorageError) {
        if !self.is_silent {
            tracing::warn!("`pause`, `cancel` and `approve` don't reach this run: {error}");
            self.is_silent = true;
        }
    }
}

impl Control for Attended {
    fn look(&mut self) -> Vec<Command> {
        let now = wall_now_ms();
        let every = i64::try_from(LOOK_EVERY.as_millis()).unwrap_or(i64::MAX);
        let is_due = |at: i64| (now - at).abs() >= every;
        if !self.looked_at_ms.is_none_or(is_due) {
            return Vec::new();
        }
        self.looked_at_ms = Some(now);
        match self.asked() {
            Ok(commands) => {
                let ids = commands.iter().map(|command| command.id.clone());
                self.known.extend(ids);
                commands
            }
            Err(error) => {
                self.complain(&error);
                Vec::new()
            }
        }
    }

    fn obeyed(&mut self, commands: &[CommandId]) {
        for command in commands {
            let update = "update commands set obeyed = 1 where id = ?1";
            // Who asked finds it in the journal as well.
            if let Err(error) = self.db.connection.execute(update, [&command.0]) {
                let error = self.db.failed(&error);
                self.complain(&error);
            }
        }
    }

    fn due(&self) -> BoxFuture<'static, ()> {
        wait(LOOK_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Person {
        Person {
            user: "ada".to_owned(),
            host: "bench".to_owned(),
        }
    }

    struct Table(tempfile::TempDir);

    impl Table {
        fn open(&self) -> ControlDb {
            ControlDb::open(&self.0.path().join("control.db")).unwrap()
        }
    }

    fn table() -> Table {
        Table(tempfile::tempdir().unwrap())
    }

    const CANCEL: Order = Order::Cancel {
        parts: Vec::new(),
        why: None,
    };

    #[test]
    fn a_command_is_told_once_and_its_asker_learns_when_it_is_on_disk() {
        let table = table();
        let asker = table.open();
        let command = asker.command(Order::Pause, ada()).unwrap();
        let mut run = table.open().attend(RunId(3), BTreeSet::new()).unwrap();
        asker.ask(&command, RunId(3)).unwrap();
        asker.ask(&command, RunId(3)).unwrap();
        assert_eq!(run.look(), std::slice::from_ref(&command));
        run.looked_at_ms = None;
        assert_eq!(run.look(), [], "it was told twice");
        assert!(!asker.is_obeyed(&command.id).unwrap());
        run.obeyed(std::slice::from_ref(&command.id));
        assert!(asker.is_obeyed(&command.id).unwrap());
    }

    #[test]
    fn a_cancel_outlives_a_process_that_did_not_record_it_and_one_that_did_is_not_doubled() {
        let table = table();
        let asker = table.open();
        let cancel = asker.command(CANCEL, ada()).unwrap();
        asker.ask(&cancel, RunId(3)).unwrap();
        let mut killed = table.open().attend(RunId(3), BTreeSet::new()).unwrap();
        assert_eq!(killed.look(), std::slice::from_ref(&cancel));
        drop(killed);
        let known = BTreeSet::from([cancel.id.clone()]);
        let mut knows = table.open().attend(RunId(3), known).unwrap();
        assert_eq!(knows.look(), []);
        drop(knows);
        let mut next = table.open().attend(RunId(3), BTreeSet::new()).unwrap();
        assert_eq!(next.look(), [cancel]);
    }

    #[test]
    fn a_pause_ends_with_its_process_and_a_cancel_with_its_run() {
        let table = table();
        let asker = table.open();
        let pause = asker.command(Order::Pause, ada()).unwrap();
        let cancel = asker.command(CANCEL, ada()).unwrap();
        asker.ask(&pause, RunId(4)).unwrap();
        asker.ask(&cancel, RunId(3)).unwrap();
        let mut run = table.open().attend(RunId(4), BTreeSet::new()).unwrap();
        assert_eq!(run.look(), []);
    }

    #[test]
    fn a_command_that_nobody_understands_keeps_no_other_from_the_run() {
        let table = table();
        let asker = table.open();
        let mut run = table.open().attend(RunId(1), BTreeSet::new()).unwrap();
        let cancel = asker.command(CANCEL, ada()).unwrap();
        let odd = asker.command(Order::Pause, ada()).unwrap();
        asker.ask(&odd, RunId(1)).unwrap();
        let update = "update commands set command = '{\"order\":\"dance\"}'";
        asker.connection.execute(update, []).unwrap();
        asker.ask(&cancel, RunId(1)).unwrap();
        assert_eq!(run.look(), [cancel]);
    }

    #[test]
    fn what_was_withdrawn_is_not_told() {
        let table = table();
        let asker = table.open();
        let mut run = table.open().attend(RunId(1), BTreeSet::new()).unwrap();
        let cancel = asker.command(CANCEL, ada()).unwrap();
        asker.ask(&cancel, RunId(1)).unwrap();
        asker.withdraw(&cancel.id).unwrap();
        assert_eq!(run.look(), []);
    }
}
