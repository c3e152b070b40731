//! A family in the making, and what is needed everywhere to make it.

use std::collections::{BTreeMap, BTreeSet};

use super::images::ImageSource;
use super::template::Engine;
use crate::manifest::{Diagnostic, Diagnostics, Sources, Span};
use crate::plan::content::Digest;
use crate::plan::family::{Part, PartIx, Step};
use crate::plan::ids::StepId;

/// The most parts of a family, counted before any combination is excluded.
pub const MAX_PARTS: usize = 100_000;

/// What resolving needs everywhere.
pub(super) struct Bench<'a> {
    pub(super) engine: Engine,
    pub(super) sources: &'a Sources,
    pub(super) images: &'a mut dyn ImageSource,
    /// Where each image was read from.
    pub(super) paths: BTreeMap<Digest, String>,
    /// Whether a template or condition was refused, so that what it uses is not known.
    pub(super) has_unread_text: bool,
    pub(super) problems: Diagnostics,
}

impl Bench<'_> {
    /// Reports `problem` of one of an entry's parts, and has no value.
    pub(super) fn refuse<T>(&mut self, problem: Diagnostic) -> Option<T> {
        self.problems.push_first(problem);
        None
    }
}

/// A family in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) parts: Vec<Part>,
    pub(super) steps: Vec<Step>,
    /// For each part, the index of its entry in the manifest.
    pub(super) origins: Vec<usize>,
    pub(super) publications: Vec<Publication>,
    /// Where each image was read from.
    pub(super) images: BTreeMap<Digest, String>,
    /// The ids that could not be worked out, as far as they are known.
    pub(super) unknown_ids: BTreeSet<IdPattern>,
    /// The variables that something uses.
    pub(super) used: BTreeSet<String>,
}

/// One download of one part.
pub(super) struct Publication {
    /// The part.
    pub(super) part: PartIx,
    /// Its download.
    pub(super) step: StepId,
    /// The path without extension.
    pub(super) stem: String,
    /// Where its folder was written, or its step.
    pub(super) span: Span,
}

/// What makes a need a glob.
pub(super) const META: [char; 4] = ['*', '?', '[', '{'];

/// How an id that could not be worked out starts and ends, so that only needs which could name it are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IdPattern {
    start: String,
    end: String,
}

impl IdPattern {
    /// The pattern of ids that are made from `template`.
    pub(super) fn of(template: &str) -> Self {
        let before = template.split('{').next().unwrap_or_default();
        let after = template.rsplit('}').next().unwrap_or_default();
        if before.len() == template.len() {
            return Self::default();
        }
        Self {
            start: before.trim_end().to_owned(),
            end: after.trim_start().to_owned(),
        }
    }

    /// Whether the id could be what `need` names.
    pub(super) fn may_be(&self, need: &str, is_glob: bool) -> bool {
        if is_glob {
            let start = need.split(META).next().unwrap_or_default();
            return start.starts_with(&self.start) || self.start.starts_with(start);
        }
        (need.strip_prefix(self.start.as_str())).is_some_and(|rest| rest.ends_with(&self.end))
    }
}
