//! The hand of a person beside the run: it pauses it, lets it go on, and cancels it, at moments that are drawn.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use millrun::execute::ports::Control;
use millrun::plan::ids::RunId;
use millrun::run::control::{Command, CommandId, Order};
use millrun::run::event::{Event, Person, Record};
use millrun::simulator::Clock;

use super::draw::Draw;
use super::night::let_pass;
use super::story::Story;

/// What a person asks for, so many milliseconds after the start of a process.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) after_ms: u32,
    pub(super) order: Order,
}

/// Wishes for one process. A pause has an end, be it that the process has none.
pub(super) fn wishes(draw: &mut Draw) -> Vec<Wish> {
    let mut wishes = Vec::new();
    if draw.happens(20) {
        let after_ms = draw.of_any_size(1, 900_000);
        let lasting = draw.of_any_size(1_000, 7_200_000);
        wishes.push(Wish {
            after_ms,
            order: Order::Pause,
        });
        wishes.push(Wish {
            after_ms: after_ms + lasting,
            order: Order::Unpause,
        });
    }
    if draw.happens(15) {
        wishes.push(Wish {
            after_ms: draw.of_any_size(1, 900_000),
            order: Order::Cancel {
                why: None,
                parts: Vec::new(),
            },
        });
    }
    wishes
}

/// What was asked for and is not done yet. Clones share it; it outlives processes, as its table does.
#[derive(Clone)]
pub(super) struct Hand {
    clock: Clock,
    asked: Arc<Mutex<Vec<Asked>>>,
}

#[derive(Clone)]
struct Asked {
    at_ms: i64,
    command: Command,
    /// The run that it is for: the one that is at work when it is asked.
    run: Option<RunId>,
}

impl Hand {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            asked: Arc::default(),
        }
    }

    /// A process starts, during which somebody will have these wishes.
    pub(super) fn wish(&self, wishes: &[Wish]) {
        let mut asked = self.asked.lock().unwrap();
        let now = self.clock.now_ms();
        for wish in wishes {
            let id = CommandId(format!("c{now}-{}", wish.after_ms));
            asked.push(Asked {
                at_ms: now + i64::from(wish.after_ms),
                command: Command {
                    id,
                    order: wish.order.clone(),
                    by: Person {
                        user: "ada".to_owned(),
                        host: "desk".to_owned(),
                    },
                },
                run: None,
            });
        }
    }

    /// What a process at `run` sees of it. What the journal has is not asked again.
    pub(super) fn at(&self, run: RunId, records: &[Record]) -> AtRun {
        let known = records.iter().filter_map(|record| record.event.command());
        let known: BTreeSet<&CommandId> = known.collect();
        let mut asked = self.asked.lock().unwrap();
        asked.retain(|asked| !known.contains(&asked.command.id));
        AtRun {
            hand: self.clone(),
            run,
            given: BTreeSet::new(),
        }
    }
}

/// The hand, as the process at one run sees it.
pub(super) struct AtRun {
    hand: Hand,
    run: RunId,
    given: BTreeSet<CommandId>,
}

impl Control for AtRun {
    fn look(&mut self) -> Vec<Command> {
        let now = self.hand.clock.now_ms();
        let mut all = self.hand.asked.lock().unwrap();
        let mut commands = Vec::new();
        for asked in all.iter_mut().filter(|asked| asked.at_ms <= now) {
            let run = *asked.run.get_or_insert(self.run);
            if run == self.run && self.given.insert(asked.command.id.clone()) {
                commands.push(asked.command.clone());
            }
        }
        commands
    }

    fn obeyed(&mut self, commands: &[CommandId]) {
        let mut asked = self.hand.asked.lock().unwrap();
        asked.retain(|asked| !commands.contains(&asked.command.id));
    }

    fn due(&self) -> BoxFuture<'static, ()> {
        let now = self.hand.clock.now_ms();
        let asked = self.hand.asked.lock().unwrap();
        let next = asked.iter().map(|asked| asked.at_ms).filter(|at| *at > now);
        match next.min() {
            Some(at) => let_pass(Duration::from_millis(at.abs_diff(now))).boxed(),
            None => std::future::pending().boxed(),
        }
    }
}

/// What people asked for is kept: nothing new is sent while a run is paused, nor once it is cancelled.
pub(super) fn check(records: &[Record], story: &Story) {
    let (mut paused, mut cancelled) = (false, false);
    for record in records {
        match &record.event {
            Event::RunStarted { .. } => (paused, cancelled) = (false, false),
            // Who goes on with a paused run lets it go on.
            Event::RunResumed { .. } | Event::Unpaused { .. } => paused = false,
            Event::Paused { .. } => paused = true,
            Event::Cancelled { .. } => cancelled = true,
            Event::Intended { key, .. } if paused || cancelled => {
                let how = if paused { "paused" } else { "cancelled" };
                story.broken(
                    "C1",
                    format!("{} is sent in a run that is {how}", key.as_str()),
                );
            }
            _ => {}
        }
    }
}
