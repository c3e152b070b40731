//! Everything that ends a command without a result: what kind it is, its exit code, and what helps.

use std::io;

use super::call_error;
use super::exit::ExitCode;
use crate::adapters::state_folder::StateError;
use crate::api::CallError;
use crate::execute::engine::EngineError;
use crate::execute::ports::{StorageError, Trouble};
use crate::session::SessionError;
use crate::simulator::SimulatorError;

/// Why a command has no result. Its text may hold words of the service.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The words of the command line, or what they lead to, make no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What helps.
        hint: Option<&'static str>,
    },
    /// The manifest, its state or its run.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A request of this command.
    #[error("{}", call_error::words(.0))]
    Api(#[from] CallError),
    /// The simulator.
    #[error(transparent)]
    Simulator(#[from] SimulatorError),
    /// A file, the terminal or the runtime.
    #[error("{what}: {why}")]
    Io {
        /// What was being done.
        what: String,
        /// What went wrong.
        why: io::Error,
    },
}

/// A kind of error: its stable name, its exit code, and what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The stable name.
    pub(crate) name: &'static str,
    /// The exit code.
    pub(crate) code: ExitCode,
    /// What helps, if anything is known to.
    pub(crate) hint: Option<&'static str>,
}

const STORAGE: Kind = Kind::new(
    "storage",
    ExitCode::Resumable,
    "look at the disk: is there room, and may millrun write there? What was sent is recorded, and `millrun resume` goes \
     on with it",
);
const UNREADABLE: Kind = Kind::new(
    "unreadable",
    ExitCode::Resumable,
    "nothing was sent or changed: use the millrun that wrote it or, if it is damaged, put back a copy of the state folder; \
     `millrun doctor` says more",
);
const LOCKED: Kind = Kind::new(
    "locked",
    ExitCode::Locked,
    "wait for the other run, or stop it with Ctrl-C",
);

impl Kind {
    /// A kind with a hint.
    pub(super) const fn new(name: &'static str, code: ExitCode, hint: &'static str) -> Self {
        Self {
            name,
            code,
            hint: Some(hint),
        }
    }

    /// A kind without a hint.
    pub(super) const fn bare(name: &'static str, code: ExitCode) -> Self {
        Self {
            name,
            code,
            hint: None,
        }
    }
}

impl CliError {
    /// A usage error.
    pub(crate) fn usage(message: impl Into<String>, hint: &'static str) -> Self {
        Self::Usage {
            message: message.into(),
            hint: Some(hint),
        }
    }

    /// An error in doing `what`.
    pub(crate) fn io(what: impl Into<String>, why: io::Error) -> Self {
        Self::Io {
            what: what.into(),
            why,
        }
    }

    /// What kind of error it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Usage { hint, .. } => Kind {
                hint: *hint,
                ..Kind::bare("usage", ExitCode::Usage)
            },
            Self::Session(error) => session(error),
            Self::Api(error) => call_error::kind(error),
            Self::Simulator(error) => simulator(error),
            Self::Io { .. } => Kind::bare("io", ExitCode::Resumable),
        }
    }
}

fn storage(error: &StorageError) -> Kind {
    let hint = match error.trouble {
        Trouble::Full => {
            "make room on the disk: what was sent is recorded, and `millrun resume` goes on with it"
        }
        Trouble::ReadOnly => {
            "nothing new is sent where nothing can be recorded: give millrun the right to write there, or keep the state \
             elsewhere with --state"
        }
        Trouble::Unsynced => {
            "the disk failed: look at the system's log before `millrun resume`, which goes on with what was sent"
        }
        Trouble::Fenced => {
            "nothing new was sent: one process at a time runs a family; `millrun resume` goes on with what was sent"
        }
        Trouble::Damaged | Trouble::Newer => return UNREADABLE,
        Trouble::Other => return STORAGE,
    };
    Kind {
        hint: Some(hint),
        ..STORAGE
    }
}

fn session(error: &SessionError) -> Kind {
    match error {
        SessionError::Manifest { .. } => Kind::bare("manifest", ExitCode::Usage),
        SessionError::Selection(_) => Kind::new(
            "selection",
            ExitCode::Usage,
            "blanks unite, commas intersect: `--select 'plate-* tag:urgent,state:failed'`; `+x` and `x+` take in what x \
             needs and what needs x",
        ),
        SessionError::State(StateError::Locked { .. }) => LOCKED,
        SessionError::State(StateError::Storage(error))
        | SessionError::Engine(EngineError::Storage(error)) => storage(error),
        SessionError::RolledBack { .. } => Kind::new(
            "rolled_back",
            ExitCode::Resumable,
            "nothing was sent: put the newer journal.db back; if it is lost, look at `millrun jobs list` for what was made \
             since, and then run it with --accept-rollback",
        ),
        SessionError::State(_) => Kind::bare("state", ExitCode::Usage),
        SessionError::Import(_) => Kind::new(
            "import",
            ExitCode::Usage,
            "nothing was imported; `millrun state export` writes the file, `--state` names another folder",
        ),
        SessionError::Unreadable(_) => UNREADABLE,
        SessionError::NotSelected(_) => Kind::new(
            "not_selected",
            ExitCode::Usage,
            "leave it out of the one, or take it into the other",
        ),
        SessionError::NoKey => Kind::new(
            "no_key",
            ExitCode::Usage,
            "export ORVILLE_API_KEY, or try it without one: --sim",
        ),
        SessionError::NotUnresolved(_) => Kind::new(
            "not_unresolved",
            ExitCode::Usage,
            "`millrun status` shows what is unresolved",
        ),
        SessionError::NoAdoption(_) => Kind::new(
            "no_adoption",
            ExitCode::Usage,
            "`millrun jobs messages JOB` shows what a job has seen",
        ),
        SessionError::NoRun(_) => Kind::new(
            "no_run",
            ExitCode::Usage,
            "`millrun run` starts one, `millrun runs` lists them; --sim has runs of its own",
        ),
        SessionError::ImageChanged(_) => {
            Kind::new("image_changed", ExitCode::Usage, "run it again")
        }
        SessionError::Simulator(error) => simulator(error),
        SessionError::Transport(_) => Kind::new(
            "transport",
            ExitCode::Usage,
            "look at the proxy variables and the certificates of this machine",
        ),
        SessionError::Engine(EngineError::Abandoned) => Kind::new(
            "interrupted",
            ExitCode::Resumable,
            "`millrun resume` goes on",
        ),
        SessionError::Engine(EngineError::Stuck) => Kind::new(
            "bug",
            ExitCode::Bug,
            "this is a bug in millrun: please report it with the output of `millrun logs --json`",
        ),
    }
}

fn simulator(error: &SimulatorError) -> Kind {
    match error {
        SimulatorError::InUse => LOCKED,
        SimulatorError::Bind { .. } => Kind::new(
            "usage",
            ExitCode::Usage,
            "choose another --port; 0 takes a free one",
        ),
        SimulatorError::Corrupt { .. } => UNREADABLE,
        SimulatorError::NotLoopback(_) => Kind::bare("usage", ExitCode::Usage),
        _ => STORAGE,
    }
}
