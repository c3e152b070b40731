//! What waits for what: ids and globs become parts, and circles are refused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use globset::GlobBuilder;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::draft::{Draft, IdPattern, MAX_PARTS, META};
use super::part_reads;
use super::step_needs::{self, names_step};
use crate::manifest::shape::PartEntry;
use crate::manifest::{Code, Diagnostic, Diagnostics, Span, Spanned, did_you_mean};
use crate::plan::family::PartIx;

/// The most edges of a family: ten for each of the most parts.
const MAX_EDGES: usize = 10 * MAX_PARTS;

/// One item of a `needs` list and the parts that it names.
pub(super) struct Need {
    span: Span,
    pub(super) is_glob: bool,
    pub(super) parts: Vec<PartIx>,
}

/// Fills in the needs of all parts.
pub(super) fn link(entries: &[PartEntry], draft: &mut Draft, problems: &mut Diagnostics) {
    let mut by_id: BTreeMap<&str, Option<PartIx>> = BTreeMap::new();
    for (part, ix) in draft.parts.iter().zip(0..) {
        by_id
            .entry(part.id.as_str())
            // Which of two parts with one id is meant is not known.
            .and_modify(|known| *known = None)
            .or_insert(Some(PartIx(ix)));
    }
    let needs: Vec<Vec<Need>> = (entries.iter())
        .map(|entry| {
            let whole = entry.needs.iter().filter(|need| !names_step(need));
            let mut found = |need: &Spanned<String>| {
                find_parts(&need.value, need.span, &by_id, &draft.unknown_ids, problems)
            };
            whole.filter_map(&mut found).collect()
        })
        .collect();
    let ids = (by_id.iter()).map(|(id, ix)| ((*id).to_owned(), *ix));
    let ids: BTreeMap<String, Option<PartIx>> = ids.collect();
    let step_needs = step_needs::find(entries, &by_id, draft, problems);
    let mut edges = 0;
    for (ix, &origin) in (0..).map(PartIx).zip(&draft.origins) {
        let all: BTreeSet<PartIx> = (needs[origin].iter())
            .flat_map(|need| {
                need.parts
                    .iter()
                    .filter(move |part| !need.is_glob || **part != ix)
            })
            .copied()
            .collect();
        edges += all.len();
        if edges > MAX_EDGES {
            let message = format!("the parts of this family have more than {MAX_EDGES} needs");
            let span = entries[origin].id_span();
            problems.push(
                Diagnostic::error(Code::TooManyParts, span, message)
                    .help("need fewer parts, or one that needs them"),
            );
            return;
        }
        draft.parts[ix.0 as usize].needs = all.into_iter().collect();
    }
    refuse_circles(&needs, draft, problems);
    let named = step_needs::edges(entries, &step_needs, draft, MAX_EDGES - edges);
    match named {
        Ok(named) => {
            step_needs::refuse_circles(&named, draft, problems);
            step_needs::join(&named, draft);
        }
        Err(span) => {
            let message = format!("the steps of this family have more than {MAX_EDGES} needs");
            problems.push(
                Diagnostic::error(Code::TooManyParts, span, message)
                    .help("need fewer steps, or one that needs them"),
            );
        }
    }
    part_reads::link(draft, &ids, problems);
}

/// The parts that `text`, written at `span`, names.
pub(super) fn find_parts(
    text: &str,
    span: Span,
    by_id: &BTreeMap<&str, Option<PartIx>>,
    unknown_ids: &BTreeSet<IdPattern>,
    problems: &mut Diagnostics,
) -> Option<Need> {
    let is_glob = text.contains(META);
    let parts: Vec<Option<PartIx>> = if is_glob {
        let glob = match GlobBuilder::new(text).build() {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                let message = format!("`{text}` is no pattern: {}", error.kind());
                problems.push(Diagnostic::error(Code::UnknownPart, span, message));
                return None;
            }
        };
        (by_id.iter())
            .filter(|(id, _)| glob.is_match(id))
            .map(|(_, ix)| *ix)
            .collect()
    } else {
        by_id.get(text).copied().into_iter().collect()
    };
    if parts.is_empty() {
        if unknown_ids.iter().any(|id| id.may_be(text, is_glob)) {
            return None;
        }
        let message = if is_glob {
            format!("no part's id matches `{text}`")
        } else {
            format!("there is no part `{text}`")
        };
        problems.push(
            Diagnostic::error(Code::UnknownPart, span, message)
                .help_if(did_you_mean(text, by_id.keys().copied())),
        );
        return None;
    }
    Some(Need {
        span,
        is_glob,
        parts: parts.into_iter().flatten().collect(),
    })
}

fn refuse_circles(needs: &[Vec<Need>], draft: &Draft, problems: &mut Diagnostics) {
    let mut graph: DiGraph<(), (), u32> = DiGraph::default();
    for _ in &draft.parts {
        graph.add_node(());
    }
    for (ix, part) in (0..).zip(&draft.parts) {
        for need in &part.needs {
            graph.add_edge(NodeIndex::new(ix), NodeIndex::new(need.0 as usize), ());
        }
    }
    for component in tarjan_scc(&graph) {
        let Some(start) = component.iter().copied().min() else {
            continue;
        };
        if let Some(circle) = circle(&graph, start) {
            problems.push_first(describe(&circle, needs, draft));
        }
    }
}

/// The shortest way from `start` back to it.
pub(super) fn circle(graph: &DiGraph<(), (), u32>, start: NodeIndex<u32>) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<NodeIndex<u32>, NodeIndex<u32>> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in graph.neighbors(at) {
            if next == start {
                let back = std::iter::successors(Some(at), |node| came_from.get(node).copied());
                let mut circle: Vec<usize> = back.map(NodeIndex::index).collect();
                circle.reverse();
                return Some(circle);
            }
            if let std::collections::btree_map::Entry::Vacant(free) = came_from.entry(next) {
                free.insert(at);
                queue.push_back(next);
            }
        }
    }
    None
}

fn describe(circle: &[usize], needs: &[Vec<Need>], draft: &Draft) -> Diagnostic {
    let id = |ix: usize| draft.parts[ix].id.as_str();
    let around: Vec<usize> = circle.iter().chain(circle.first()).copied().collect();
    let names: Vec<&str> = around.iter().map(|&ix| id(ix)).collect();
    let message = format!("parts need each other: {}", names.join(" -> "));
    let mut problem: Option<Diagnostic> = None;
    for pair in around.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let is_it = |need: &&Need| need.parts.iter().any(|part| part.0 as usize == to);
        let Some(need) = needs[draft.origins[from]].iter().find(is_it) else {
            continue;
        };
        let text = format!("`{}` needs `{}`", id(from), id(to));
        problem = Some(match problem {
            None => Diagnostic::error(Code::Cycle, need.span, message.clone()).label(text),
            Some(problem) => problem.see(need.span, text),
        });
    }
    problem
        .expect("a circle has edges, and each comes from a need")
        .help("remove one of these needs")
}
