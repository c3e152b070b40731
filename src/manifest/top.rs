//! Reads a whole manifest.

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::names::named_values;
use super::reader::{Keys, Reader};
use super::shape::Manifest;
use super::source::{SourceId, Sources, Spanned};
use super::surroundings::{Nowhere, Surroundings};
use super::tree::{Tree, Value};
use super::{defaults, environment, include, lints, parts, settings, table, toml, yaml};

/// How a manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2.
    Yaml,
    /// TOML 1.
    Toml,
}

impl Format {
    /// The format of a file, by the end of its name.
    pub fn of(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    /// The tree of the text of `source`.
    pub(super) fn parse(
        self,
        sources: &mut Sources,
        source: SourceId,
    ) -> Result<Tree, Diagnostics> {
        match self {
            Self::Yaml => yaml::parse(sources, source),
            Self::Toml => toml::parse(sources, source),
        }
    }
}

pub(super) const MANIFEST: Keys = Keys {
    of: "a manifest",
    known: &[
        "version",
        "name",
        "uid",
        "description",
        "include",
        "defaults",
        "vars",
        "env",
        "lints",
        "limits",
        "budget",
        "retry",
        "job_timeout",
        "output",
        "parts",
    ],
};

/// The keys of an included file: what several manifests can share.
pub(super) const INCLUDED: [&str; 11] = [
    "version",
    "include",
    "defaults",
    "vars",
    "env",
    "lints",
    "limits",
    "budget",
    "retry",
    "job_timeout",
    "output",
];

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

/// Reads the text that was added to `sources` as `source`, and that refers to nothing outside of it.
///
/// # Errors
/// Everything that is wrong with its shape, at once, and what could be read nevertheless.
pub fn parse(
    sources: &mut Sources,
    source: SourceId,
    format: Format,
) -> Result<Manifest, Misshapen> {
    parse_in(sources, source, format, &mut Nowhere)
}

/// Reads the text that was added to `sources` as `source`, and what it refers to in `surroundings`.
///
/// # Errors
/// Everything that is wrong with its shape, at once, and what could be read nevertheless.
pub fn parse_in(
    sources: &mut Sources,
    source: SourceId,
    format: Format,
    surroundings: &mut dyn Surroundings,
) -> Result<Manifest, Misshapen> {
    let mut tree = format.parse(sources, source)?;
    let mut reader = Reader::default();
    let is_whole = include::resolve(&mut reader, &mut tree, sources, surroundings);
    defaults::apply(&mut reader, &mut tree, sources);
    let mut read = manifest(&mut reader, &tree, surroundings);
    if let Some(manifest) = &mut read {
        manifest.has_other_vars |= !is_whole;
        table::fill(manifest, sources, surroundings, &mut reader.diagnostics);
    }
    match read {
        Some(manifest) if !reader.diagnostics.has_errors() => Ok(manifest),
        rest => Err(Misshapen {
            diagnostics: reader.diagnostics,
            rest: rest.map(Box::new),
        }),
    }
}

fn manifest(reader: &mut Reader, tree: &Tree, surroundings: &dyn Surroundings) -> Option<Manifest> {
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
        Some(Some(_)) => false,
        None => !fields.are_whole(),
    };
    let env = fields
        .get("env")
        .and_then(|tree| environment::env(reader, tree, surroundings));
    let allowed_lints = fields
        .get("lints")
        .and_then(|tree| lints::allowed(reader, tree));
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
        env: env.unwrap_or_default(),
        allowed_lints: allowed_lints.unwrap_or_default(),
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
