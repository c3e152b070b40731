//! Which remote job a part has: twins are told apart by what was done to their jobs, never by their position.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::content::StepKind;
use super::family::{Ask, Family, PartIx, Step};
use super::ids::PartId;
use super::key::{LineageId, StepKey};
use super::memory::Memory;
use super::send::SendState;

/// Matches every part to a remote job, known or still to be made; the answer is in the order of the parts. A part whose
/// create is not known yet has none.
///
/// A job can go on as a part's when everything that was done to it is what the part asks for first. A step key contains the
/// keys of all writes before it, so the key of a job's last write says which parts these are. Going from the longest
/// lineages to the shortest, each job goes to a part that asks for it, and no other choice would keep more of what is paid.
/// Among equals a part keeps the job that it had. A job that went on otherwise is of use to no part: it stays where it is,
/// and is found again by whatever asks for it later.
#[must_use]
pub fn bind(family: &Family, memory: &Memory) -> Vec<Option<LineageId>> {
    let mut matching = Matching::new(family, memory);
    matching.keep_what_is_open();
    matching.longest_first();
    matching.creates_to_try_again();
    matching.fresh();
    matching.bound
}

/// The writes that were applied to `lineage` or may have been, in order; none, when its create was not.
#[must_use]
pub fn chain(memory: &Memory, lineage: &LineageId) -> Vec<StepKey> {
    let Some(known) = memory.lineages.get(lineage) else {
        return Vec::new();
    };
    let applied = memory.applied(known).into_iter().map(|send| send.id.key);
    let keys: Vec<StepKey> = applied.collect();
    if keys.contains(&lineage.create) {
        keys
    } else {
        Vec::new()
    }
}

struct Matching<'a> {
    family: &'a Family,
    memory: &'a Memory,
    /// What each part asks for, as far as it is known.
    chains: Vec<Vec<StepKey>>,
    bound: Vec<Option<LineageId>>,
    taken: HashSet<LineageId>,
}

impl<'a> Matching<'a> {
    fn new(family: &'a Family, memory: &'a Memory) -> Self {
        let chains = family.part_indices().map(|part| family.write_keys(part));
        Self {
            family,
            memory,
            chains: chains.collect(),
            bound: vec![None; family.parts.len()],
            taken: HashSet::new(),
        }
    }

    fn chain(&self, part: PartIx) -> &[StepKey] {
        &self.chains[part.0 as usize]
    }

    fn take(&mut self, part: PartIx, lineage: LineageId) {
        self.bound[part.0 as usize] = Some(lineage);
        self.taken.insert(lineage);
    }

    fn unbound(&self) -> Vec<PartIx> {
        let parts = self.family.part_indices();
        parts
            .filter(|part| self.bound[part.0 as usize].is_none())
            .collect()
    }

    fn id(&self, part: PartIx) -> &'a PartId {
        &self.family.part(part).id
    }

    /// A part with writes that are not known yet keeps its job, which may have seen them: that is told when they are known.
    fn keep_what_is_open(&mut self) {
        for part in self.family.part_indices() {
            let wanted = self.chain(part);
            let mut writes = self.family.steps_of(part).map(|ix| self.family.step(ix));
            let is_open =
                writes.any(|step| step.kind.is_write() && matches!(step.ask, Ask::Dynamic(_)));
            let Some(last) = self.memory.last_jobs.get(self.id(part)).filter(|_| is_open) else {
                continue;
            };
            let applied = chain(self.memory, last);
            let may_fit = !wanted.is_empty() && applied.starts_with(wanted);
            if may_fit && !self.memory.is_retired(last) && !self.taken.contains(last) {
                self.take(part, *last);
            }
        }
    }

    fn longest_first(&mut self) {
        let mut jobs: BTreeMap<(Reverse<usize>, StepKey), Vec<LineageId>> = BTreeMap::new();
        for lineage in self.memory.lineages.keys() {
            if self.memory.is_retired(lineage) || self.taken.contains(lineage) {
                continue;
            }
            let chain = chain(self.memory, lineage);
            if let Some(last) = chain.last() {
                let alike = jobs.entry((Reverse(chain.len()), *last)).or_default();
                alike.push(*lineage);
            }
        }
        let mut wanting: HashMap<StepKey, Vec<PartIx>> = HashMap::new();
        for part in self.unbound() {
            for key in self.chain(part) {
                wanting.entry(*key).or_default().push(part);
            }
        }
        for ((Reverse(depth), key), jobs) in jobs {
            let parts = wanting.get(&key).into_iter().flatten().copied();
            let is_left = |part: &PartIx| {
                self.bound[part.0 as usize].is_none()
                    && self.chain(*part).get(depth - 1) == Some(&key)
            };
            let parts = parts.filter(is_left).collect();
            self.pair(parts, jobs);
        }
    }

    /// Jobs that never came to be: their parts try them again.
    fn creates_to_try_again(&mut self) {
        let mut jobs: BTreeMap<StepKey, Vec<LineageId>> = BTreeMap::new();
        for lineage in self.memory.lineages.keys() {
            let is_free = !self.memory.is_retired(lineage) && !self.taken.contains(lineage);
            if is_free && chain(self.memory, lineage).is_empty() {
                jobs.entry(lineage.create).or_default().push(*lineage);
            }
        }
        let mut parts: BTreeMap<StepKey, Vec<PartIx>> = BTreeMap::new();
        for part in self.unbound() {
            if let Some(create) = self.chain(part).first() {
                parts.entry(*create).or_default().push(part);
            }
        }
        for (create, jobs) in jobs {
            self.pair(parts.remove(&create).unwrap_or_default(), jobs);
        }
    }

    /// Pairs parts with jobs that suit them equally well. A part that has one of the jobs keeps it, or changes with another
    /// such part where their reviews are then those that were answered; those that have none take what is left.
    fn pair(&mut self, parts: Vec<PartIx>, jobs: Vec<LineageId>) {
        if parts.is_empty() {
            return;
        }
        let memory = self.memory;
        let by_id: HashMap<&PartId, PartIx> =
            parts.iter().map(|part| (self.id(*part), *part)).collect();
        let mut own: BTreeMap<PartIx, LineageId> = BTreeMap::new();
        let mut ownerless = Vec::new();
        for job in jobs {
            let owner = memory.lineages[&job].part.as_ref();
            let owner = owner.and_then(|owner| by_id.get(owner));
            match owner.filter(|owner| !own.contains_key(owner)) {
                Some(owner) => drop(own.insert(*owner, job)),
                None => ownerless.push(job),
            }
        }
        let strangers: Vec<PartIx> = parts
            .into_iter()
            .filter(|part| !own.contains_key(part))
            .collect();
        let (kept, moved): (Vec<_>, Vec<_>) = own
            .into_iter()
            .partition(|(part, job)| self.reviews_of_part(*part) == reviews_of_job(memory, job));
        for (part, job) in kept {
            self.take(part, job);
        }
        let (parts, jobs): (Vec<PartIx>, Vec<LineageId>) = moved.iter().copied().unzip();
        let (parts, jobs) = self.by_reviews(parts, jobs);
        let own: BTreeMap<PartIx, LineageId> = moved.into_iter().collect();
        let mut left: BTreeSet<LineageId> = jobs.into_iter().collect();
        let mut others = Vec::new();
        for part in parts {
            match own.get(&part).filter(|job| left.remove(job)) {
                Some(job) => self.take(part, *job),
                None => others.push(part),
            }
        }
        self.in_order(others, left);
        let (strangers, jobs) = self.by_reviews(strangers, ownerless);
        self.in_order(strangers, jobs);
    }

    /// Gives parts jobs whose reviews are theirs; the answer is what is left of both.
    fn by_reviews(
        &mut self,
        parts: Vec<PartIx>,
        jobs: Vec<LineageId>,
    ) -> (Vec<PartIx>, Vec<LineageId>) {
        let mut alike: HashMap<Vec<StepKey>, VecDeque<LineageId>> = HashMap::new();
        for job in &jobs {
            let reviews = reviews_of_job(self.memory, job);
            alike.entry(reviews).or_default().push_back(*job);
        }
        let mut left = Vec::new();
        for part in parts {
            let reviews = self.reviews_of_part(part);
            match alike.get_mut(&reviews).and_then(VecDeque::pop_front) {
                Some(job) => self.take(part, job),
                None => left.push(part),
            }
        }
        let is_left = |job: &LineageId| !self.taken.contains(job);
        (left, jobs.into_iter().filter(is_left).collect())
    }

    fn in_order(&mut self, parts: Vec<PartIx>, jobs: impl IntoIterator<Item = LineageId>) {
        for (part, job) in parts.into_iter().zip(jobs) {
            self.take(part, job);
        }
    }

    fn reviews_of_part(&self, part: PartIx) -> Vec<StepKey> {
        let steps = self.family.steps_of(part).map(|ix| self.family.step(ix));
        let reviews = steps.filter(|step| step.kind == StepKind::Review);
        let mut keys: Vec<StepKey> = reviews.filter_map(Step::key).collect();
        keys.sort_unstable();
        keys
    }

    /// Parts without a job get one that was never made: one that is made anew on purpose the next generation of what it had,
    /// every other an ordinal that no job of the same create ever had, in the order of what is wanted of them.
    fn fresh(&mut self) {
        let mut next: HashMap<StepKey, u32> = HashMap::new();
        for lineage in self.memory.lineages.keys() {
            let ordinal = next.entry(lineage.create).or_default();
            *ordinal = (*ordinal).max(lineage.ordinal + 1);
        }
        let mut left = self.unbound();
        left.sort_by_key(|part| (self.chain(*part).last().copied(), *part));
        for part in left {
            let Some(create) = self.chain(part).first().copied() else {
                continue;
            };
            if let Some(next) = self.next_generation(part, create) {
                self.take(part, next);
                continue;
            }
            let ordinal = next.entry(create).or_default();
            let lineage = LineageId {
                create,
                ordinal: *ordinal,
                generation: 0,
            };
            *ordinal += 1;
            self.take(part, lineage);
        }
    }

    fn next_generation(&self, part: PartIx, create: StepKey) -> Option<LineageId> {
        let last = self.memory.last_jobs.get(self.id(part))?;
        let next = LineageId {
            generation: last.generation + 1,
            ..*last
        };
        let is_free = !self.memory.lineages.contains_key(&next) && !self.taken.contains(&next);
        (last.create == create && self.memory.is_retired(last) && is_free).then_some(next)
    }
}

/// The reviews that were answered of a job.
fn reviews_of_job(memory: &Memory, job: &LineageId) -> Vec<StepKey> {
    let sends = memory.lineages[job].sends.iter().map(|ix| memory.send(*ix));
    let reviews = sends.filter(|send| matches!(send.state, SendState::Reviewed(_)));
    let mut keys: Vec<StepKey> = reviews.map(|send| send.id.key).collect();
    keys.sort_unstable();
    keys
}
