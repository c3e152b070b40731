//! `jobs show`: one job, with its files and how they make up the model.

use serde_json::{Value, json};

use super::artifacts;
use crate::api::{Artifact, ArtifactId, AssemblyNode, Job};
use crate::plan::money::Cents;
use crate::report::json::FORMAT_VERSION;
use crate::report::safe;

pub(super) fn text(job: &Job) -> String {
    let mut text = format!("{}\n", safe::line(job.id.as_str()));
    let mut fact = |name: &str, fact: &str| {
        text.push_str(&format!("  {name:<8} {}\n", safe::line(fact)));
    };
    fact("status", job.status.as_str());
    fact("created", job.created_at.as_deref().unwrap_or("-"));
    fact("updated", job.updated_at.as_deref().unwrap_or("-"));
    fact("cost", &cost(job));
    if let Some(revision) = &job.latest_revision_id {
        fact("revision", revision.as_str());
    }
    for artifact in &job.artifacts {
        fact("file", &file(artifact));
    }
    if let Some(tree) = &job.assembly_tree {
        text.push_str("\nAssembly\n");
        add_node(&mut text, tree, 1);
    }
    if let Some(explanation) = &job.explanation {
        text.push_str(&format!("\n{}\n", safe::lines(explanation.trim())));
    }
    text
}

pub(super) fn json(job: &Job) -> Value {
    let charged = job.cost.as_ref().and_then(|cost| cost.charged);
    json!({
        "format_version": FORMAT_VERSION,
        "id": job.id,
        "status": job.status.as_str(),
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "explanation": job.explanation,
        "charged_cents": charged.map(|charged| Cents(charged.get())),
        "currency": job.cost.as_ref().and_then(|cost| cost.currency.as_deref()),
        "latest_revision_id": job.latest_revision_id,
        "assembly_tree": job.assembly_tree.as_ref().map(node_json),
        "artifacts": artifacts(&job.artifacts),
    })
}

fn cost(job: &Job) -> String {
    let Some(cost) = &job.cost else {
        return "not known yet".to_owned();
    };
    match (cost.charged, cost.currency.as_deref()) {
        (None, _) => "not known yet".to_owned(),
        (Some(charged), Some(currency)) => format!("{} {currency} charged", Cents(charged.get())),
        (Some(charged), None) => format!("{} charged", Cents(charged.get())),
    }
}

/// `art_1  plate.step  (Plate, step)`
pub(super) fn file(artifact: &Artifact) -> String {
    let mut file = artifact.id.as_str().to_owned();
    if let Some(name) = &artifact.filename {
        file.push_str(&format!("  {name}"));
    }
    let about: Vec<&str> = [&artifact.label, &artifact.kind]
        .into_iter()
        .filter_map(|text| text.as_deref())
        .collect();
    if !about.is_empty() {
        file.push_str(&format!("  ({})", about.join(", ")));
    }
    file
}

/// A node on a line of its own, and those below it further in.
fn add_node(text: &mut String, node: &AssemblyNode, depth: usize) {
    let label = safe::line(node.label.as_deref().unwrap_or("(no name)"));
    text.push_str(&format!("{}{label}", "  ".repeat(depth)));
    let file = node.filename.as_deref();
    if let Some(file) = file.or(node.artifact_id.as_ref().map(ArtifactId::as_str)) {
        text.push_str(&format!("  {}", safe::line(file)));
    }
    text.push('\n');
    for child in &node.children {
        add_node(text, child, depth + 1);
    }
}

fn node_json(node: &AssemblyNode) -> Value {
    json!({
        "label": node.label,
        "kind": node.kind,
        "filename": node.filename,
        "artifact_id": node.artifact_id,
        "children": node.children.iter().map(node_json).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_shown_with_its_files_and_its_assembly_and_nothing_that_a_terminal_acts_on() {
        let job: Job = serde_json::from_value(json!({
            "id": "cadjob_1",
            "status": "completed",
            "created_at": "2026-11-24T02:00:00Z",
            "cost": { "currency": "usd", "charged_cents": 180 },
            "latest_revision_id": "rev_1",
            "explanation": "Two plates.",
            "artifacts": [{ "id": "art_1", "label": "Frame", "filename": "fr\u{1b}[2Jame.step", "kind": "step" }],
            "assembly_tree": {
                "label": "Frame",
                "filename": "frame.step",
                "artifact_id": "art_1",
                "children": [{ "label": "Plate", "kind": "step", "artifact_id": "art_2", "children": [] }],
            },
        }))
        .unwrap();
        assert_eq!(
            text(&job),
            "cadjob_1
  status   completed
  created  2026-11-24T02:00:00Z
  updated  -
  cost     1.80 usd charged
  revision rev_1
  file     art_1  fr\\u{1b}[2Jame.step  (Frame, step)

Assembly
  Frame  frame.step
    Plate  art_2

Two plates.
"
        );
        let told = super::json(&job);
        assert_eq!(told["assembly_tree"]["children"][0]["label"], "Plate");
        assert_eq!(told["artifacts"][0]["filename"], "fr\u{1b}[2Jame.step");
    }
}
