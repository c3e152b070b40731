//! Reads a whole manifest.

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::names::named_values;
use super::parts;
use super::reader::{Keys, Reader};
use super::settings;
use super::shape::Manifest;
use super::source::{SourceId, Sources, Spanned};
use super::tree::{Tree, Value};
use super::{toml, yaml};

/// How a manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2.
    Yaml,
    /// TOML 1.
    Toml,
}

const MANIFEST: Keys = Keys {
    of: "a manifest",
    known: &[
        "version",
        "name",
        "uid",
        "description",
        "vars",
        "limits",
        "budget",
        "retry",
        "job_timeout",
        "output",
        "parts",
    ],
    later: &["include", "defaults", "env"],
};

/// The longest name of a family: it becomes the name of a folder.
const MAX_NAME_BYTES: usize = 200;

/// A manifest whose shape is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Misshapen {
    /// Everything that is wrong with its shape.
    pub diagnostics: Diagnostics,
    /// What could be read of it; nothing when the text has no structure, or another one.
    pub rest: Option<Box<Manifest>>,
}

impl From<Diagnostics> for Misshapen {
    fn from(diagnostics: Diagnostics) -> Self {
        Self {
            diagnostics,
            rest: None,
        }
    }
}

/// Reads the text that was added to `sources` as `source`.
///
/// # Errors
/// Everything that is wrong with its shape, at once, and what could be read nevertheless.
pub fn parse(sources: &Sources, source: SourceId, format: Format) -> Result<Manifest, Misshapen> {
    let tree = match format {
        Format::Yaml => yaml::parse(sources, source)?,
        Format::Toml => toml::parse(sources, source)?,
    };
    let mut reader = Reader::default();
    match manifest(&mut reader, &tree) {
        Some(manifest) if !reader.diagnostics.has_errors() => Ok(manifest),
        rest => Err(Misshapen {
            diagnostics: reader.diagnostics,
            rest: rest.map(Box::new),
        }),
    }
}

fn manifest(reader: &mut Reader, tree: &Tree) -> Option<Manifest> {
    if tree.value == Value::Null {
        return reader.refuse(
            Diagnostic::error(Code::MissingKey, tree.span, "the manifest is empty")
                .help("a manifest has at least `version`, `name` and `parts`"),
        );
    }
    let fields = reader.fields(tree, MANIFEST)?;
    if let Some(version) = reader.required(fields, "version", "the manifest", "version: 1") {
        check_version(reader, version);
    }
    let name = reader
        .required(fields, "name", "the manifest", "name: my-parts")
        .and_then(|tree| reader.text(tree));
    if let Some(name) = name
        .as_ref()
        .filter(|name| name.value.trim().is_empty() || name.value.len() > MAX_NAME_BYTES)
    {
        let message = format!("a name has 1 to {MAX_NAME_BYTES} bytes");
        reader
            .diagnostics
            .push(Diagnostic::error(Code::BadValue, name.span, message));
    }
    let mut text = |key| fields.get(key).and_then(|tree| reader.text(tree));
    let (uid, description, output) = (text("uid"), text("description"), text("output"));
    let vars = fields.get("vars").map(|tree| {
        let entries = reader.entries(tree)?;
        Some(named_values(reader, entries))
    });
    let has_other_vars = match vars {
        Some(None) => true,
        Some(Some(_)) => fields.get("include").is_some(),
        None => !fields.are_whole(),
    };
    let limits = fields
        .get("limits")
        .and_then(|tree| settings::limits(reader, tree));
    let budget = fields
        .get("budget")
        .and_then(|tree| settings::budget(reader, tree));
    let retry = fields
        .get("retry")
        .and_then(|tree| settings::retry(reader, tree));
    let job_timeout = fields
        .get("job_timeout")
        .and_then(|tree| settings::duration(reader, tree));
    let parts = reader
        .required(
            fields,
            "parts",
            "the manifest",
            "parts: [{ id: plate, steps: [...] }]",
        )
        .map(|tree| parts::parts(reader, tree));
    Some(Manifest {
        span: fields.span,
        name: name.unwrap_or_else(|| Spanned::new(String::new(), fields.span)),
        uid,
        description,
        vars: vars.flatten().unwrap_or_default(),
        has_other_vars,
        limits: limits.unwrap_or_default(),
        budget,
        retry: retry.unwrap_or_default(),
        job_timeout,
        output,
        parts: parts.unwrap_or_default(),
    })
}

fn check_version(reader: &mut Reader, tree: &Tree) {
    match tree.value {
        Value::Int(1) => {}
        Value::Int(other) => {
            let message = format!("this millrun reads version 1 of manifests, not {other}");
            reader.diagnostics.push(
                Diagnostic::error(Code::BadValue, tree.span, message).help("write `version: 1`"),
            );
        }
        _ => {
            reader.integer(tree, 1..=1);
        }
    }
}
