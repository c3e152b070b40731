//! What people ask of a run, as a test does it: they are heard at once, and nothing is looked at in between.

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use millrun::execute::ports::Control;
use millrun::run::control::{Command, CommandId, Order};
use millrun::run::event::{Person, Record};
use tokio::sync::watch;

/// All commands that were given so far.
pub(super) struct Orders {
    given: watch::Sender<Vec<Command>>,
}

impl Orders {
    pub(super) fn new() -> Self {
        Self {
            given: watch::channel(Vec::new()).0,
        }
    }

    pub(super) fn give(&self, order: Order, by: Person) {
        self.given.send_modify(|given| {
            let id = CommandId(format!("command-{}", given.len()));
            given.push(Command { id, order, by });
        });
    }

    /// The side of a process whose journal holds `records`.
    pub(super) fn attend(&self, records: &[Record]) -> Attended {
        let known = records.iter().filter_map(|record| record.event.command());
        Attended {
            given: self.given.subscribe(),
            known: known.cloned().collect(),
            obeyed: BTreeSet::new(),
        }
    }
}

pub(super) struct Attended {
    given: watch::Receiver<Vec<Command>>,
    known: BTreeSet<CommandId>,
    obeyed: BTreeSet<CommandId>,
}

impl Control for Attended {
    fn look(&mut self) -> Vec<Command> {
        let mut commands = self.given.borrow_and_update().clone();
        commands.retain(|command| self.known.insert(command.id.clone()));
        commands
    }

    fn obeyed(&mut self, commands: &[CommandId]) {
        for command in commands {
            assert!(self.obeyed.insert(command.clone()), "{command:?} twice");
        }
    }

    fn due(&self) -> BoxFuture<'static, ()> {
        let mut given = self.given.clone();
        async move {
            if given.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}
