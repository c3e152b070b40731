//! `check`: everything that is wrong with a manifest, at once.

use serde_json::json;

use super::args::CheckArgs;
use super::complaint::diagnostics;
use super::error::CliError;
use super::exit::ExitCode;
use super::origin::variable;
use super::output::Output;
use crate::manifest::to_json;
use crate::report::json::{FORMAT_VERSION, document};
use crate::report::words::counted;
use crate::session;

pub(super) fn check(args: &CheckArgs, output: &mut Output) -> Result<ExitCode, CliError> {
    let loaded = session::load(&args.manifest, &variable)?;
    let family = &loaded.family;
    output.note(&diagnostics(&loaded.lints, &loaded.sources, output));
    let (parts, steps) = (family.parts.len(), family.steps.len());
    let text = if output.is_json() {
        let lints = loaded.lints.iter();
        document(&json!({
            "format_version": FORMAT_VERSION,
            "family": family.salt.name,
            "parts": parts,
            "steps": steps,
            "diagnostics": lints.map(|lint| to_json(lint, &loaded.sources)).collect::<Vec<_>>(),
            "exit_code": ExitCode::Success.number(),
        }))
    } else {
        format!(
            "ok: {}, {}\n",
            counted(parts, "part"),
            counted(steps, "step")
        )
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}
