//! Needs that name steps: which steps wait for which, and the circles in that.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::draft::Draft;
use super::needs::{circle, find_parts};
use super::order::written_ids;
use crate::manifest::shape::PartEntry;
use crate::manifest::{Code, Diagnostic, Diagnostics, Span, Spanned, did_you_mean};
use crate::plan::family::{Part, PartIx, StepIx};

/// One need, and the steps that it waits for, as indices of the draft.
pub(super) struct StepNeed {
    /// The index of the entry of `parts` that has it.
    pub(super) origin: usize,
    /// Which of its steps has it; nothing when the whole part has.
    pub(super) step: Option<usize>,
    pub(super) span: Span,
    /// Whether it names parts by a pattern: the own part is none of them.
    is_glob: bool,
    pub(super) waits_for: Vec<usize>,
}

/// Whether `need` names a step of a part.
pub(super) fn names_step(need: &Spanned<String>) -> bool {
    need.value.contains('/')
}

/// All needs of `entries` that name a step, or are a step's own; reports what they name wrongly.
pub(super) fn find(
    entries: &[PartEntry],
    by_id: &BTreeMap<&str, Option<PartIx>>,
    draft: &Draft,
    problems: &mut Diagnostics,
) -> Vec<StepNeed> {
    let mut needs = Vec::new();
    for (origin, entry) in entries.iter().enumerate() {
        let of_part = entry.needs.iter().filter(|need| names_step(need));
        let of_part = of_part.map(|need| (None, need));
        let of_steps = (entry.steps.iter().enumerate())
            .flat_map(|(ix, step)| step.needs.iter().map(move |need| (Some(ix), need)));
        for (step, need) in of_part.chain(of_steps) {
            let (part, named) = match need.value.split_once('/') {
                Some((part, named)) => (part, Some(named)),
                None => (need.value.as_str(), None),
            };
            let found = find_parts(part, need.span, by_id, &draft.unknown_ids, problems);
            let is_glob = found.as_ref().is_some_and(|found| found.is_glob);
            let parts = found.map(|found| found.parts).unwrap_or_default();
            let mut waits_for = Vec::new();
            for ix in parts {
                let Some(named) = named else {
                    waits_for.extend(last_step(draft, ix));
                    continue;
                };
                let part = &draft.parts[ix.0 as usize];
                let entry = &entries[draft.origins[ix.0 as usize]];
                match missing_step(part, entry, named, need.span) {
                    Some(problem) => problems.push_first(problem),
                    None => waits_for.extend(step_of(draft, ix, named)),
                }
            }
            needs.push(StepNeed {
                origin,
                step,
                span: need.span,
                is_glob,
                waits_for,
            });
        }
    }
    needs
}

/// That `part`, made of `entry`, has no step `step`, if that is so. One whose condition is false is there: a need on it is met.
fn missing_step(part: &Part, entry: &PartEntry, step: &str, span: Span) -> Option<Diagnostic> {
    let known = written_ids(&entry.steps)?;
    if known.contains(&step) {
        return None;
    }
    let message = format!("the part `{}` has no step `{step}`", part.id);
    Some(
        Diagnostic::error(Code::UnknownStep, span, message)
            .help_if(did_you_mean(step, known.iter().copied()))
            .help(format!("its steps are: {}", known.join(", "))),
    )
}

/// The last step of `part`: it succeeded when this has.
fn last_step(draft: &Draft, part: PartIx) -> Option<usize> {
    let steps = &draft.parts[part.0 as usize].steps;
    (!steps.is_empty()).then(|| steps.end as usize - 1)
}

/// The step `id` of `part`; nothing when its condition is false, which meets every need on it.
fn step_of(draft: &Draft, part: PartIx, id: &str) -> Option<usize> {
    let steps = &draft.parts[part.0 as usize].steps;
    (steps.start as usize..steps.end as usize).find(|ix| draft.steps[*ix].id.as_str() == id)
}

/// One step waits for another.
pub(super) struct Edge {
    from: usize,
    to: usize,
    /// The need that says so, unless it is the order of the part or the need of one part on another.
    span: Option<Span>,
}

/// What `needs` say of each step, at most `most` of it.
///
/// # Errors
/// The place of the need with which it is more.
pub(super) fn edges(
    entries: &[PartEntry],
    needs: &[StepNeed],
    draft: &Draft,
    most: usize,
) -> Result<Vec<Edge>, Span> {
    let mut edges = Vec::new();
    let mut by_origin: BTreeMap<usize, Vec<&StepNeed>> = BTreeMap::new();
    for need in needs {
        by_origin.entry(need.origin).or_default().push(need);
    }
    for (part, origin) in draft.parts.iter().zip(&draft.origins) {
        let Some(needs) = by_origin.get(origin) else {
            continue;
        };
        let (first, end) = (part.steps.start as usize, part.steps.end as usize);
        if first == end {
            continue;
        }
        let ids = written_ids(&entries[*origin].steps);
        for need in needs {
            let from = match (need.step, &ids) {
                (None, _) => Some(first),
                (Some(step), Some(ids)) => {
                    (first..end).find(|ix| draft.steps[*ix].id.as_str() == ids[step])
                }
                (Some(_), None) => None,
            };
            let Some(from) = from else { continue };
            let is_other = |to: &usize| !need.is_glob || !(first..end).contains(to);
            let span = Some(need.span);
            let others = need.waits_for.iter().copied().filter(is_other);
            edges.extend(others.map(|to| Edge { from, to, span }));
            if edges.len() > most {
                return Err(need.span);
            }
        }
    }
    Ok(edges)
}

/// Gives each step what it needs: of other parts, since the steps of its own wait for each other anyway.
pub(super) fn join(edges: &[Edge], draft: &mut Draft) {
    for edge in edges {
        if draft.steps[edge.from].part != draft.steps[edge.to].part {
            let to = StepIx(u32::try_from(edge.to).unwrap_or(u32::MAX));
            draft.steps[edge.from].needs.push(to);
        }
    }
    let joined: BTreeSet<usize> = edges.iter().map(|edge| edge.from).collect();
    for from in joined {
        let needs = &mut draft.steps[from].needs;
        needs.sort_unstable();
        needs.dedup();
    }
}

/// Refuses steps that wait for each other by `named`. Circles of whole parts are looked for elsewhere.
pub(super) fn refuse_circles(named: &[Edge], draft: &Draft, problems: &mut Diagnostics) {
    if named.is_empty() {
        return;
    }
    let mut graph: DiGraph<(), (), u32> = DiGraph::default();
    for _ in &draft.steps {
        graph.add_node(());
    }
    for edge in named {
        graph.add_edge(NodeIndex::new(edge.from), NodeIndex::new(edge.to), ());
    }
    for part in &draft.parts {
        let (first, end) = (part.steps.start as usize, part.steps.end as usize);
        for ix in (first + 1)..end {
            graph.add_edge(NodeIndex::new(ix), NodeIndex::new(ix - 1), ());
        }
        if first == end {
            continue;
        }
        for last in part.needs.iter().filter_map(|need| last_step(draft, *need)) {
            graph.add_edge(NodeIndex::new(first), NodeIndex::new(last), ());
        }
    }
    for component in tarjan_scc(&graph) {
        let Some(start) = component.iter().copied().min() else {
            continue;
        };
        if let Some(circle) = circle(&graph, start) {
            problems.extend(describe(&circle, named, draft));
        }
    }
}

/// The problem of `circle`, each of whose steps waits for the next one; nothing when no need that names a step is in it.
fn describe(circle: &[usize], edges: &[Edge], draft: &Draft) -> Option<Diagnostic> {
    let name = |ix: usize| {
        let step = &draft.steps[ix];
        format!("{}/{}", draft.parts[step.part.0 as usize].id, step.id)
    };
    let around: Vec<usize> = circle.iter().chain(circle.first()).copied().collect();
    let names: Vec<String> = around.iter().map(|ix| name(*ix)).collect();
    let message = format!("steps wait for each other: {}", names.join(" -> "));
    let mut problem: Option<Diagnostic> = None;
    let mut shown = BTreeSet::new();
    for pair in around.windows(2) {
        let is_it = |edge: &&Edge| edge.from == pair[0] && edge.to == pair[1];
        let Some(span) = edges.iter().filter(is_it).find_map(|edge| edge.span) else {
            continue;
        };
        if !shown.insert(span) {
            continue;
        }
        let text = format!("`{}` waits for `{}`", name(pair[0]), name(pair[1]));
        problem = Some(match problem {
            None => Diagnostic::error(Code::Cycle, span, message.clone()).label(text),
            Some(problem) => problem.see(span, text),
        });
    }
    problem.map(|problem| {
        problem.help(
            "remove one of these needs; the steps of a part wait for each other in their order",
        )
    })
}
