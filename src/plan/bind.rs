//! Which remote job a part has: twins are told apart by what was done to their jobs, never by their position.

use std::collections::{BTreeMap, BTreeSet};

use super::family::{Family, PartIx};
use super::ids::PartId;
use super::key::{LineageId, StepKey};
use super::memory::Memory;

/// Matches every part to a remote job, known or still to be made; the answer is in the order of the parts. A part whose
/// create is not known yet has none.
///
/// A step key contains the keys of all writes before it, so two chains that share the key at some depth share everything
/// above it. Going from the deepest keys upwards and matching what is left therefore finds the longest common lineages.
/// A job that ends where the two chains meet can go on; one that went on otherwise is of use to nobody, and stays with the
/// part that had it. Among equals a part keeps the job that it had.
#[must_use]
pub fn bind(family: &Family, memory: &Memory) -> Vec<Option<LineageId>> {
    let chains: Vec<Vec<StepKey>> = family
        .part_indices()
        .map(|part| family.write_keys(part))
        .collect();
    let mut bound: BTreeMap<PartIx, LineageId> = BTreeMap::new();
    let mut free = known_chains(memory);

    let deepest = chains.iter().map(Vec::len).max().unwrap_or(0);
    for depth in (0..deepest).rev() {
        let mut jobs: BTreeMap<StepKey, Vec<LineageId>> = BTreeMap::new();
        for (lineage, chain) in &free {
            if let Some(key) = chain.get(depth) {
                jobs.entry(*key).or_default().push(*lineage);
            }
        }
        let mut parts: BTreeMap<StepKey, Vec<PartIx>> = BTreeMap::new();
        for part in family
            .part_indices()
            .filter(|part| !bound.contains_key(part))
        {
            if let Some(key) = chains[part.0 as usize].get(depth) {
                parts.entry(*key).or_default().push(part);
            }
        }
        for (key, parts) in parts {
            let (fitting, diverged): (Vec<_>, Vec<_>) = jobs
                .remove(&key)
                .unwrap_or_default()
                .into_iter()
                .partition(|job| free[job].len() == depth + 1);
            for (part, lineage) in pair(family, memory, parts, fitting, &diverged) {
                free.remove(&lineage);
                bound.insert(part, lineage);
            }
        }
    }
    give_fresh_ordinals(family, memory, &chains, &mut bound);
    let parts = family.part_indices();
    parts.map(|part| bound.get(&part).copied()).collect()
}

/// The chains of writes of all known jobs, each at least its create.
fn known_chains(memory: &Memory) -> BTreeMap<LineageId, Vec<StepKey>> {
    let chain = |lineage: &LineageId| {
        let mut keys = vec![lineage.create];
        let applied = memory.applied(&memory.lineages[lineage]);
        keys.extend(
            applied
                .iter()
                .map(|send| send.id.key)
                .filter(|key| *key != lineage.create),
        );
        keys
    };
    memory
        .lineages
        .keys()
        .map(|lineage| (*lineage, chain(lineage)))
        .collect()
}

/// Pairs parts with jobs that suit them equally well: first those that belonged together, then in order; and parts that
/// are left with their own jobs that went on otherwise.
fn pair(
    family: &Family,
    memory: &Memory,
    parts: Vec<PartIx>,
    fitting: Vec<LineageId>,
    diverged: &[LineageId],
) -> Vec<(PartIx, LineageId)> {
    let by_owner = |jobs: &[LineageId]| -> BTreeMap<&PartId, LineageId> {
        let owner = |job: &LineageId| memory.lineages[job].part.as_ref();
        jobs.iter()
            .filter_map(|job| Some((owner(job)?, *job)))
            .collect()
    };
    let id = |part: PartIx| &family.part(part).id;
    let owned = by_owner(&fitting);
    let (mut pairs, mut strangers) = (Vec::new(), Vec::new());
    for part in parts {
        match owned.get(id(part)) {
            Some(job) => pairs.push((part, *job)),
            None => strangers.push(part),
        }
    }
    let taken: BTreeSet<LineageId> = pairs.iter().map(|(_, job)| *job).collect();
    let mut left = fitting.into_iter().filter(|job| !taken.contains(job));
    let owned = by_owner(diverged);
    for part in strangers {
        let job = left.next().or_else(|| owned.get(id(part)).copied());
        pairs.extend(job.map(|job| (part, job)));
    }
    pairs
}

/// Parts without a job get ordinals that no job of the same create ever had; in the order of what is wanted of them.
fn give_fresh_ordinals(
    family: &Family,
    memory: &Memory,
    chains: &[Vec<StepKey>],
    bound: &mut BTreeMap<PartIx, LineageId>,
) {
    let mut next: BTreeMap<StepKey, u32> = BTreeMap::new();
    for lineage in memory.lineages.keys() {
        let ordinal = next.entry(lineage.create).or_default();
        *ordinal = (*ordinal).max(lineage.ordinal + 1);
    }
    let mut left: Vec<PartIx> = family
        .part_indices()
        .filter(|part| !bound.contains_key(part))
        .collect();
    left.sort_by_key(|part| (chains[part.0 as usize].last().copied(), *part));
    for part in left {
        let Some(create) = chains[part.0 as usize].first().copied() else {
            continue;
        };
        let ordinal = next.entry(create).or_default();
        bound.insert(
            part,
            LineageId {
                create,
                ordinal: *ordinal,
                generation: 0,
            },
        );
        *ordinal += 1;
    }
}
