//! `schema`: the JSON Schema of manifests.

use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use crate::manifest::SCHEMA;

pub(super) fn schema(output: &mut Output) -> Result<ExitCode, CliError> {
    output.print(SCHEMA)?;
    Ok(ExitCode::Success)
}
