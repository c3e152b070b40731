//! From a manifest to its family.

use std::collections::{BTreeMap, BTreeSet};

use super::images::ImageSource;
use super::outputs::{Publication, refuse_collisions, relative};
use super::settings::settings;
use super::template::Engine;
use super::{expand, lints, matrix, needs};
use crate::manifest::shape::Manifest;
use crate::manifest::{Code, Diagnostic, Diagnostics, Sources, Span};
use crate::plan::content::Digest;
use crate::plan::family::{Family, Part, Step};
use crate::plan::key::Salt;

/// The most parts of a family, counted before any combination is excluded.
pub const MAX_PARTS: usize = 100_000;

/// Works out what `manifest` means. `sources` are those it was read from; `images` looks at the images it names.
///
/// The family comes with its lints.
///
/// # Errors
/// Everything that is wrong with it, at once, lints included.
pub fn resolve(
    manifest: &Manifest,
    sources: &Sources,
    images: &mut dyn ImageSource,
) -> Result<(Family, Diagnostics), Diagnostics> {
    refuse_too_many(manifest)?;
    let mut bench = Bench {
        engine: Engine::new(),
        sources,
        images,
        paths: BTreeMap::new(),
        problems: Diagnostics::default(),
    };
    let mut draft = Draft::default();
    let mut used = BTreeSet::new();
    for (origin, entry) in manifest.parts.iter().enumerate() {
        used.extend(expand::entry(
            entry,
            origin,
            &manifest.vars,
            &mut draft,
            &mut bench,
        ));
    }
    let Bench {
        paths,
        mut problems,
        ..
    } = bench;
    refuse_equal_ids(manifest, &draft, &mut problems);
    refuse_unsafe_output(manifest, &mut problems);
    refuse_collisions(&draft.publications, &mut problems);
    lints::manifest(manifest, &used, &mut problems);
    // A part that could not be expanded would be missed here, and reported a second time.
    if !problems.has_errors() {
        needs::link(&manifest.parts, &mut draft, &mut problems);
        lints::twins(manifest, &draft, &mut problems);
    }
    if problems.has_errors() {
        return Err(problems);
    }
    let text = |text: &Option<crate::manifest::Spanned<String>>| {
        text.as_ref()
            .map(|text| text.value.clone())
            .unwrap_or_default()
    };
    let family = Family {
        salt: Salt {
            name: manifest.name.value.clone(),
            uid: text(&manifest.uid),
        },
        description: text(&manifest.description),
        settings: settings(manifest),
        parts: draft.parts,
        steps: draft.steps,
        images: paths,
    };
    Ok((family, problems))
}

/// What resolving needs everywhere.
pub(super) struct Bench<'a> {
    pub(super) engine: Engine,
    pub(super) sources: &'a Sources,
    pub(super) images: &'a mut dyn ImageSource,
    /// Where each image was read from.
    pub(super) paths: BTreeMap<Digest, String>,
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
}

fn refuse_too_many(manifest: &Manifest) -> Result<(), Diagnostics> {
    let mut total = 0_usize;
    for entry in &manifest.parts {
        total = total.saturating_add(entry.matrix.as_ref().map_or(1, matrix::size));
        if total > MAX_PARTS {
            let span = entry.matrix.as_ref().map_or(entry.id.span, |m| m.span);
            let message = format!("{total} parts and more, and a family has at most {MAX_PARTS}");
            return Err(Diagnostic::error(Code::TooManyParts, span, message)
                .help("combinations are counted before any is excluded; split the family")
                .into());
        }
    }
    Ok(())
}

fn refuse_equal_ids(manifest: &Manifest, draft: &Draft, problems: &mut Diagnostics) {
    let mut known: BTreeMap<&str, Span> = BTreeMap::new();
    for (part, &origin) in draft.parts.iter().zip(&draft.origins) {
        let span = manifest.parts[origin].id.span;
        let Some(first) = known.insert(part.id.as_str(), span) else {
            continue;
        };
        let problem = if first == span {
            let message = format!("two combinations of this matrix make a part `{}`", part.id);
            Diagnostic::error(Code::DuplicatePart, span, message)
                .help("use every axis of the matrix in the id")
        } else {
            let message = format!("two parts have the id `{}`", part.id);
            Diagnostic::error(Code::DuplicatePart, span, message)
                .see(first, "the first one")
                .help("rename one of them")
        };
        problems.push_first(problem);
    }
}

fn refuse_unsafe_output(manifest: &Manifest, problems: &mut Diagnostics) {
    let Some(output) = &manifest.output else {
        return;
    };
    if let Err(why) = relative(&output.value) {
        let message = format!("nothing can be published to `{}`: {why}", output.value);
        problems.push(
            Diagnostic::error(Code::UnsafePath, output.span, message)
                .help("write a folder below the manifest's own: `output: out`"),
        );
    }
}
