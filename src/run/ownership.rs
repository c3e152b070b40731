//! Folding which part has which remote job.

use crate::plan::ids::PartId;
use crate::plan::key::LineageId;
use crate::plan::memory::Memory;

impl Memory {
    /// `part` has the remote job `lineage` from now on.
    pub(super) fn give(&mut self, part: &PartId, lineage: LineageId) {
        self.lineages.entry(lineage).or_default().part = Some(part.clone());
        self.last_jobs.insert(part.clone(), lineage);
    }

    /// `lineage` is no part's job any more. What it brings home and what it costs stays known.
    pub(super) fn retire(&mut self, lineage: LineageId) {
        if let Some(known) = self.lineages.get_mut(&lineage) {
            known.retired = true;
        }
    }
}
