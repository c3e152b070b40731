//! The `exclude` entries of a matrix: which combinations they remove.

use std::collections::{BTreeMap, BTreeSet};

use super::matrix::{Combination, Key, index_of};
use crate::manifest::shape::{Matrix, Var};
use crate::manifest::{Code, Diagnostic, Diagnostics, Span, Spanned};

/// What becomes of a combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No exclude names it.
    Stays,
    /// One does.
    Goes,
    /// One may: not all of it, or of the combination, could be read.
    Unknown,
}

/// All excludes that name the same axes, by the values that they name. So a combination is looked up once for each set of
/// axes, and not compared with each exclude.
#[derive(Default)]
struct Group<'m> {
    /// The axes, in their order.
    axes: Vec<usize>,
    /// The first exclude with these values.
    excludes: BTreeMap<Vec<Key<'m>>, usize>,
    /// The values of excludes of which some other condition could not be read.
    partial: BTreeSet<Vec<Key<'m>>>,
}

impl<'m> Group<'m> {
    fn values(&self, combination: &Combination<'m>) -> Option<Vec<Key<'m>>> {
        let key = |axis: &usize| combination[*axis].map(Key::from);
        self.axes.iter().map(key).collect()
    }
}

/// All excludes of a matrix.
pub(super) struct Excludes<'m> {
    groups: Vec<Group<'m>>,
    spans: Vec<Option<Span>>,
    has_removed: Vec<bool>,
}

impl<'m> Excludes<'m> {
    /// Those of `matrix`; reports axes that it does not have.
    pub(super) fn of(matrix: &'m Matrix, problems: &mut Diagnostics) -> Self {
        let mut groups: BTreeMap<Vec<usize>, Group<'m>> = BTreeMap::new();
        let mut spans = Vec::with_capacity(matrix.exclude.len());
        for (ix, exclude) in matrix.exclude.iter().enumerate() {
            let (wanted, is_whole) = match exclude {
                Ok(exclude) => conditions(matrix, exclude, problems),
                Err(_) => (BTreeMap::new(), false),
            };
            let (axes, values): (Vec<usize>, Vec<Key<'m>>) = wanted.into_iter().unzip();
            let group = groups.entry(axes).or_default();
            if is_whole {
                group.excludes.entry(values).or_insert(ix);
            } else {
                group.partial.insert(values);
            }
            spans.push(exclude.as_ref().ok().filter(|_| is_whole).map(|e| e.span));
        }
        let named = |(axes, group)| Group { axes, ..group };
        Self {
            groups: groups.into_iter().map(named).collect(),
            has_removed: vec![false; spans.len()],
            spans,
        }
    }

    /// What becomes of `combination`. The first exclude that names it is the one that removes it.
    pub(super) fn judge(&mut self, combination: &Combination<'m>) -> Verdict {
        let mut first: Option<usize> = None;
        let mut is_unknown = false;
        for group in &self.groups {
            let Some(values) = group.values(combination) else {
                is_unknown = true;
                continue;
            };
            if let Some(&ix) = group.excludes.get(&values) {
                first = Some(first.map_or(ix, |known| known.min(ix)));
            }
            is_unknown |= group.partial.contains(&values);
        }
        match first {
            Some(ix) => {
                self.has_removed[ix] = true;
                Verdict::Goes
            }
            None if is_unknown => Verdict::Unknown,
            None => Verdict::Stays,
        }
    }

    /// Reports those that removed nothing.
    pub(super) fn report_idle(&self, problems: &mut Diagnostics) {
        for (span, has_removed) in self.spans.iter().zip(&self.has_removed) {
            let (Some(span), false) = (span, has_removed) else {
                continue;
            };
            problems.push(
                Diagnostic::warning(Code::IdleExclude, *span, "this excludes nothing")
                    .help("remove it, or correct its values: `60` and `\"60\"` are two values"),
            );
        }
    }
}

/// The axes and values that `exclude` names, and whether all of it is understood.
fn conditions<'m>(
    matrix: &'m Matrix,
    exclude: &'m Spanned<Vec<Var>>,
    problems: &mut Diagnostics,
) -> (BTreeMap<usize, Key<'m>>, bool) {
    let mut wanted = BTreeMap::new();
    let mut is_whole = true;
    for var in &exclude.value {
        match (index_of(matrix, var, problems), &var.value) {
            (Some(axis), Ok(value)) => {
                let other = wanted.insert(axis, Key::from(&value.value));
                is_whole &= other.is_none();
            }
            _ => is_whole = false,
        }
    }
    (wanted, is_whole)
}
