//! What needs what, as a drawing for Graphviz or Mermaid, and for machines. Everything stands in the manifest's order.

use std::fmt::Write as _;

use serde::Serialize;

use super::json::{FORMAT_VERSION, document};
use crate::plan::family::{Family, PartIx, StepIx};
use crate::untrusted::terminal;

/// What is drawn: nodes in groups, and edges from what is needed to what needs it.
#[derive(Debug, Serialize)]
pub struct Graph {
    format_version: u32,
    family: String,
    /// One for each part, or one for each step.
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

#[derive(Debug, Serialize)]
struct Node {
    id: String,
    part: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

/// Places in `nodes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Edge {
    from: usize,
    to: usize,
}

impl Graph {
    /// The parts of `family`.
    #[must_use]
    pub fn of_parts(family: &Family) -> Self {
        let node = |ix| {
            let part = text(family.part(ix).id.as_str());
            Node {
                id: part.clone(),
                part,
                step: None,
                kind: None,
            }
        };
        let edges = family.part_indices().flat_map(|ix| {
            let needs = family.needed_parts(ix).into_iter();
            needs.map(move |need| Edge {
                from: need.0 as usize,
                to: ix.0 as usize,
            })
        });
        Self::new(
            family,
            family.part_indices().map(node).collect(),
            edges.collect(),
        )
    }

    /// The steps of `family`: each waits for the one before it, and the first of a part for the last of those that it needs.
    #[must_use]
    pub fn of_steps(family: &Family) -> Self {
        let node = |ix: StepIx| {
            let step = family.step(ix);
            Node {
                id: text(&family.step_ref(ix).to_string()),
                part: text(family.part(step.part).id.as_str()),
                step: Some(text(step.id.as_str())),
                kind: Some(step.kind.as_str()),
            }
        };
        let edges = family
            .part_indices()
            .flat_map(|part| edges_of_steps(family, part));
        Self::new(
            family,
            family.step_indices().map(node).collect(),
            edges.collect(),
        )
    }

    fn new(family: &Family, nodes: Vec<Node>, mut edges: Vec<Edge>) -> Self {
        edges.sort_unstable();
        edges.dedup();
        Self {
            format_version: FORMAT_VERSION,
            family: text(&family.salt.name),
            nodes,
            edges,
        }
    }

    /// For Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let mut text = format!(
            "digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n",
            quoted(&self.family)
        );
        for (nth, (part, nodes)) in self.groups().into_iter().enumerate() {
            let is_group = nodes.clone().any(|ix| self.nodes[ix].step.is_some());
            let indent = if is_group { "    " } else { "  " };
            if is_group {
                let _ = writeln!(
                    text,
                    "  subgraph cluster_{nth} {{\n    label={};",
                    quoted(part)
                );
            }
            for ix in nodes {
                let _ = writeln!(
                    text,
                    "{indent}n{ix} [label={}];",
                    quoted(self.nodes[ix].label())
                );
            }
            if is_group {
                text.push_str("  }\n");
            }
        }
        for Edge { from, to } in &self.edges {
            let _ = writeln!(text, "  n{from} -> n{to};");
        }
        text.push_str("}\n");
        text
    }

    /// For Mermaid.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('#', "#35;").replace('"', "#quot;"));
        let mut text = "flowchart LR\n".to_owned();
        for (nth, (part, nodes)) in self.groups().into_iter().enumerate() {
            let is_group = nodes.clone().any(|ix| self.nodes[ix].step.is_some());
            let indent = if is_group { "    " } else { "  " };
            if is_group {
                let _ = writeln!(text, "  subgraph g{nth}[{}]", quoted(part));
            }
            for ix in nodes {
                let _ = writeln!(text, "{indent}n{ix}[{}]", quoted(self.nodes[ix].label()));
            }
            if is_group {
                text.push_str("  end\n");
            }
        }
        for Edge { from, to } in &self.edges {
            let _ = writeln!(text, "  n{from} --> n{to}");
        }
        text
    }

    /// For machines.
    #[must_use]
    pub fn json(&self) -> String {
        document(self)
    }

    /// The nodes of one part stand together.
    fn groups(&self) -> Vec<(&str, std::ops::Range<usize>)> {
        let mut groups: Vec<(&str, std::ops::Range<usize>)> = Vec::new();
        for (ix, node) in self.nodes.iter().enumerate() {
            match groups.last_mut() {
                Some((part, range)) if *part == node.part => range.end = ix + 1,
                _ => groups.push((&node.part, ix..ix + 1)),
            }
        }
        groups
    }
}

impl Node {
    fn label(&self) -> &str {
        self.step.as_deref().unwrap_or(&self.part)
    }
}

fn edges_of_steps(family: &Family, part: PartIx) -> Vec<Edge> {
    let edge = |from: StepIx, to: StepIx| Edge {
        from: from.0 as usize,
        to: to.0 as usize,
    };
    let steps: Vec<StepIx> = family.steps_of(part).collect();
    let needs = family.part(part).needs.iter();
    let lasts = needs.filter_map(|need| family.steps_of(*need).next_back());
    let first = steps.first().copied();
    let of_steps = steps.iter().flat_map(|ix| {
        let needs = family.step(*ix).needs.iter();
        needs.map(move |need| edge(*need, *ix))
    });
    (lasts.filter_map(|last| Some(edge(last, first?))))
        .chain(steps.windows(2).map(|pair| edge(pair[0], pair[1])))
        .chain(of_steps)
        .collect()
}

/// Names may come from a table that somebody else wrote.
fn text(name: &str) -> String {
    terminal::line(name)
}
