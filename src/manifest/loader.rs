//! Reads a manifest's file: the one place of this room that touches the disk.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::shape::Manifest;
use super::source::{Sources, Span};
use super::top::{Format, Misshapen, parse};

/// The largest manifest.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Reads the manifest at `path` and keeps its text in `sources`, for the diagnostics that point into it.
///
/// # Errors
/// That the file can't be read, or everything that is wrong with its shape and what could be read nevertheless.
pub fn load(path: &Path, sources: &mut Sources) -> Result<Manifest, Misshapen> {
    let name = path.display().to_string();
    let problem = match (format_of(path), read(path)) {
        (Some(format), Ok(text)) => {
            let source = sources.add(name, text);
            return parse(sources, source, format);
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

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_ascii_lowercase().to_str()? {
        "yaml" | "yml" => Some(Format::Yaml),
        "toml" => Some(Format::Toml),
        _ => None,
    }
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
