//! From a manifest to its family.

use std::collections::BTreeMap;

use super::draft::{Bench, Draft, MAX_PARTS};
use super::images::ImageSource;
use super::outputs::{refuse_collisions, relative};
use super::settings::settings;
use super::template::Engine;
use super::{expand, lints, needs, variants};
use crate::manifest::shape::{Manifest, PartEntry};
use crate::manifest::{Code, Diagnostic, Diagnostics, Misshapen, Severity, Sources};
use crate::plan::family::Family;
use crate::plan::key::Salt;

/// Works out what a manifest means, however well it was read. `sources` are those it was read from; `images` looks at the
/// images it names.
///
/// The family comes with its lints.
///
/// # Errors
/// Everything that is wrong with it, at once: its shape, and the meaning of what could be read. Lints are said of a
/// manifest that was read whole.
pub fn understand(
    read: Result<Manifest, Misshapen>,
    sources: &Sources,
    images: &mut dyn ImageSource,
) -> Result<(Family, Diagnostics), Diagnostics> {
    let Misshapen {
        mut diagnostics,
        rest,
    } = match read {
        Ok(manifest) => return resolve(&manifest, sources, images),
        Err(misshapen) => misshapen,
    };
    if let Some(rest) = rest {
        let (_, problems) = draft(&rest, sources, images);
        let is_error = |problem: &Diagnostic| problem.severity == Severity::Error;
        diagnostics.extend(problems.into_iter().filter(is_error));
    }
    Err(diagnostics)
}

/// Works out what `manifest` means, which was read without errors.
///
/// # Errors
/// Everything that is wrong with it, at once, lints included.
pub fn resolve(
    manifest: &Manifest,
    sources: &Sources,
    images: &mut dyn ImageSource,
) -> Result<(Family, Diagnostics), Diagnostics> {
    let (draft, problems) = draft(manifest, sources, images);
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
        images: draft.images,
    };
    Ok((family, problems))
}

/// All that can be made of `manifest`, and what is wrong with it.
fn draft(
    manifest: &Manifest,
    sources: &Sources,
    images: &mut dyn ImageSource,
) -> (Draft, Diagnostics) {
    let mut bench = Bench {
        engine: Engine::new(),
        sources,
        images,
        paths: BTreeMap::new(),
        has_unread_text: false,
        foreign_vars: (manifest.vars.iter())
            .filter(|var| var.name.span.source != manifest.span.source)
            .map(|var| (var.name.value.clone(), var.name.span))
            .collect(),
        row: None,
        part_reads: Vec::new(),
        problems: Diagnostics::default(),
    };
    let fitting = refuse_too_many(&manifest.parts, &mut bench.problems);
    let mut draft = Draft::default();
    for origin in 0..manifest.parts.len() {
        expand::entry(manifest, origin, origin < fitting, &mut draft, &mut bench);
    }
    draft.images = bench.paths;
    let mut problems = bench.problems;
    refuse_equal_ids(manifest, &draft, &mut problems);
    refuse_unsafe_output(manifest, &mut problems);
    refuse_collisions(&draft, &mut problems);
    needs::link(&manifest.parts, &mut draft, &mut problems);
    let used = (!bench.has_unread_text).then_some(&draft.used);
    lints::manifest(manifest, used, &mut problems);
    for entry in &manifest.parts {
        lints::prompts(&entry.steps, &mut problems);
    }
    if !problems.has_errors() {
        lints::twins(manifest, &draft, &mut problems);
    }
    problems.allow(&manifest.allowed_lints);
    (draft, problems)
}

/// How many of the first entries make no more parts than a family may have.
fn refuse_too_many(entries: &[PartEntry], problems: &mut Diagnostics) -> usize {
    let mut total = 0_usize;
    for (ix, entry) in entries.iter().enumerate() {
        let (size, span) = variants::size(entry);
        total = total.saturating_add(size);
        if total > MAX_PARTS {
            let message = format!("{total} parts and more, and a family has at most {MAX_PARTS}");
            problems.push(
                Diagnostic::error(Code::TooManyParts, span, message)
                    .help("combinations are counted before any is excluded; split the family"),
            );
            return ix;
        }
    }
    entries.len()
}

fn refuse_equal_ids(manifest: &Manifest, draft: &Draft, problems: &mut Diagnostics) {
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for (ix, part) in draft.parts.iter().enumerate() {
        let span_of = |ix: usize| manifest.parts[draft.origins[ix]].id_span();
        let Some(first_ix) = known.insert(part.id.as_str(), ix) else {
            continue;
        };
        let (first, span) = (span_of(first_ix), span_of(ix));
        let cells = (draft.key_cells.get(&first_ix), draft.key_cells.get(&ix));
        if let (true, (Some((there, there_at)), Some((here, here_at)))) = (first == span, cells) {
            let message = format!("two rows of this table make a part `{}`", part.id);
            let problem = Diagnostic::error(Code::DuplicatePart, *here, message)
                .label(format!("cell {here_at}"))
                .see(*there, format!("cell {there_at}"))
                .see(span, "ids are made here")
                .help("use in the id what no two rows have alike");
            problems.push_first(problem);
            continue;
        }
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
