//! What a manifest refers to outside of its own text: files beside it, and variables of the environment.

use super::diagnostic::{Code, Diagnostic};
use super::source::Span;

/// Finds what a manifest refers to. It is asked while a manifest is read, and by nothing later.
pub trait Surroundings {
    /// The text of the file at `path`, which is relative to the manifest's folder and has `/` between its components.
    ///
    /// # Errors
    /// Why it can't be read.
    fn file(&mut self, path: &str) -> Result<String, FileProblem>;

    /// How people know the file at `path`.
    fn name(&self, path: &str) -> String {
        path.to_owned()
    }

    /// The variable `name` of the environment, if it is set and is text.
    fn variable(&self, name: &str) -> Option<String>;
}

/// Nothing at all: for a text that stands alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Surroundings for Nowhere {
    fn file(&mut self, _: &str) -> Result<String, FileProblem> {
        Err(FileProblem::Missing)
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

/// Why a file beside a manifest can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// There is nothing at the path.
    #[error("there is no such file")]
    Missing,
    /// A folder, a pipe or a device.
    #[error("this is not a regular file")]
    NotAFile,
    /// The path is absolute or has `..`.
    #[error("this is outside of the manifest's folder")]
    Outside,
    /// The path leaves the manifest's folder through a symbolic link.
    #[error("a symbolic link leads out of the manifest's folder")]
    LinkOut,
    /// Larger than any manifest.
    #[error("this file has more than {} MiB", super::loader::MAX_FILE_BYTES / 1024 / 1024)]
    TooLarge,
    /// Not UTF-8.
    #[error("this is not UTF-8 text")]
    NotText,
    /// Anything else that the system says.
    #[error("it can't be read: {0}")]
    Unreadable(String),
}

impl FileProblem {
    /// The problem of the file that `path`, written at `span`, names.
    pub(super) fn at(&self, path: &str, span: Span) -> Diagnostic {
        let (code, help) = match self {
            Self::Outside | Self::LinkOut => (
                Code::UnsafePath,
                "all that a manifest reads is in its folder or below: keep a copy there, or move the manifest up",
            ),
            Self::TooLarge => (Code::FileTooLarge, "split it"),
            Self::NotText => (Code::UnreadableFile, "save the file as UTF-8"),
            Self::Missing | Self::NotAFile | Self::Unreadable(_) => (
                Code::UnreadableFile,
                "paths are relative to the file that they are written in",
            ),
        };
        Diagnostic::error(code, span, format!("`{path}`: {self}")).help(help)
    }
}

/// `path` as it is written in the file at `from`, relative to the manifest's folder.
///
/// # Errors
/// When it is no path below that folder.
pub(super) fn beside(from: &str, path: &str) -> Result<String, FileProblem> {
    if path.is_empty() || path.starts_with('/') || path.contains(['\\', '\0', ':']) {
        return Err(FileProblem::Outside);
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or(FileProblem::Outside)?;
            }
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_the_manifest() {
        assert_eq!(beside("", "./common.yaml").unwrap(), "common.yaml");
        assert_eq!(beside("shared/a.yaml", "b.yaml").unwrap(), "shared/b.yaml");
        assert_eq!(beside("shared/a.yaml", "../b.yaml").unwrap(), "b.yaml");
        for bad in ["", "/etc/passwd", "../b.yaml", "a/../../b", "a\\b", "C:x"] {
            assert_eq!(beside("", bad), Err(FileProblem::Outside), "{bad}");
        }
    }
}
