//! The journal's rows of sends and jobs: a projection of its events, kept in the same transaction.

use rusqlite::Transaction;

use crate::execute::ports::StorageError;
use crate::plan::digest::Digest;
use crate::plan::remote::WriteResult;
use crate::plan::send::SendId;
use crate::run::event::{Event, Record};

/// A change to the rows of sends and jobs.
struct Rows<'a> {
    change: &'a Transaction<'a>,
    path: &'a str,
}

/// The row of a send's latest attempt: the earlier ones stay as they ended.
macro_rules! latest {
    ($what:literal) => {
        concat!(
            "(select ",
            $what,
            " from sends where send = ?1 order by attempt desc limit 1)"
        )
    };
}

const SET_STATE: &str = concat!("update sends set state = ?2 where id = ", latest!("id"));
const SET_JOB: &str = concat!(
    "update sends set state = ?2, job_id = ?3 where id = ",
    latest!("id")
);
const ADD_JOB: &str = concat!(
    "insert into jobs (job_id, part, state, next_poll_at)
     select ?3, part, ?2, ?4 from sends where id = ",
    latest!("id"),
    " on conflict (job_id) do update set state = ?2, next_poll_at = ?4"
);
const SET_POLL: &str = concat!(
    "update jobs set next_poll_at = ?2 where job_id = ",
    latest!("job_id")
);
const END_JOB: &str = concat!(
    "update jobs set state = ?2, next_poll_at = null, charged_cents = coalesce(?3, charged_cents) where job_id = ",
    latest!("job_id")
);

/// Keeps the rows of sends and jobs as the event says.
pub(super) fn project(
    change: &Transaction<'_>,
    record: &Record,
    path: &str,
) -> Result<(), StorageError> {
    let rows = Rows { change, path };
    let state = record.event.name();
    match &record.event {
        Event::Intended { .. } => rows.intend(&record.event),
        Event::Accepted {
            send,
            job,
            next_poll_at,
            ..
        } => {
            let send = look_up(send);
            rows.run(SET_JOB, &[&send, &state, &job.0])?;
            rows.run(ADD_JOB, &[&send, &state, &job.0, &next_poll_at.0])
        }
        Event::PollSent { send, next_poll_at }
        | Event::Polled {
            send, next_poll_at, ..
        } => rows.run(SET_POLL, &[&look_up(send), &next_poll_at.0]),
        Event::Swept { at_work, .. } => at_work.iter().try_fold(0, |_, job| {
            rows.run(SET_POLL, &[&look_up(&job.send), &job.next_poll_at.0])
        }),
        Event::Completed {
            send,
            result: WriteResult { charged, .. },
            ..
        }
        | Event::JobFailed { send, charged, .. } => {
            let (send, charged) = (look_up(send), charged.map(|charged| charged.0));
            rows.run(SET_STATE, &[&send, &state])?;
            rows.run(END_JOB, &[&send, &state, &charged])
        }
        Event::ChargeKnown { job, charged, .. } => rows.run(
            "update jobs set charged_cents = ?2 where job_id = ?1",
            &[&job.0, &charged.0],
        ),
        event => event
            .send()
            .map_or(Ok(0), |send| rows.run(SET_STATE, &[&look_up(send), &state])),
    }
    .map(drop)
}

impl Rows<'_> {
    fn run(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<usize, StorageError> {
        let done = self
            .change
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values));
        done.map_err(|error| StorageError::new(self.path, error))
    }

    fn intend(&self, event: &Event) -> Result<usize, StorageError> {
        let Event::Intended {
            send,
            step,
            content,
            target,
            attempt,
            key,
            hold,
        } = event
        else {
            return Ok(0);
        };
        let json = serde_json::to_string(&(content, target))
            .map_err(|error| StorageError::new(self.path, error))?;
        let digest = Digest::of(json.as_bytes()).to_string();
        let kept = self.run(
            "insert into sends (idempotency_key, send, content_sha256, part, step, attempt, hold_cents, state, job_id)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             on conflict (idempotency_key) do update set state = ?8, hold_cents = ?7 where content_sha256 = ?3",
            &[
                &key.as_str(),
                &look_up(send),
                &digest,
                &step.part.as_str(),
                &step.step.as_str(),
                attempt,
                &hold.0,
                &event.name(),
                &target.as_ref().map(|target| &target.job.0),
            ],
        )?;
        if kept == 0 {
            let why = format!("the idempotency key of {step} was used for something else");
            return Err(StorageError::new(self.path, why));
        }
        Ok(kept)
    }
}

/// What a send is looked up by: short, since every index entry has it.
fn look_up(send: &SendId) -> [u8; 16] {
    let lineage = send.lineage;
    let text = format!(
        "{}/{}.{}/{}",
        lineage.create, lineage.ordinal, lineage.generation, send.key
    );
    let mut short = [0; 16];
    short.copy_from_slice(&Digest::of(text.as_bytes()).as_bytes()[..16]);
    short
}
