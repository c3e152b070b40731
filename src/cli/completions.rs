//! `completions`: what a shell needs to complete our words.

use clap::CommandFactory as _;

use super::args::{Args, CompletionsArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;

pub(super) fn completions(
    args: &CompletionsArgs,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "millrun", &mut script);
    output.print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::Success)
}
