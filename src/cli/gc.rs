//! `gc`: removes what a state holds and nobody needs.

use serde_json::json;

use super::args::{GcArgs, Globals};
use super::error::CliError;
use super::exit::ExitCode;
use super::origin::{options, origin, variable};
use super::output::Output;
use crate::adapters::garbage::{Garbage, Kind};
use crate::report::json::{FORMAT_VERSION, document};
use crate::report::words::counted;
use crate::session;

pub(super) fn gc(
    args: &GcArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let loaded = session::load(&args.manifest, &variable)?;
    let options = options(origin(globals)?, globals);
    let garbage = session::collect_garbage(&loaded, &options, args.dry_run)?;
    let bytes: u64 = garbage.iter().map(|file| file.bytes).sum();
    if output.is_json() {
        output.print(&document(&json!({
            "format_version": FORMAT_VERSION,
            "dry_run": args.dry_run,
            "removed": garbage,
            "bytes": bytes,
            "exit_code": ExitCode::Success.number(),
        })))?;
    } else {
        output.print(&told(&garbage, bytes, args.dry_run))?;
    }
    Ok(ExitCode::Success)
}

fn told(garbage: &[Garbage], bytes: u64, dry_run: bool) -> String {
    if garbage.is_empty() {
        return "nothing to clear away\n".to_owned();
    }
    let count = |kind, one: &str| {
        let count = garbage.iter().filter(|file| file.kind == kind).count();
        (count > 0).then(|| counted(count, one))
    };
    let kinds = [
        count(Kind::Object, "unreferenced object"),
        count(Kind::Temporary, "temporary file"),
        count(Kind::Backup, "old backup"),
    ];
    let kinds: Vec<String> = kinds.into_iter().flatten().collect();
    let did = if dry_run { "would remove" } else { "removed" };
    let files: String = garbage
        .iter()
        .map(|file| format!("  {:>12}  {}\n", file.bytes, file.path.display()))
        .collect();
    format!("{did} {bytes} bytes: {}\n{files}", kinds.join(", "))
}
