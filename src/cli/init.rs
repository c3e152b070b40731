//! `init`: a first manifest that can be checked, planned and run as it is.

use std::fs::OpenOptions;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::args::{InitArgs, Template};
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use crate::report::json::{FORMAT_VERSION, document};
use crate::untrusted::terminal;

/// What stands in a template where the uid belongs.
const UID: &str = "00000000";
/// What stands in a template where the name of its table belongs.
const TABLE: &str = "TABLE.csv";

impl Template {
    const fn manifest(self) -> &'static str {
        match self {
            Self::Plates => include_str!("templates/plates.yaml"),
            Self::Table => include_str!("templates/table.yaml"),
            Self::Assembly => include_str!("templates/assembly.yaml"),
            Self::Adopt => include_str!("templates/adopt.yaml"),
        }
    }

    const fn table(self) -> Option<&'static str> {
        match self {
            Self::Table => Some(include_str!("templates/table.csv")),
            Self::Plates | Self::Assembly | Self::Adopt => None,
        }
    }
}

pub(super) fn init(args: &InitArgs, output: &mut Output) -> Result<ExitCode, CliError> {
    let path = &args.manifest;
    let name = shown(path);
    let is_yaml = path
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml");
    if !is_yaml {
        return Err(CliError::usage(
            format!("{name}: `init` writes YAML"),
            "end the name in `.yaml`",
        ));
    }
    if path.symlink_metadata().is_ok() {
        return Err(is_there(&name));
    }
    let table = path.with_extension("csv");
    let table_name = table.file_name().and_then(|name| name.to_str());
    let mut manifest = args.template.manifest().replace(UID, &fresh_uid());
    if let Some(text) = args.template.table() {
        let Some(table_name) = table_name else {
            return Err(CliError::usage(
                format!("{name} is no UTF-8"),
                "a manifest names its table: give it a name that is text",
            ));
        };
        // The table goes first: a manifest is never there without it.
        write_new(&table, text)?;
        manifest = manifest.replace(TABLE, &format!("{table_name:?}"));
    }
    write_new(path, &manifest)?;
    output.print(&if output.is_json() {
        document(&serde_json::json!({ "format_version": FORMAT_VERSION, "manifest": name }))
    } else if args.template == Template::Adopt {
        format!("wrote {name}; this version of millrun can't carry out `adopt` yet\n")
    } else {
        format!("wrote {name}; try it without a key: millrun run {name} --sim\n")
    })?;
    Ok(ExitCode::Success)
}

fn shown(path: &Path) -> String {
    terminal::line(&path.display().to_string())
}

fn is_there(name: &str) -> CliError {
    CliError::usage(
        format!("{name} is there already"),
        "`init` never overwrites; give another name",
    )
}

fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    let name = shown(path);
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(is_there(&name)),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(CliError::usage(
            format!("there is no folder for {name}"),
            "make it, or give another name",
        )),
        Err(error) => Err(CliError::io(format!("writing {name}"), error)),
        Ok(()) => Ok(()),
    }
}

/// Eight hexadecimal digits that no other manifest is likely to have. The standard library seeds its hash maps with
/// randomness of the system: a uid has to be different, not secret, and needs no crate for it.
fn fresh_uid() -> String {
    let random = RandomState::new().hash_one(UID);
    format!("{:08x}", random >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Code, Severity};
    use crate::session::{self, SessionError};

    fn load(template: Template) -> Result<session::Loaded, SessionError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("millrun.yaml");
        let manifest = template.manifest().replace(UID, &fresh_uid());
        std::fs::write(&path, manifest).unwrap();
        if let Some(table) = template.table() {
            std::fs::write(folder.path().join(TABLE), table).unwrap();
        }
        session::load(&path, &|_| None)
    }

    #[test]
    fn what_init_writes_is_understood_without_a_complaint() {
        for (template, parts) in [
            (Template::Plates, 4),
            (Template::Table, 3),
            (Template::Assembly, 3),
        ] {
            let loaded = load(template).unwrap();
            assert_eq!(loaded.lints.iter().count(), 0, "{template:?}");
            assert_eq!(loaded.family.parts.len(), parts, "{template:?}");
            assert_eq!(loaded.family.salt.uid.len(), 8);
        }
    }

    #[test]
    fn the_template_that_adopts_is_right_but_for_what_is_not_supported_yet() {
        let Err(SessionError::Manifest { diagnostics, .. }) = load(Template::Adopt) else {
            panic!("`adopt` is supported: the template can run, and `init` may say so")
        };
        for problem in &diagnostics {
            assert_eq!(problem.severity, Severity::Error);
            assert_eq!(problem.code, Code::NotSupportedYet, "{problem:?}");
        }
    }

    #[test]
    fn two_manifests_have_different_uids() {
        assert_ne!(fresh_uid(), fresh_uid());
        assert_eq!(fresh_uid().len(), 8);
    }
}
