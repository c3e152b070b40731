//! `graph`: what needs what.

use std::path::PathBuf;

use clap::ValueEnum;

use super::args::Globals;
use super::error::CliError;
use super::exit::ExitCode;
use super::open::open;
use super::output::Output;
use super::select::SelectArgs;
use crate::report::graph::Graph;
use crate::session::{SessionError, selected};

#[derive(Debug, clap::Args)]
pub(crate) struct GraphArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// For which program
    #[arg(long, value_name = "FORMAT", default_value = "dot")]
    pub(crate) format: GraphFormat,
    /// Draw steps, and not only parts
    #[arg(long)]
    pub(crate) steps: bool,
    #[command(flatten)]
    pub(crate) selection: SelectArgs,
}

/// What a graph is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Graphviz.
    Dot,
    /// Mermaid, as in Markdown.
    Mermaid,
}

pub(super) fn graph(
    args: &GraphArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let session = open(&args.manifest, globals)?;
    let family = &session.loaded.family;
    let wish = args.selection.wish();
    let parts = selected(family, &wish, &session.records).map_err(SessionError::from)?;
    let family = family.of_parts(&parts);
    let graph = if args.steps {
        Graph::of_steps(&family)
    } else {
        Graph::of_parts(&family)
    };
    let text = match (output.is_json(), args.format) {
        (true, _) => graph.json(),
        (false, GraphFormat::Dot) => graph.dot(),
        (false, GraphFormat::Mermaid) => graph.mermaid(),
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}
