//! Jobs that no part wants any more: they were paid, and are never deleted. They are shown.

use serde::Serialize;

use crate::plan::ids::PartId;
use crate::plan::key::LineageId;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::remote::JobId;
use crate::untrusted::terminal;

/// How many are named before the rest is counted.
const SHOWN: usize = 3;

/// A job that no part wants any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// The job.
    pub job_id: JobId,
    /// The part that had it last.
    pub part: Option<PartId>,
    /// What it was charged.
    pub charged_cents: Cents,
}

impl Orphan {
    /// What is known of `lineages`.
    #[must_use]
    pub fn of(memory: &Memory, lineages: &[LineageId]) -> Vec<Self> {
        let known = lineages.iter().filter_map(|id| memory.lineages.get(id));
        let orphan = |job: &JobId, part: &Option<PartId>, charged| Self {
            job_id: job.clone(),
            part: part.clone(),
            charged_cents: charged,
        };
        known
            .filter_map(|known| {
                let charged = memory.charged(known);
                Some(orphan(known.job.as_ref()?, &known.part, charged))
            })
            .collect()
    }
}

/// All of `orphans` in one phrase, the first few by name: `cadjob_a (lid), cadjob_b (box)`; empty when there are none.
#[must_use]
pub(super) fn phrase(orphans: &[Orphan], full: bool) -> String {
    let shown = if full { orphans.len() } else { SHOWN };
    let named = orphans.iter().take(shown).map(|orphan| {
        let job = terminal::line(&orphan.job_id.0);
        match &orphan.part {
            Some(part) => format!("{job} (was {part})"),
            None => job,
        }
    });
    let named: Vec<String> = named.collect();
    let mut phrase = named.join(", ");
    if orphans.len() > shown {
        phrase.push_str(&format!(" and {} more", orphans.len() - shown));
    }
    phrase
}
