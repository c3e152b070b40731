//! What a person says about sends and jobs whose story the state does not know: as records, no IO.

use std::collections::BTreeMap;

use super::open::SessionError;
use crate::plan::actions::Plan;
use crate::plan::content::Content;
use crate::plan::digest::Digest;
use crate::plan::family::{Family, PartIx};
use crate::plan::ids::StepRef;
use crate::plan::key::IdempotencyKey;
use crate::plan::memory::{Lineage, Memory};
use crate::plan::remote::JobId;
use crate::plan::send::SendId;
use crate::run::event::{AdoptedWrite, Event, Person, Record};
use crate::schedule::adoption::seen;
use crate::schedule::witness::{Message, Quarry, Subject};

/// Records that nothing unresolved or claimed of `parts` was ever executed, as a person says.
///
/// # Errors
/// When there is no such part, or nothing of it is unresolved.
pub fn confirm_absent(
    family: &Family,
    memory: &Memory,
    parts: &[String],
    by: &Person,
) -> Result<Vec<Record>, SessionError> {
    let mut records = Vec::new();
    for name in parts {
        let part = family
            .part_indices()
            .find(|part| family.part(*part).id.as_str() == name)
            .ok_or_else(|| SessionError::NotUnresolved(format!("there is no part {name:?}")))?;
        let id = family.part(part).id.clone();
        let create = family.write_keys(part).first().copied();
        let is_claimed = create.is_some_and(|create| memory.claims.contains_key(&create));
        let is_unresolved = memory
            .sends
            .iter()
            .any(|send| send.step.part == id && send.is_in_question());
        match create {
            Some(create) if is_claimed || is_unresolved => records.push(Record {
                at: memory.last_at,
                run: None,
                event: Event::ConfirmedAbsent {
                    part: id,
                    create,
                    by: by.clone(),
                },
            }),
            _ => {
                let why = format!("nothing of part {name:?} is unresolved");
                return Err(SessionError::NotUnresolved(why));
            }
        }
    }
    Ok(records)
}

/// The jobs that the parts of `plan` are to be given: those that a person names, or where nobody names any, those that the
/// scan found, as far as there is one for each part that asks for it.
///
/// # Errors
/// When a named part is not there, or has a job already.
pub fn assignments(
    plan: &Plan,
    memory: &Memory,
    named: &[(String, String)],
) -> Result<Vec<(PartIx, JobId)>, SessionError> {
    let family = &plan.family;
    if named.is_empty() {
        let mut parts: BTreeMap<_, Vec<PartIx>> = BTreeMap::new();
        for part in family.part_indices() {
            if let Some(create) = family.write_keys(part).first()
                && known(plan, memory, part).is_none()
            {
                parts.entry(*create).or_default().push(part);
            }
        }
        let found = memory.claims.values().filter_map(|claim| {
            let parts = parts.get(&claim.create)?;
            (parts.len() == claim.jobs.len()).then_some((parts, &claim.jobs))
        });
        return Ok(found
            .flat_map(|(parts, jobs)| parts.iter().copied().zip(jobs.iter().cloned()))
            .collect());
    }
    let assignment = |(part, job): &(String, String)| {
        let ix = family
            .part_indices()
            .find(|ix| family.part(*ix).id.as_str() == part)
            .ok_or_else(|| SessionError::NoAdoption(format!("there is no part {part:?}")))?;
        let job = JobId(job.clone());
        if let Some(known) = known(plan, memory, ix) {
            let has = known.job.as_ref().map_or("a send", |job| job.0.as_str());
            let why = format!("part {part:?} has {has} already");
            return Err(SessionError::NoAdoption(why));
        }
        if memory.jobs.contains_key(&job) {
            let why = format!("{job} is a part's already");
            return Err(SessionError::NoAdoption(why));
        }
        Ok((ix, job))
    };
    named.iter().map(assignment).collect()
}

/// The job that `part` has.
fn known<'a>(plan: &Plan, memory: &'a Memory, part: PartIx) -> Option<&'a Lineage> {
    memory.lineages.get(&plan.lineage(part)?)
}

/// Records that `part` is given `job`, whose history is `history`; `bytes` is the size of an image of the manifest.
///
/// # Errors
/// When the job has seen anything else than the first writes of the part, or an image can't be read.
pub fn adopt<E: Into<SessionError>>(
    plan: &Plan,
    memory: &Memory,
    (part, job): (PartIx, JobId),
    history: &[Message],
    bytes: impl Fn(Digest) -> Result<usize, E>,
    by: &Person,
) -> Result<Record, SessionError> {
    let family = &plan.family;
    let writes: Vec<_> = family
        .steps_of(part)
        .filter(|ix| family.step(*ix).kind.is_write())
        .collect();
    // What is not known yet can't be told from other writes, and nor can what comes after it.
    let writes = (writes.iter()).map_while(|ix| {
        let content = family.step(*ix).content()?;
        Some((family.step_ref(*ix), plan.send_id(*ix)?, content))
    });
    let writes: Vec<(StepRef, SendId, &Content)> = writes.collect();
    let wanted = writes.iter().map(|(step, send, content)| {
        let subject = Subject::Create {
            step: step.clone(),
            key: send.key,
        };
        Quarry::new(subject, content, &bytes).map_err(Into::into)
    });
    let wanted = wanted.collect::<Result<Vec<_>, SessionError>>()?;
    let seen = seen(&wanted, history).map_err(|why| {
        let part = &family.part(part).id;
        SessionError::NoAdoption(format!("{job} can't be the job of part {part}: {why}"))
    })?;
    let adopted = writes
        .into_iter()
        .take(seen)
        .map(|(step, send, content)| AdoptedWrite {
            send,
            step,
            content: content.clone(),
            key: IdempotencyKey::new(&family.salt, send.key, send.lineage, 0),
        });
    Ok(Record {
        at: memory.last_at,
        run: None,
        event: Event::Adopted {
            writes: adopted.collect(),
            job,
            by: by.clone(),
        },
    })
}
