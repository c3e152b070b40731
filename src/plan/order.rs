//! What waits for what, step by step, and an order that keeps it.

use super::family::{Family, StepIx};

/// What the step at `ix` waits for: the step before it in its part, what it needs itself, and for the first step of a part
/// the ends of the parts that it needs.
pub fn before(family: &Family, ix: StepIx) -> impl Iterator<Item = StepIx> + use<'_> {
    let step = family.step(ix);
    let part = family.part(step.part);
    let is_first = part.steps.start == ix.0;
    let in_part = (!is_first).then(|| StepIx(ix.0 - 1));
    let parts = part.needs.iter().filter(move |_| is_first);
    // A part without steps is at its end.
    let ends = parts.filter_map(|need| family.steps_of(*need).next_back());
    in_part
        .into_iter()
        .chain(step.needs.iter().copied())
        .chain(ends)
}

/// All steps in an order in which each comes after everything that it waits for.
#[must_use]
pub fn in_order(family: &Family) -> Vec<StepIx> {
    let mut seen = vec![false; family.steps.len()];
    let mut order = Vec::with_capacity(family.steps.len());
    let mut stack = Vec::new();
    for root in family.step_indices() {
        stack.push((root, false));
        while let Some((ix, is_ready)) = stack.pop() {
            if is_ready {
                order.push(ix);
                continue;
            }
            if std::mem::replace(&mut seen[ix.0 as usize], true) {
                continue;
            }
            stack.push((ix, true));
            // A family is validated: no circle gets here.
            let unseen = before(family, ix).filter(|before| !seen[before.0 as usize]);
            stack.extend(unseen.map(|before| (before, false)));
        }
    }
    order
}
