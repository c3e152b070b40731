//! The words of the command line.

use std::path::PathBuf;

use clap::{ArgAction, ColorChoice, Parser, Subcommand, ValueEnum};

use super::graph::GraphArgs;
use super::select::SelectArgs;
use super::sim::SimArgs;
use super::state::StateCommand;
use crate::manifest::shape::Amount;
use crate::manifest::units;
use crate::plan::ids::{RunId, StepRef};
use crate::session::SIMULATOR_SPEED;

/// Runs batch manifests of CAD parts against the Orville text-to-CAD API: within its limits, within your money, and safe
/// to interrupt.
#[derive(Debug, Parser)]
#[command(name = "millrun", version, max_term_width = 100)]
#[command(after_help = "\
The API key is read from ORVILLE_API_KEY and is never a flag. Try everything without one: --sim.

Exit codes: 0 all is well, 1 some part failed or was rejected, 2 usage or manifest error, 3 money,
4 the API refused the key, 5 interrupted or unresolved, 6 a person is asked, 7 another run holds the state,
8 the saved plan is stale, 9 there is something to do (plan --detailed-exitcode), 70 a bug.")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Globals {
    /// Use the simulator in this process: no key, no money, a world of its own for each family
    #[arg(long, global = true)]
    pub(crate) sim: bool,
    /// How fast the simulator's clock runs
    #[arg(long, global = true, value_name = "N", value_parser = speed, default_value_t = SIMULATOR_SPEED)]
    pub(crate) sim_speed: f64,
    /// Scheme, host and port of the API; ORVILLE_BASE_URL says it too
    #[arg(long, global = true, value_name = "URL", conflicts_with = "sim")]
    pub(crate) base_url: Option<String>,
    /// Where the state is kept, instead of `.millrun` beside the manifest
    #[arg(long, global = true, value_name = "DIR", env = "MILLRUN_STATE")]
    pub(crate) state: Option<PathBuf>,
    /// Keep the state on a network file system all the same
    #[arg(long, global = true, env = "MILLRUN_FORCE_NETWORK_STATE", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) force_network_state: bool,
    /// Machine output on stdout, and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How progress and logs are written to stderr
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// Tell more; twice: everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Tell errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// When to use colours; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// How stderr is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a first manifest
    Init(InitArgs),
    /// Find everything that is wrong with a manifest
    Check(CheckArgs),
    /// Print the JSON Schema of manifests, for editors
    Schema,
    /// Show what a run would do, why, and what it costs
    Plan(PlanArgs),
    /// Show why a run would do with a part what it would do, and what that costs
    Why(WhyArgs),
    /// Draw what needs what
    Graph(GraphArgs),
    /// Run a manifest; an unfinished run goes on
    Run(RunArgs),
    /// Go on with the last run, with its own budget
    Resume(RunArgs),
    /// Give parts the jobs that are there already
    Adopt(AdoptArgs),
    /// Send nothing new in the run that is under way; what was sent goes on
    Pause(PauseArgs),
    /// Send nothing new any more, bring home what is paid, and finish the run
    Cancel(CancelArgs),
    /// Let a part go on behind an `approve` step, or not
    Approve(ApproveArgs),
    /// How the last run stands
    Status(LookArgs),
    /// What came out of a run
    Report(LookArgs),
    /// All runs
    Runs(ManifestArgs),
    /// What happened, event by event
    Logs(RunOfArgs),
    /// What was held and charged
    Ledger(RunOfArgs),
    /// Jobs at the service
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// The workspace's balance
    Balance,
    /// How the rate limits stand, who shares them, and who waits
    Limits(LimitsArgs),
    /// Find out whether all is well, and what to do where it is not
    Doctor(DoctorArgs),
    /// Carry elsewhere what only the state knows
    #[command(subcommand)]
    State(StateCommand),
    /// Remove what the state holds and nobody needs
    Gc(GcArgs),
    /// Serve the simulator to other programs
    Sim(SimArgs),
    /// Write completions for a shell
    Completions(CompletionsArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// The file to write
    #[arg(default_value = "millrun.yaml")]
    pub(crate) manifest: PathBuf,
    /// What to start from
    #[arg(long, value_name = "NAME", default_value = "plates")]
    pub(crate) template: Template,
}

/// What a first manifest shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// A matrix of sizes.
    Plates,
    /// A design table, one part a row.
    Table,
    /// Parts, and what is made of them.
    Assembly,
    /// A job that is there already.
    Adopt,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// How problems are told; `json` is what --json prints
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: LogFormat,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ManifestArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LimitsArgs {
    /// The manifest that states them; the documented ones when absent
    pub(crate) manifest: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// Save it, priced: `millrun run FILE` does exactly that, and nothing once anything has changed
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show the prompts as they will be sent, and how they differ from what was sent before
    #[arg(long)]
    pub(crate) show_prompts: bool,
    /// Exit with 9 when there is something to do
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    #[command(flatten)]
    pub(crate) selection: SelectArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WhyArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// A part, or one of its steps
    #[arg(value_name = "PART[/STEP]")]
    pub(crate) what: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The manifest, or a saved plan
    pub(crate) manifest: PathBuf,
    /// Spend no more than this in one run, such as "60.00 usd"; the stricter of this and the manifest's counts
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub(crate) max_spend: Option<Amount>,
    /// Start nothing new once a part did not succeed
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Make these parts anew on fresh jobs, once, whatever they have: as `--select` names them
    #[arg(long, value_name = "SELECTION")]
    pub(crate) regenerate: Vec<String>,
    /// What is unresolved of this part was never executed: you looked, and it is sent with a new key
    #[arg(long, value_name = "PART")]
    pub(crate) confirm_absent: Vec<String>,
    /// Run although the journal is older than what was here: what it does not know of may be paid again
    #[arg(long)]
    pub(crate) accept_rollback: bool,
    #[command(flatten)]
    pub(crate) selection: SelectArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AdoptArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// The part and its job; without any, what the last run found is adopted
    #[arg(value_name = "PART=JOB", value_parser = assignment)]
    pub(crate) jobs: Vec<(String, String)>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PauseArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// Let the run go on
    #[arg(long)]
    pub(crate) off: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CancelArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// Why: it is recorded, and stands in the report
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// The step that asks, such as frame/approve
    #[arg(value_name = "PART/STEP")]
    pub(crate) step: StepRef,
    /// Reject it: the part ends here, and what needs it is blocked
    #[arg(long)]
    pub(crate) reject: bool,
    /// Why: it is recorded, and stands in the report
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct GcArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// Only say what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunOfArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// Which run, such as `run-3` or `3`; the last one when absent
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<RunId>,
}

/// A run, and which parts of it are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct LookArgs {
    #[command(flatten)]
    pub(crate) of: RunOfArgs,
    #[command(flatten)]
    pub(crate) selection: SelectArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// The recent jobs
    List(JobsListArgs),
    /// One job
    Show(JobArgs),
    /// The conversation of a job
    Messages(JobArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct JobsListArgs {
    /// Only jobs with this text in their title or first prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) limit: u8,
    /// Go on after an earlier page
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct JobArgs {
    /// The job's id
    pub(crate) job: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// The manifest whose state is looked over
    pub(crate) manifest: Option<PathBuf>,
    /// Ask the service as well
    #[arg(long)]
    pub(crate) online: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

pub(super) fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok();
    speed
        .filter(|speed: &f64| (0.001..=1_000_000.0).contains(speed))
        .ok_or_else(|| "a speed is a number from 0.001 to 1000000".to_owned())
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((part, job)) if !part.is_empty() && !job.is_empty() => {
            Ok((part.to_owned(), job.to_owned()))
        }
        _ => Err("an adoption is written like plate-60=cadjob_385f3130".to_owned()),
    }
}

fn amount(text: &str) -> Result<Amount, String> {
    units::amount(text).ok_or_else(|| "an amount is written like \"60.00 usd\"".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Args::command().debug_assert();
    }

    #[test]
    fn flags_of_all_commands_stand_anywhere() {
        let args = Args::try_parse_from(["millrun", "--json", "plan", "a.yaml", "--sim"]).unwrap();
        assert!(args.globals.json && args.globals.sim);
        assert!((args.globals.sim_speed - SIMULATOR_SPEED).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_no_amount_run_or_speed_is_refused() {
        for words in [
            ["millrun", "run", "a.yaml", "--max-spend=60"],
            ["millrun", "report", "a.yaml", "--run=last"],
            ["millrun", "run", "a.yaml", "--sim-speed=0"],
            ["millrun", "run", "a.yaml", "--sim-speed=NaN"],
            ["millrun", "jobs", "list", "--limit=0"],
        ] {
            assert!(Args::try_parse_from(words).is_err(), "{words:?}");
        }
    }
}
