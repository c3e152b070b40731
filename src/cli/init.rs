//! `init`: a first manifest that can be checked, planned and run as it is.

use std::fs::OpenOptions;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{ErrorKind, Write as _};

use super::args::InitArgs;
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use crate::report::json::{FORMAT_VERSION, document};
use crate::untrusted::terminal;

const MANIFEST: &str = include_str!("init.yaml");
/// What stands in the text where the uid belongs.
const UID: &str = "00000000";

pub(super) fn init(args: &InitArgs, output: &mut Output) -> Result<ExitCode, CliError> {
    let path = &args.manifest;
    let name = terminal::line(&path.display().to_string());
    let is_yaml = path
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml");
    if !is_yaml {
        return Err(CliError::usage(
            format!("{name}: `init` writes YAML"),
            "end the name in `.yaml`",
        ));
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(manifest(&fresh_uid()).as_bytes())) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(CliError::usage(
                format!("{name} is there already"),
                "`init` never overwrites; give another name",
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(CliError::usage(
                format!("there is no folder for {name}"),
                "make it, or give another name",
            ));
        }
        Err(error) => return Err(CliError::io(format!("writing {name}"), error)),
        Ok(()) => {}
    }
    output.print(&if output.is_json() {
        document(&serde_json::json!({ "format_version": FORMAT_VERSION, "manifest": name }))
    } else {
        format!("wrote {name}; try it without a key: millrun run {name} --sim\n")
    })?;
    Ok(ExitCode::Success)
}

fn manifest(uid: &str) -> String {
    MANIFEST.replace(UID, uid)
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
    use crate::session;

    #[test]
    fn what_init_writes_is_understood_without_a_complaint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("millrun.yaml");
        std::fs::write(&path, manifest(&fresh_uid())).unwrap();
        let loaded = session::load(&path, &|_| None).unwrap();
        assert_eq!(loaded.lints.iter().count(), 0);
        assert_eq!(loaded.family.parts.len(), 4);
        assert_eq!(loaded.family.salt.uid.len(), 8);
    }

    #[test]
    fn two_manifests_have_different_uids() {
        assert_ne!(fresh_uid(), fresh_uid());
        assert_eq!(fresh_uid().len(), 8);
    }
}
