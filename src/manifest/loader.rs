//! Reads a manifest's file and those that it names: the one place of this room that touches the disk.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::shape::Manifest;
use super::source::{Sources, Span};
use super::surroundings::{FileProblem, Surroundings};
use super::top::{Format, Misshapen, parse_in};

/// The largest manifest, included file or table.
pub const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;

/// Looks up a variable of the environment.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Reads the manifest at `path` and what it refers to, and keeps all texts in `sources`, for the diagnostics that point into
/// them. Of the environment it sees what the manifest lists.
///
/// # Errors
/// That the file can't be read, or everything that is wrong with its shape and what could be read nevertheless.
pub fn load(
    path: &Path,
    sources: &mut Sources,
    environment: Environment<'_>,
) -> Result<Manifest, Misshapen> {
    let name = path.display().to_string();
    let problem = match (format_of(path), read(path)) {
        (Some(format), Ok(text)) => {
            let source = sources.add(name, text);
            let mut folder = Folder {
                folder: path.parent().unwrap_or(Path::new("")).to_owned(),
                environment,
            };
            return parse_in(sources, source, format, &mut folder);
        }
        (None, Ok(_)) => (
            Code::UnknownFormat,
            "a manifest's name ends in `.yaml`, `.yml` or `.toml`".to_owned(),
            "rename the file",
        ),
        (_, Err(error)) => explain(&error),
    };
    let (code, message, help) = problem;
    let source = sources.add(name, "");
    let span = Span {
        source,
        start: 0,
        end: 0,
    };
    let problem = Diagnostic::error(code, span, message).help(help);
    Err(Diagnostics::from(problem).into())
}

/// The folder of a manifest, on disk.
struct Folder<'e> {
    folder: PathBuf,
    environment: Environment<'e>,
}

impl Surroundings for Folder<'_> {
    fn file(&mut self, path: &str) -> Result<String, FileProblem> {
        // An empty folder is the current one, which has no empty name.
        let root = Path::new(".").join(&self.folder).canonicalize();
        let root = root.map_err(problem)?;
        let real = root.join(path).canonicalize().map_err(problem)?;
        if !real.starts_with(&root) {
            return Err(FileProblem::LinkOut);
        }
        // Before it is opened: opening a pipe would wait for its other end.
        if !fs::metadata(&real).map_err(problem)?.is_file() {
            return Err(FileProblem::NotAFile);
        }
        read(&real).map_err(problem)
    }

    fn name(&self, path: &str) -> String {
        self.folder.join(path).display().to_string()
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` calls with"
)]
fn problem(error: io::Error) -> FileProblem {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileProblem::Missing,
        io::ErrorKind::FileTooLarge => FileProblem::TooLarge,
        io::ErrorKind::InvalidData => FileProblem::NotText,
        _ => FileProblem::Unreadable(error.to_string()),
    }
}

fn format_of(path: &Path) -> Option<Format> {
    Format::of(path.file_name()?.to_str()?)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

fn explain(error: &io::Error) -> (Code, String, &'static str) {
    match error.kind() {
        io::ErrorKind::FileTooLarge => (
            Code::FileTooLarge,
            format!(
                "a manifest has at most {} MiB",
                MAX_FILE_BYTES / 1024 / 1024
            ),
            "split the family into several manifests",
        ),
        io::ErrorKind::InvalidData => (
            Code::UnreadableFile,
            "this is not UTF-8 text".to_owned(),
            "save the file as UTF-8",
        ),
        io::ErrorKind::NotFound => (
            Code::UnreadableFile,
            "there is no such file".to_owned(),
            "check the path, or write a first manifest with `millrun init`",
        ),
        _ => (
            Code::UnreadableFile,
            error.to_string(),
            "a manifest is a file that you can read",
        ),
    }
}
