//! A manifest with its meaning worked out: every part, every step, every key, and what waits for what.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::content::{Content, StepKind};

use super::digest::Digest;
use super::dynamic::Dynamic;
use super::ids::{PartId, StepId, StepRef};
use super::key::{Salt, StepKey};
use super::settings::Settings;

/// The index of a part in [`Family::parts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartIx(pub u32);

/// The index of a step in [`Family::steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIx(pub u32);

/// One family of parts, expanded and validated.
#[derive(Debug, Clone)]
pub struct Family {
    /// What its sends are salted with; `salt.name` is the family's name.
    pub salt: Salt,
    /// The manifest's description, empty when absent.
    pub description: String,
    /// Limits, budget, retries, output.
    pub settings: Settings,
    /// All parts, in the manifest's order.
    pub parts: Vec<Part>,
    /// All steps; those of one part stand together, in their order.
    pub steps: Vec<Step>,
    /// Where each image that a step refers to was read from, relative to the manifest's folder.
    pub images: BTreeMap<Digest, String>,
}

/// One thing to be made.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its id.
    pub id: PartId,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// The parts that must have succeeded before it starts, without doubles.
    pub needs: Vec<PartIx>,
    /// Its steps, as indices into [`Family::steps`].
    pub steps: Range<u32>,
    /// The steps whose `when` was false: they don't exist, but a report names them.
    pub skipped: Vec<(StepId, StepKind)>,
}

/// A node of the graph. It waits for the step before it in its part and for the steps that it needs, and a part's first step
/// for the parts that it needs.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its part.
    pub part: PartIx,
    /// Its id.
    pub id: StepId,
    /// What kind of step it is.
    pub kind: StepKind,
    /// What it asks for.
    pub ask: Ask,
    /// The steps of other parts that must have succeeded before it starts, sorted, without doubles.
    pub needs: Vec<StepIx>,
    /// The write before it in its part, on whose result it works; `None` for a create.
    pub write: Option<StepIx>,
    /// What a key doesn't see.
    pub policy: Policy,
}

/// What a step asks for, as far as that is known.
#[derive(Debug, Clone)]
pub enum Ask {
    /// All of it.
    Known {
        /// What it asks for.
        content: Content,
        /// Its content key.
        key: StepKey,
    },
    /// It reads results that are not there yet, or it comes after a write that does: it has no key before they are.
    Dynamic(Box<Dynamic>),
    /// It was dynamic, and its results are there.
    Resolved {
        /// What it asks for.
        content: Content,
        /// Its content key.
        key: StepKey,
    },
    /// It was dynamic, and its condition is false: it does not exist.
    Skipped,
}

/// What a step does with its result: no part of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Nothing to decide.
    None,
    /// For a review.
    OnProposal(OnProposal),
    /// For a download: the folder and file stem, relative to the output folder, with `/` between components. A single
    /// artifact becomes `<stem>.step`, several become `<stem>--<label>.step`.
    PublishAs(String),
}

/// What a review's proposal to iterate leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnProposal {
    /// It is reported.
    #[default]
    Ignore,
    /// The step fails.
    Fail,
}

impl Step {
    /// What it asks for, once that is known.
    #[must_use]
    pub const fn content(&self) -> Option<&Content> {
        match &self.ask {
            Ask::Known { content, .. } | Ask::Resolved { content, .. } => Some(content),
            Ask::Dynamic(_) | Ask::Skipped => None,
        }
    }

    /// What it asks for if it exists, where no result changes that.
    #[must_use]
    pub fn fixed_content(&self) -> Option<&Content> {
        match &self.ask {
            Ask::Dynamic(dynamic) => dynamic.fixed_content(),
            _ => self.content(),
        }
    }

    /// Its content key, once that is known.
    #[must_use]
    pub const fn key(&self) -> Option<StepKey> {
        match &self.ask {
            Ask::Known { key, .. } | Ask::Resolved { key, .. } => Some(*key),
            Ask::Dynamic(_) | Ask::Skipped => None,
        }
    }

    /// Its key, when it is known without any result.
    #[must_use]
    pub const fn static_key(&self) -> Option<StepKey> {
        match &self.ask {
            Ask::Known { key, .. } => Some(*key),
            Ask::Dynamic(_) | Ask::Resolved { .. } | Ask::Skipped => None,
        }
    }
}

impl Family {
    /// The part at `ix`.
    #[must_use]
    pub fn part(&self, ix: PartIx) -> &Part {
        &self.parts[ix.0 as usize]
    }

    /// The step at `ix`.
    #[must_use]
    pub fn step(&self, ix: StepIx) -> &Step {
        &self.steps[ix.0 as usize]
    }

    /// The indices of `part`'s steps, in order.
    pub fn steps_of(&self, part: PartIx) -> impl DoubleEndedIterator<Item = StepIx> + use<> {
        self.part(part).steps.clone().map(StepIx)
    }

    /// The parts that `part` waits for, as a whole or with some step, in order and without doubles.
    #[must_use]
    pub fn needed_parts(&self, part: PartIx) -> Vec<PartIx> {
        let steps = self.steps_of(part).flat_map(|ix| &self.step(ix).needs);
        let steps = steps.map(|need| self.step(*need).part);
        let whole = self.part(part).needs.iter().copied();
        let all: BTreeSet<PartIx> = whole.chain(steps).collect();
        all.into_iter().collect()
    }

    /// All parts with their indices.
    pub fn part_indices(&self) -> impl Iterator<Item = PartIx> + use<> {
        (0..u32::try_from(self.parts.len()).unwrap_or(u32::MAX)).map(PartIx)
    }

    /// All steps with their indices.
    pub fn step_indices(&self) -> impl Iterator<Item = StepIx> + use<> {
        (0..u32::try_from(self.steps.len()).unwrap_or(u32::MAX)).map(StepIx)
    }

    /// The name of the step at `ix`, for people and for events.
    #[must_use]
    pub fn step_ref(&self, ix: StepIx) -> StepRef {
        let step = self.step(ix);
        StepRef {
            part: self.part(step.part).id.clone(),
            step: step.id.clone(),
        }
    }

    /// The keys of `part`'s writes, in order, as far as they are known: what its remote job should have been through.
    #[must_use]
    pub fn write_keys(&self, part: PartIx) -> Vec<StepKey> {
        self.steps_of(part)
            .map(|ix| self.step(ix))
            .filter(|step| step.kind.is_write() && !matches!(step.ask, Ask::Skipped))
            .map_while(Step::key)
            .collect()
    }

    /// The digest of what makes two plans the same: part ids and the keys of their steps that are known before a run, in
    /// whatever order the parts are.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let line = |ix| {
            let steps = self.steps_of(ix).map(|step| self.step(step));
            let keys = steps.map(|step| match step.static_key() {
                Some(key) => format!(" {} {key}", step.id),
                None => format!(" {} -", step.id),
            });
            format!("{}{}\n", self.part(ix).id, keys.collect::<String>())
        };
        let mut lines: Vec<String> = self.part_indices().map(line).collect();
        lines.sort_unstable();
        Digest::of(lines.concat().as_bytes())
    }

    /// The dynamic step at `ix` turned out to ask for this.
    pub fn know(&mut self, ix: StepIx, content: Content, key: StepKey) {
        self.steps[ix.0 as usize].ask = Ask::Resolved { content, key };
    }

    /// The dynamic step at `ix` turned out not to exist: what hung on it hangs on the write before it.
    pub fn skip(&mut self, ix: StepIx) {
        let before = self.step(ix).write;
        self.steps[ix.0 as usize].ask = Ask::Skipped;
        for later in self.steps_of(self.step(ix).part) {
            let step = &mut self.steps[later.0 as usize];
            if step.write == Some(ix) {
                step.write = before;
            }
        }
    }

    /// Whether the step at `ix` has no job to work on: the create of its part was skipped.
    #[must_use]
    pub fn is_without_job(&self, ix: StepIx) -> bool {
        let steps = self.steps_of(self.step(ix).part).map(|ix| self.step(ix));
        let mut creates = steps.filter(|step| step.kind == StepKind::Create);
        self.step(ix).kind != StepKind::Create
            && creates.any(|step| matches!(step.ask, Ask::Skipped))
    }
}
