//! Parts that are made anew on a fresh job, because what was done to the one that they had can't be unmade; and the jobs
//! that no part wants any more.

use std::collections::BTreeSet;
use std::fmt;

use super::bind::chain;
use super::content::Content;
use super::family::{Ask, Family, PartIx, Step};
use super::ids::StepId;
use super::key::LineageId;
use super::memory::{Lineage, Memory};
use super::money::Cents;
use super::remote::JobId;

/// A part is made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recreation {
    /// What it had.
    pub before: LineageId,
    /// The job that it had, once the service had named it: it is kept, and no part has it.
    pub job: Option<JobId>,
    /// What that job was charged.
    pub charged: Cents,
    /// Why the part can't go on with it.
    pub cause: Cause,
}

/// Why a part can't go on with the job that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Its create was edited.
    Create {
        /// What made the job.
        applied: Content,
        /// What the manifest wants in its place, once that is known.
        wanted: Option<Content>,
    },
    /// An iterate that was applied to the job was edited.
    Edited {
        /// The step in whose place it is.
        step: StepId,
        /// What was applied.
        applied: Content,
        /// What the manifest wants in its place, once that is known.
        wanted: Option<Content>,
    },
    /// An iterate that was applied to the job was removed.
    Removed {
        /// The step that asked for it.
        step: StepId,
        /// What was applied.
        applied: Content,
    },
    /// A person wants it made anew.
    Regenerated,
}

impl Recreation {
    /// Why `part` can't go on with `before`, the job that it had.
    #[must_use]
    pub fn of(
        family: &Family,
        memory: &Memory,
        part: PartIx,
        before: LineageId,
        on_purpose: bool,
    ) -> Option<Self> {
        let known = memory.lineages.get(&before)?;
        let cause = if on_purpose || known.retired {
            Cause::Regenerated
        } else {
            first_difference(family, memory, part, known)?
        };
        Some(Self {
            before,
            job: known.job.clone(),
            charged: memory.charged(known),
            cause,
        })
    }
}

/// The first applied write of the job that the part doesn't want where it is.
fn first_difference(
    family: &Family,
    memory: &Memory,
    part: PartIx,
    known: &Lineage,
) -> Option<Cause> {
    let steps = family.steps_of(part).map(|ix| family.step(ix));
    let wanted: Vec<&Step> = steps
        .filter(|step| step.kind.is_write() && !matches!(step.ask, Ask::Skipped))
        .collect();
    let applied = memory.applied(known);
    let is_wanted = |depth: usize, key| {
        let step = wanted.get(depth);
        // One that is not known yet may be any.
        step.is_some_and(|step| step.key().is_none_or(|known| known == key))
    };
    let (depth, send) = applied
        .iter()
        .enumerate()
        .find(|(depth, send)| !is_wanted(*depth, send.id.key))?;
    let applied = send.content.clone();
    Some(match wanted.get(depth) {
        Some(step) if depth == 0 => Cause::Create {
            applied,
            wanted: step.content().cloned(),
        },
        Some(step) => Cause::Edited {
            step: step.id.clone(),
            applied,
            wanted: step.content().cloned(),
        },
        None => Cause::Removed {
            step: send.step.step.clone(),
            applied,
        },
    })
}

impl fmt::Display for Recreation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = match &self.job {
            Some(job) => format!("job {job}"),
            None => "the job that it had".to_owned(),
        };
        match &self.cause {
            Cause::Create { .. } => write!(f, "its create was edited; {job} made the old one"),
            Cause::Edited { step, .. } => {
                write!(f, "{step} was edited, and was applied to {job} as it was")
            }
            Cause::Removed { step, .. } => {
                write!(f, "{step} was removed, and was applied to {job}")
            }
            Cause::Regenerated => write!(f, "it is made anew on purpose; it had {job}"),
        }
    }
}

/// The jobs that no part has, of `bound`, the ones that parts have: they are kept at the service, and are found again by
/// whatever asks for what was done to them.
pub(super) fn orphans(memory: &Memory, bound: &BTreeSet<LineageId>) -> Vec<LineageId> {
    let lineages = memory.lineages.iter();
    let left = lineages.filter(|(id, known)| {
        known.job.is_some() && !bound.contains(id) && !chain(memory, id).is_empty()
    });
    left.map(|(id, _)| *id).collect()
}
