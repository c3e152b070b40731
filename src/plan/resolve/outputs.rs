//! Where downloads are published: safe paths, and no two under one name.

use std::collections::BTreeMap;

use super::draft::{Draft, Publication};
use crate::manifest::{Code, Diagnostic, Diagnostics};
use crate::plan::publish::could_be_label;

/// The longest path of a publication, in bytes.
const MAX_PATH_BYTES: usize = 1_000;
/// The longest component of one, in bytes.
const MAX_COMPONENT_BYTES: usize = 255;

/// `path` without a slash at its end, when it is relative and stays where it starts.
///
/// # Errors
/// What is unsafe about it.
pub(super) fn relative(path: &str) -> Result<&str, &'static str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.len() > MAX_PATH_BYTES {
        return Err("it is too long");
    }
    if path.starts_with('/') {
        return Err("it is absolute");
    }
    path.split('/').try_for_each(check_component)?;
    Ok(path)
}

fn check_component(component: &str) -> Result<(), &'static str> {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    match component {
        "" => Err("a component of it is empty"),
        "." | ".." => Err("`.` and `..` are not allowed"),
        _ if component.starts_with('.') => Err("hidden folders are not allowed"),
        _ if component.contains('\\') => Err("backslashes are not allowed"),
        _ if component.contains(unseen) => Err("invisible characters are not allowed"),
        _ if component.trim() != component => Err("a component starts or ends with a blank"),
        _ if component.len() > MAX_COMPONENT_BYTES => Err("a component is too long"),
        _ => Ok(()),
    }
}

/// Refuses downloads under one name. File systems that don't tell `A` from `a` are met as well.
pub(super) fn refuse_collisions(draft: &Draft, problems: &mut Diagnostics) {
    let id = |publication: &Publication| &draft.parts[publication.part.0 as usize].id;
    let name = |publication: &Publication| format!("{}/{}", id(publication), publication.step);
    let mut known: BTreeMap<String, &Publication> = BTreeMap::new();
    for publication in &draft.publications {
        let Some(first) = known.insert(publication.stem.to_lowercase(), publication) else {
            continue;
        };
        // Two parts with one id were refused already.
        if first.part != publication.part && id(first) == id(publication) {
            continue;
        }
        let message = format!(
            "`{}` and `{}` both publish `{}.step`",
            name(first),
            name(publication),
            publication.stem
        );
        problems.push_first(collision(publication, first, message));
    }
    // How many files the other one has is known when it was made.
    for (stem, publication) in &known {
        let Some(assembly) = assembly_of(stem).and_then(|whole| known.get(whole)) else {
            continue;
        };
        let message = format!(
            "`{}` publishes `{}.step`, which can be a file of `{}` as well",
            name(publication),
            publication.stem,
            name(assembly)
        );
        let problem = collision(publication, assembly, message).help(format!(
            "if that one is an assembly, its files are `{}--<label>.step`",
            assembly.stem
        ));
        problems.push_first(problem);
    }
}

fn collision(one: &Publication, other: &Publication, message: String) -> Diagnostic {
    let mut problem = Diagnostic::error(Code::CollidingPaths, one.span, message);
    if other.span != one.span {
        problem = problem.see(other.span, "the other one");
    }
    problem.help("give one of them another folder with `to`")
}

/// The stem of the assembly that could have a file with the stem `stem`. A label has no `--`, so there is one at most.
fn assembly_of(stem: &str) -> Option<&str> {
    let (whole, label) = stem.rsplit_once("--")?;
    could_be_label(label).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_an_assembly_is_known_by_its_last_two_dashes() {
        assert_eq!(assembly_of("plates/frame--x"), Some("plates/frame"));
        assert_eq!(assembly_of("a--b--c_d-2"), Some("a--b"));
        assert_eq!(assembly_of("a---b"), Some("a-"));
        for none in ["frame", "frame-x", "frame--", "a--x/b", "a--x.y", "a--ø"] {
            assert_eq!(assembly_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_safe_path_stays_below_its_folder() {
        assert_eq!(relative("plates/2026/"), Ok("plates/2026"));
        assert_eq!(relative("Ø 12.5"), Ok("Ø 12.5"));
        for bad in [
            "",
            "/",
            "/etc",
            "..",
            "a/../b",
            "./a",
            "a//b",
            "a\\b",
            "a\nb",
            "a\u{202e}b",
            ".millrun",
            "a/.ssh",
            " a",
            "a /b",
            "\u{0}",
        ] {
            assert!(relative(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(relative(&"a/".repeat(501)).is_err());
        assert!(relative(&"a".repeat(256)).is_err());
    }
}
