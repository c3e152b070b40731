//! The life of each send, read from the journal alone: I17, events follow the machine, and I5, a new key only after the
//! service failed the work.

use std::collections::BTreeMap;

use millrun::plan::send::SendId;
use millrun::run::event::{Event, Record, SeenAtWork};

use super::story::Story;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    Running,
    Done,
    /// It was clearly not executed.
    NotExecuted,
    Failed,
    Unresolved,
}

/// One send, as far as it came.
struct Known {
    life: Life,
    attempt: u32,
    key: String,
}

/// Checks the journal of a whole night.
pub(super) fn check(records: &[Record], story: &Story) {
    let mut lives: BTreeMap<SendId, Known> = BTreeMap::new();
    for record in records {
        let event = &record.event;
        if let Event::Intended {
            send, attempt, key, ..
        } = event
        {
            intend(&mut lives, send, *attempt, key.as_str(), story);
            continue;
        }
        if let Event::Swept { at_work, .. } = event {
            let is_running = |job: &SeenAtWork| {
                lives.get(&job.send).map(|known| known.life) == Some(Life::Running)
            };
            if !at_work.iter().all(is_running) {
                story.broken("I17", "a sweep of a send that is not at work");
            }
            continue;
        }
        let Some(send) = event.send() else { continue };
        let Some(known) = lives.get_mut(send) else {
            story.broken(
                "I17",
                format!("{} of a send without an intent", event.name()),
            );
            continue;
        };
        let next = after(known.life, event);
        match next {
            Some(life) => known.life = life,
            None => story.broken(
                "I17",
                format!(
                    "{} of a send that is {:?}, key {}",
                    event.name(),
                    known.life,
                    known.key
                ),
            ),
        }
    }
}

fn intend(
    lives: &mut BTreeMap<SendId, Known>,
    send: &SendId,
    attempt: u32,
    key: &str,
    story: &Story,
) {
    if let Some(before) = lives.get(send) {
        let expected = match before.life {
            Life::Failed => before.attempt + 1,
            Life::NotExecuted => before.attempt,
            life => {
                return story.broken(
                    "I17",
                    format!("an intent of a send that is {life:?}, key {}", before.key),
                );
            }
        };
        if attempt != expected || (attempt == before.attempt) != (key == before.key) {
            story.broken(
                "I5",
                format!(
                    "attempt {attempt} with {key} follows {} with {}",
                    before.attempt, before.key
                ),
            );
        }
    } else if attempt != 0 {
        story.broken(
            "I5",
            format!("the first attempt with {key} has the number {attempt}"),
        );
    }
    lives.insert(
        *send,
        Known {
            life: Life::Open,
            attempt,
            key: key.to_owned(),
        },
    );
}

/// What a send is after `event`; `None` when that can't come now.
fn after(life: Life, event: &Event) -> Option<Life> {
    Some(match (life, event) {
        (Life::Open, Event::Resent { .. } | Event::Unanswered { .. } | Event::Doubted { .. }) => {
            Life::Open
        }
        (Life::Open, Event::Accepted { .. }) => Life::Running,
        (Life::Open, Event::Reviewed { .. }) => Life::Done,
        // What the service's records show of a send; one that was unresolved is looked for again by the next run.
        (Life::Open | Life::Unresolved, Event::Witnessed { .. }) => Life::Running,
        (Life::Open | Life::Unresolved, Event::ReviewWitnessed { .. }) => Life::Done,
        (
            Life::Open | Life::Unresolved,
            Event::Absent {
                look_again_at: Some(_),
                ..
            },
        ) => Life::Open,
        (Life::Open | Life::Unresolved, Event::Absent { .. }) => Life::NotExecuted,
        (Life::Unresolved, Event::Unresolved { .. }) => Life::Unresolved,
        (Life::Open, Event::Refused { .. } | Event::Postponed { .. }) => Life::NotExecuted,
        (Life::Open | Life::Running, Event::Unresolved { .. }) => Life::Unresolved,
        (Life::Running, Event::PollSent { .. } | Event::Polled { .. }) => Life::Running,
        // A job that was given up is looked at again by the next run.
        (Life::Unresolved, Event::PollSent { .. }) => Life::Running,
        (Life::Running, Event::Completed { .. }) => Life::Done,
        (Life::Running, Event::JobFailed { .. }) => Life::Failed,
        (Life::Done, Event::FileStored { .. } | Event::FileNotStored { .. }) => Life::Done,
        // What recovery finds out about a send that nobody could tell of.
        (Life::Unresolved, Event::Accepted { .. }) => Life::Running,
        (Life::Unresolved, Event::Resent { .. }) => Life::Open,
        _ if !is_of_the_machine(event) => life,
        _ => return None,
    })
}

/// Whether the event is one of those whose order is checked here.
fn is_of_the_machine(event: &Event) -> bool {
    matches!(
        event,
        Event::Resent { .. }
            | Event::Unanswered { .. }
            | Event::Accepted { .. }
            | Event::Reviewed { .. }
            | Event::Refused { .. }
            | Event::Postponed { .. }
            | Event::Unresolved { .. }
            | Event::Doubted { .. }
            | Event::Witnessed { .. }
            | Event::ReviewWitnessed { .. }
            | Event::Absent { .. }
            | Event::PollSent { .. }
            | Event::Polled { .. }
            | Event::Completed { .. }
            | Event::JobFailed { .. }
            | Event::FileStored { .. }
            | Event::FileNotStored { .. }
    )
}
