//! `state`: all that only the state knows, carried elsewhere.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::args::Globals;
use super::error::CliError;
use super::exit::ExitCode;
use super::open::open;
use super::origin::{origin, variable};
use super::output::Output;
use crate::report::json::{FORMAT_VERSION, document};
use crate::report::words::counted;
use crate::session::{self, Carried, Risks};

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Write everything that was recorded, as JSON
    Export(StateExportArgs),
    /// Take an exported state into an empty one
    Import(StateImportArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct StateExportArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// Where to write it; `-` is stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Copy files and images to this folder as well
    #[arg(long, value_name = "DIR")]
    pub(crate) with_objects: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StateImportArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// What was exported; `-` is stdin
    pub(crate) file: PathBuf,
    /// Take files and images from this folder; without it they are fetched again
    #[arg(long, value_name = "DIR")]
    pub(crate) with_objects: Option<PathBuf>,
    /// Import it although the state that was here had come further
    #[arg(long)]
    pub(crate) accept_rollback: bool,
}

/// What stands for a standard stream.
const STREAM: &str = "-";

pub(super) fn state(
    command: &StateCommand,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    match command {
        StateCommand::Export(args) => export(args, globals, output),
        StateCommand::Import(args) => import(args, globals, output),
    }
}

fn export(
    args: &StateExportArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let origin = origin(globals)?;
    let session = open(&args.manifest, globals)?;
    let carried = session::export(&session, &origin, args.with_objects.as_deref())?;
    let text = document(&carried);
    match args
        .output
        .as_deref()
        .filter(|path| *path != Path::new(STREAM))
    {
        None => output.print(&text)?,
        Some(path) => {
            write(path, &text)
                .map_err(|why| CliError::io(format!("writing {}", path.display()), why))?;
            let told = told(&carried, "exported");
            output.note(&told);
        }
    }
    Ok(ExitCode::Success)
}

fn import(
    args: &StateImportArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let origin = origin(globals)?;
    let loaded = session::load(&args.manifest, &variable)?;
    let text = read(&args.file)
        .map_err(|why| CliError::io(format!("reading {}", args.file.display()), why))?;
    let carried = Carried::parse(&text)?;
    let risks = Risks {
        network_state: globals.force_network_state,
        rollback: args.accept_rollback,
    };
    let (state, objects) = (globals.state.as_deref(), args.with_objects.as_deref());
    carried.import(&loaded, &origin, state, objects, risks)?;
    if output.is_json() {
        output.print(&document(&json!({
            "format_version": FORMAT_VERSION,
            "records": carried.records.len(),
            "objects": objects.map_or(0, |_| carried.objects.len()),
        })))?;
    } else {
        output.note(&told(&carried, "imported"));
    }
    Ok(ExitCode::Success)
}

fn told(carried: &Carried, what: &str) -> String {
    format!("{what} {}\n", counted(carried.records.len(), "record"))
}

/// Whole or not at all, and for nobody but the user: prompts are in it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

fn read(path: &Path) -> std::io::Result<String> {
    if path == Path::new(STREAM) {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(path)
}
