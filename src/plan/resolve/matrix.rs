//! Matrices: the product of the axes, less what is excluded, with what is included.
//!
//! A value that was refused is one that nobody knows: it makes combinations, but what can only be said of known values is
//! not said of them.

use std::collections::{BTreeMap, BTreeSet};

use super::excludes::{Excludes, Verdict};
use crate::manifest::shape::{Matrix, Scalar, Var};
use crate::manifest::{Code, Diagnostic, Diagnostics, Span, Spanned, did_you_mean, nearest};

/// One value for each axis, in the order of the axes; nothing for one that was refused.
pub(super) type Combination<'m> = Vec<Option<&'m Scalar>>;

/// What a matrix comes to.
pub(super) struct Expansion<'m> {
    /// The combinations that are surely there.
    pub(super) combinations: Vec<Combination<'m>>,
    /// Whether there may be others.
    pub(super) has_others: bool,
}

/// A value that can be looked up. No two numbers that are equal differ here: the reader made the whole ones integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'m> {
    Text(&'m str),
    Int(i64),
    Float(u64),
    Bool(bool),
}

impl<'m> From<&'m Scalar> for Key<'m> {
    fn from(scalar: &'m Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => Self::Text(text),
            Scalar::Int(number) => Self::Int(*number),
            Scalar::Float(number) => Self::Float(number.to_bits()),
            Scalar::Bool(value) => Self::Bool(*value),
        }
    }
}

/// How many combinations there are before any is excluded.
pub(super) fn size(matrix: &Matrix) -> usize {
    let sizes = matrix.axes.iter().map(|axis| axis.values.len());
    sizes
        .fold(1, usize::saturating_mul)
        .saturating_add(matrix.include.len())
}

/// All combinations: those of the axes with the last one running fastest, then the included ones. When they are too many
/// (`fits` is false), the matrix is looked at, and none is made.
pub(super) fn expand<'m>(
    matrix: &'m Matrix,
    fits: bool,
    problems: &mut Diagnostics,
) -> Expansion<'m> {
    let values = refuse_equal_values(matrix, problems);
    let mut excludes = Excludes::of(matrix, problems);
    let includes: Vec<Option<(Span, Combination<'m>)>> = (matrix.include.iter())
        .map(|include| {
            let include = include.as_ref().ok()?;
            Some((include.span, complete(matrix, include, problems)?))
        })
        .collect();
    let mut expansion = Expansion {
        combinations: Vec::new(),
        has_others: !fits || includes.iter().any(Option::is_none),
    };
    if !fits {
        return expansion;
    }
    let mut is_sure = true;
    for combination in product(&values) {
        match excludes.judge(&combination) {
            Verdict::Stays => expansion.combinations.push(combination),
            Verdict::Goes => {}
            Verdict::Unknown => is_sure = false,
        }
    }
    expansion.has_others |= !is_sure;
    if is_sure {
        excludes.report_idle(problems);
    }
    include(&mut expansion, includes.into_iter().flatten(), problems);
    if expansion.combinations.is_empty() && !expansion.has_others {
        problems.push(
            Diagnostic::error(
                Code::EmptyMatrix,
                matrix.span,
                "nothing is left of this matrix",
            )
            .help("remove an `exclude`"),
        );
    }
    expansion
}

fn product<'m>(values: &[Combination<'m>]) -> Vec<Combination<'m>> {
    let mut combinations: Vec<Combination<'m>> = vec![Vec::new()];
    for axis in values {
        combinations = combinations
            .iter()
            .flat_map(|head| axis.iter().map(|value| extended(head, *value)))
            .collect();
    }
    combinations
}

fn extended<'m>(head: &Combination<'m>, value: Option<&'m Scalar>) -> Combination<'m> {
    let mut all = Vec::with_capacity(head.len() + 1);
    all.extend_from_slice(head);
    all.push(value);
    all
}

/// The different values of each axis.
fn refuse_equal_values<'m>(
    matrix: &'m Matrix,
    problems: &mut Diagnostics,
) -> Vec<Vec<Option<&'m Scalar>>> {
    let mut all = Vec::with_capacity(matrix.axes.len());
    for axis in &matrix.axes {
        let mut first: BTreeMap<Key<'_>, Span> = BTreeMap::new();
        let mut values = Vec::with_capacity(axis.values.len());
        for value in &axis.values {
            let Ok(value) = value else {
                values.push(None);
                continue;
            };
            let key = Key::from(&value.value);
            let Some(known) = first.get(&key) else {
                first.insert(key, value.span);
                values.push(Some(&value.value));
                continue;
            };
            let message = format!("axis `{}` has this value twice", axis.name.value);
            problems.push(
                Diagnostic::error(Code::DuplicateCombination, value.span, message)
                    .see(*known, "here first")
                    .help("remove one of the two"),
            );
        }
        all.push(values);
    }
    all
}

/// Adds `includes`, each of which is new.
fn include<'m>(
    expansion: &mut Expansion<'m>,
    includes: impl Iterator<Item = (Span, Combination<'m>)>,
    problems: &mut Diagnostics,
) {
    let mut includes = includes.peekable();
    if includes.peek().is_none() {
        return;
    }
    let mut known: BTreeSet<Vec<Key<'m>>> = (expansion.combinations.iter())
        .filter_map(|combination| keys(combination))
        .collect();
    for (span, combination) in includes {
        if keys(&combination).is_none_or(|keys| known.insert(keys)) {
            expansion.combinations.push(combination);
            continue;
        }
        problems.push(
            Diagnostic::error(
                Code::DuplicateCombination,
                span,
                "this combination is there already",
            )
            .help("remove it: `include` adds combinations that the axes don't give"),
        );
    }
}

fn keys<'m>(combination: &Combination<'m>) -> Option<Vec<Key<'m>>> {
    let key = |value: &Option<&'m Scalar>| value.map(Key::from);
    combination.iter().map(key).collect()
}

/// The combination of an include, which names every axis.
fn complete<'m>(
    matrix: &'m Matrix,
    include: &'m Spanned<Vec<Var>>,
    problems: &mut Diagnostics,
) -> Option<Combination<'m>> {
    let mut values: Vec<Option<Option<&Scalar>>> = vec![None; matrix.axes.len()];
    let mut is_right = true;
    for var in &include.value {
        match index_of(matrix, var, problems) {
            Some(axis) if values[axis].is_none() => {
                values[axis] = Some(var.value.as_ref().ok().map(|value| &value.value));
            }
            _ => is_right = false,
        }
    }
    // The axis that has no value may be the one whose name is wrong.
    if !is_right {
        return None;
    }
    for (axis, value) in matrix.axes.iter().zip(&values) {
        if value.is_none() {
            let message = format!("axis `{}` has no value here", axis.name.value);
            problems.push(
                Diagnostic::error(Code::BadCombination, include.span, message)
                    .help("an `include` gives a value for every axis"),
            );
        }
    }
    values.into_iter().collect()
}

/// The axis that `var` names; reports that there is none, and takes the one that looks like it.
pub(super) fn index_of(matrix: &Matrix, var: &Var, problems: &mut Diagnostics) -> Option<usize> {
    let name = var.name.value.as_str();
    let axes = || matrix.axes.iter().map(|axis| axis.name.value.as_str());
    let found = axes().position(|axis| axis == name);
    found.or_else(|| {
        let known: Vec<&str> = axes().collect();
        problems.push(
            Diagnostic::error(
                Code::BadCombination,
                var.name.span,
                format!("this matrix has no axis `{name}`"),
            )
            .help_if(did_you_mean(name, axes()))
            .help(format!("its axes are: {}", known.join(", "))),
        );
        let meant = nearest(name, axes());
        axes().position(|axis| Some(axis) == meant)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Sources;
    use crate::manifest::shape::Axis;

    const MANY: i64 = 100_000;

    fn at<T>(n: usize, value: T) -> Spanned<T> {
        let span = Span {
            source: Sources::default().add("a", ""),
            start: n,
            end: n + 1,
        };
        Spanned::new(value, span)
    }

    fn only(number: i64) -> Spanned<Vec<Var>> {
        let value = Ok(at(0, Scalar::Int(number)));
        let name = at(0, "a".to_owned());
        at(usize::try_from(number).unwrap(), vec![Var { name, value }])
    }

    #[test]
    fn a_hundred_thousand_values_excludes_and_includes_are_looked_up_and_not_compared() {
        let values = (0..MANY).map(|n| Ok(at(0, Scalar::Int(n))));
        let matrix = Matrix {
            span: at(0, ()).span,
            axes: vec![Axis {
                name: at(0, "a".to_owned()),
                values: values.collect(),
            }],
            exclude: (1..=MANY).map(|n| Ok(only(n))).collect(),
            include: (0..MANY).map(|n| Ok(only(n))).collect(),
        };
        let mut problems = Diagnostics::default();
        let expansion = expand(&matrix, true, &mut problems);
        assert_eq!(expansion.combinations.len(), 100_000);
        let found: Vec<_> = (problems.iter())
            .map(|problem| (problem.code, problem.primary.span.start))
            .collect();
        let expected = [
            (Code::DuplicateCombination, 0),
            (Code::IdleExclude, 100_000),
        ];
        assert_eq!(found, expected);
    }
}
