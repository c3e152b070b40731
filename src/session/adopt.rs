//! Giving parts the jobs that are there already: their histories are read, and what a person said is recorded.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::open::{Loaded, SessionError, missing_files};
use super::recover;
use super::run::{Options, keep_images};
use super::service::Service;
use super::slots;
use super::state::{OpenState, output_folder};
use crate::adapters::orville::Orville;
use crate::execute::ports::{Admission, Api as _, Clock, Journal as _, Request, StorageError};
use crate::plan::actions::Plan;
use crate::plan::ids::PartId;
use crate::plan::remote::JobId;
use crate::run::event::{Event, Person, Record};
use crate::run::history::History;
use crate::schedule::answer::{Answer, Verdict};
use crate::schedule::slot::{Admittance, Class};
use crate::schedule::witness::Message;

/// What became of one adoption.
#[derive(Debug)]
pub struct Adoption {
    /// The part.
    pub part: PartId,
    /// The job that it was to be given.
    pub job: JobId,
    /// How many of its writes the job has seen; or why it was not adopted.
    pub outcome: Result<usize, String>,
}

/// Gives the parts of `loaded` the jobs that are `named` (part, job), or those that a scan found where none is named.
///
/// # Errors
/// When the state or the service can't be reached, or a name is wrong. What can't be adopted by itself is in the answer.
pub async fn adopt_jobs(
    loaded: Loaded,
    options: &Options,
    named: &[(String, String)],
    by: &Person,
) -> Result<Vec<Adoption>, SessionError> {
    let output = output_folder(&loaded, &options.origin);
    let OpenState {
        lock: _lock,
        folder: state,
        mut journal,
        store,
        records,
    } = OpenState::open(&loaded, options, &output)?;
    keep_images(&loaded, &store)?;
    let mut history = History::of(&records);
    let missing: BTreeSet<String> = missing_files(&output, &history.memory);
    let plan = Plan::new(loaded.family, &history.memory, &missing);
    let assignments = recover::assignments(&plan, &history.memory, named)?;
    if assignments.is_empty() {
        return Ok(Vec::new());
    }

    let last_at = history.memory.last_at;
    let Service { client, clock } = Service::reach(&options.origin, &state, last_at).await?;
    let shared = options.limits.as_deref();
    let mut admission = slots::open(&plan.family, &options.origin, &state, shared, clock.now())?;
    let api = Orville::new(client, Arc::clone(&store));
    let mut adoptions = Vec::new();
    for (part, job) in assignments {
        wait_for_a_read(&mut admission, &*clock).await?;
        let reply = api.call(Request::History(job.clone())).await;
        let messages = match reply.verdict {
            Verdict::Done(Answer::History(messages)) => Ok(messages),
            Verdict::Refused(rejection) => Err(format!(
                "its history can't be read: {}: {}",
                rejection.code, rejection.message
            )),
            Verdict::Unknown { why, .. } | Verdict::NotSent { why } => {
                Err(format!("its history did not come: {why}"))
            }
            Verdict::Done(_) => Err("an answer to another question".to_owned()),
        };
        let record = messages.and_then(|messages: Vec<Message>| {
            let bytes = |digest| store.get(digest).map(|bytes| bytes.len());
            let memory = &history.memory;
            recover::adopt::<StorageError>(&plan, memory, (part, job.clone()), &messages, bytes, by)
                .map_err(|error| error.to_string())
        });
        let outcome = record.and_then(|record: Record| {
            journal
                .append(std::slice::from_ref(&record))
                .map_err(|error| error.to_string())?;
            history.apply(&record);
            match record.event {
                Event::Adopted { writes, .. } => Ok(writes.len()),
                _ => Ok(0),
            }
        });
        adoptions.push(Adoption {
            part: plan.family.part(part).id.clone(),
            job,
            outcome,
        });
    }
    Ok(adoptions)
}

/// Waits until the limits let a read go out.
async fn wait_for_a_read(
    admission: &mut dyn Admission,
    clock: &dyn Clock,
) -> Result<(), StorageError> {
    loop {
        let now = clock.now();
        match admission.admit(&[Class::Reads], now) {
            Admittance::Granted(slots) => {
                admission.commit()?;
                // One request at a time: whenever its answer comes, it counts from the next admission on.
                admission.answered(&slots, now);
                return Ok(());
            }
            Admittance::NotBefore { at, .. } => clock.sleep_until(at).await,
            Admittance::WhenAnswered { .. } => {
                clock
                    .sleep_until(now.after(std::time::Duration::from_secs(1)))
                    .await;
            }
        }
    }
}
