//! Names of published files: made from the part's id and, for assemblies, from the labels of its artifacts.

use std::collections::BTreeSet;

use globset::GlobBuilder;

use super::content::Selection;
use super::remote::{Artifact, ArtifactId, Stored, WriteResult};

/// The longest piece of a label in a file name, in bytes.
const MAX_LABEL_BYTES: usize = 60;

/// One file that a download publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Relative to the output folder, with `/` between components.
    pub path: String,
    /// Which artifact it is.
    pub artifact: ArtifactId,
    /// What will be in it, once it is at home.
    pub stored: Option<Stored>,
}

/// The artifacts of `result` that `selection` names.
#[must_use]
pub fn selected<'r>(selection: &Selection, result: &'r WriteResult) -> Vec<&'r Artifact> {
    let all = result.artifacts.iter();
    match selection {
        Selection::All => all.collect(),
        // The only file is the whole, whatever the service says of it.
        Selection::Root if result.artifacts.len() == 1 => all.collect(),
        Selection::Root => all.filter(|artifact| artifact.is_root).collect(),
        Selection::Labels(pattern) => match GlobBuilder::new(pattern).build() {
            Ok(glob) => {
                let glob = glob.compile_matcher();
                all.filter(|artifact| glob.is_match(&artifact.label))
                    .collect()
            }
            // Patterns are looked at with the manifest.
            Err(_) => Vec::new(),
        },
    }
}

/// The files that a download of `selection` of `result` under `stem` publishes: `<stem>.step`, or `<stem>--<label>.step`
/// where the revision has several. The service's file names are never used, and its labels only after everything but
/// letters and digits was taken out. Which others are selected changes no file's name.
#[must_use]
pub fn files(stem: &str, selection: &Selection, result: &WriteResult) -> Vec<PlannedFile> {
    let single = result.artifacts.len() == 1 || *selection == Selection::Root;
    let selected: BTreeSet<&ArtifactId> = (selected(selection, result).into_iter())
        .map(|artifact| &artifact.id)
        .collect();
    let mut taken = BTreeSet::new();
    let mut files = Vec::new();
    for artifact in &result.artifacts {
        if single && !selected.contains(&artifact.id) {
            continue;
        }
        let base = if single {
            stem.to_owned()
        } else {
            format!("{stem}--{}", safe_label(&artifact.label))
        };
        let candidates =
            std::iter::once(base.clone()).chain((2u32..).map(|n| format!("{base}-{n}")));
        let name = candidates
            .into_iter()
            .find(|name| taken.insert(name.to_lowercase()))
            .unwrap_or(base);
        if selected.contains(&artifact.id) {
            files.push(PlannedFile {
                path: format!("{name}.step"),
                artifact: artifact.id.clone(),
                stored: artifact.stored,
            });
        }
    }
    files
}

/// Where a download under `stem` publishes the conversation.
#[must_use]
pub fn transcript(stem: &str) -> String {
    format!("{stem}.transcript.md")
}

/// Whether the files of an assembly could be told apart by `text`.
#[must_use]
pub fn could_be_label(text: &str) -> bool {
    let numbered = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let unnumbered = numbered.strip_suffix('-').unwrap_or(text);
    safe_label(text) == text || safe_label(unnumbered) == unnumbered
}

fn safe_label(label: &str) -> String {
    let mut safe = String::new();
    for c in label.chars() {
        let c = if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        };
        if safe.len() < MAX_LABEL_BYTES && !(c == '-' && (safe.is_empty() || safe.ends_with('-'))) {
            safe.push(c);
        }
    }
    let trimmed = safe.trim_end_matches('-');
    if trimmed.is_empty() {
        "file".to_owned()
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(labels: &[&str]) -> Vec<String> {
        selected_paths(labels, &Selection::All)
    }

    fn selected_paths(labels: &[&str], selection: &Selection) -> Vec<String> {
        let artifact = |(n, label): (usize, &&str)| Artifact {
            is_root: n == 0,
            id: ArtifactId(format!("art_{n}")),
            label: (*label).to_owned(),
            kind: "step".to_owned(),
            stored: None,
        };
        let artifacts = labels.iter().enumerate().map(artifact).collect();
        let result = WriteResult {
            revision: None,
            explanation: String::new(),
            charged: None,
            artifacts,
        };
        files("plates/p1", selection, &result)
            .into_iter()
            .map(|file| file.path)
            .collect()
    }

    #[test]
    fn one_artifact_has_the_name_of_its_part() {
        assert_eq!(paths(&["../../etc/passwd"]), ["plates/p1.step"]);
    }

    #[test]
    fn a_selection_changes_which_files_there_are_and_not_their_names() {
        let labels = ["frame", "rail", "rail", "foot"];
        assert_eq!(
            selected_paths(&labels, &Selection::Root),
            ["plates/p1.step"]
        );
        let rails = Selection::Labels("rail*".to_owned());
        assert_eq!(
            selected_paths(&labels, &rails),
            ["plates/p1--rail.step", "plates/p1--rail-2.step"]
        );
        let feet = Selection::Labels("f[oO]*t".to_owned());
        assert_eq!(selected_paths(&labels, &feet), ["plates/p1--foot.step"]);
        let none = Selection::Labels("x".to_owned());
        assert_eq!(selected_paths(&labels, &none), Vec::<String>::new());
    }

    #[test]
    fn labels_of_several_can_neither_leave_the_folder_nor_collide() {
        assert_eq!(
            paths(&["Base plate", "../../x", "base plate", "", "CON:ads\u{202e}"]),
            [
                "plates/p1--Base-plate.step",
                "plates/p1--x.step",
                "plates/p1--base-plate-2.step",
                "plates/p1--file.step",
                "plates/p1--CON-ads.step"
            ]
        );
    }
}
