//! Matrices: the product of the axes, less what is excluded, with what is included.

use crate::manifest::shape::{Axis, Matrix, Scalar, Var};
use crate::manifest::{Code, Diagnostic, Diagnostics, Spanned, did_you_mean};

/// One value for each axis, in the order of the axes.
pub(super) type Combination<'m> = Vec<&'m Scalar>;

/// How many combinations there are before any is excluded.
pub(super) fn size(matrix: &Matrix) -> usize {
    let product = |size: usize, axis: &Axis| size.saturating_mul(axis.values.len());
    (matrix.axes.iter())
        .fold(1, product)
        .saturating_add(matrix.include.len())
}

/// All combinations: those of the axes with the last one running fastest, then the included ones.
pub(super) fn expand<'m>(matrix: &'m Matrix, problems: &mut Diagnostics) -> Vec<Combination<'m>> {
    refuse_equal_values(matrix, problems);
    let mut combinations: Vec<Combination<'m>> = vec![Vec::new()];
    for axis in &matrix.axes {
        combinations = combinations
            .iter()
            .flat_map(|head| axis.values.iter().map(|value| extended(head, &value.value)))
            .collect();
    }
    for exclude in &matrix.exclude {
        remove(matrix, exclude, &mut combinations, problems);
    }
    for include in &matrix.include {
        let Some(combination) = complete(matrix, include, problems) else {
            continue;
        };
        if combinations.contains(&combination) {
            problems.push(
                Diagnostic::error(
                    Code::DuplicateCombination,
                    include.span,
                    "this combination is there already",
                )
                .help("remove it: `include` adds combinations that the axes don't give"),
            );
        }
        combinations.push(combination);
    }
    if combinations.is_empty() {
        problems.push(
            Diagnostic::error(
                Code::EmptyMatrix,
                matrix.span,
                "nothing is left of this matrix",
            )
            .help("remove an `exclude`"),
        );
    }
    combinations
}

fn extended<'m>(head: &Combination<'m>, value: &'m Scalar) -> Combination<'m> {
    let mut all = Vec::with_capacity(head.len() + 1);
    all.extend_from_slice(head);
    all.push(value);
    all
}

fn refuse_equal_values(matrix: &Matrix, problems: &mut Diagnostics) {
    for axis in &matrix.axes {
        for (i, value) in axis.values.iter().enumerate() {
            let known = axis.values[..i].iter().find(|v| v.value == value.value);
            if let Some(known) = known {
                let message = format!("axis `{}` has this value twice", axis.name.value);
                problems.push(
                    Diagnostic::error(Code::DuplicateCombination, value.span, message)
                        .see(known.span, "here first")
                        .help("remove one of the two"),
                );
            }
        }
    }
}

fn remove<'m>(
    matrix: &'m Matrix,
    exclude: &'m Spanned<Vec<Var>>,
    combinations: &mut Vec<Combination<'m>>,
    problems: &mut Diagnostics,
) {
    let mut wanted: Vec<(usize, &Scalar)> = Vec::new();
    for var in &exclude.value {
        match index_of(matrix, var, problems) {
            Some(axis) => wanted.push((axis, &var.value.value)),
            None => return,
        }
    }
    let before = combinations.len();
    combinations.retain(|all| !wanted.iter().all(|&(axis, value)| all[axis] == value));
    if combinations.len() == before {
        problems.push(
            Diagnostic::warning(Code::IdleExclude, exclude.span, "this excludes nothing")
                .help("remove it, or correct its values: `60` and `\"60\"` are two values"),
        );
    }
}

/// The combination of an include, which names every axis.
fn complete<'m>(
    matrix: &'m Matrix,
    include: &'m Spanned<Vec<Var>>,
    problems: &mut Diagnostics,
) -> Option<Combination<'m>> {
    let mut values: Vec<Option<&Scalar>> = vec![None; matrix.axes.len()];
    for var in &include.value {
        values[index_of(matrix, var, problems)?] = Some(&var.value.value);
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

fn index_of(matrix: &Matrix, var: &Var, problems: &mut Diagnostics) -> Option<usize> {
    let name = var.name.value.as_str();
    let axes = || matrix.axes.iter().map(|axis| axis.name.value.as_str());
    let found = axes().position(|axis| axis == name);
    if found.is_none() {
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
    }
    found
}
