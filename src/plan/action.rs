//! What a run does with a step, and why.

use std::fmt;

use super::ids::{PartId, StepRef};
use super::memory::Claim;
use super::recreation::Recreation;
use super::remote::JobId;

/// What a run does with a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Its key succeeded on the part's job: nothing is sent.
    Reuse,
    /// It runs.
    Run(Reason),
    /// Nothing: its condition turned out to be false, and it does not exist.
    Skip,
    /// It runs, on a fresh job: what was done to the one that its part had can't be unmade.
    Recreate(Box<Recreation>),
    /// It can't run until a person has settled something.
    Blocked(Blocker),
}

impl Action {
    /// Whether the step runs, on whatever job.
    #[must_use]
    pub const fn runs(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Recreate(_))
    }

    /// Whether nothing is left to do for the step.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Reuse | Self::Skip)
    }
}

/// What a person has to settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocker {
    /// Its job may be there already, made before this state was.
    Claimed {
        /// What was found.
        claim: Claim,
    },
    /// Its review proposes an iteration, and the manifest says `on_proposal: fail`.
    Proposal {
        /// What is proposed; text of the service.
        summary: String,
    },
    /// A person rejected what it asks about.
    Rejected {
        /// Who, and why.
        why: String,
    },
    /// Its part needs another one that is neither done nor selected.
    Unselected {
        /// Its part.
        part: PartId,
        /// The other one.
        needs: PartId,
    },
    /// A step before it can't run.
    Before {
        /// Which.
        step: StepRef,
    },
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed { claim } => {
                let jobs: Vec<&str> = claim.jobs.iter().map(|job| job.0.as_str()).collect();
                write!(f, "{}: {}", claim.why, jobs.join(", "))
            }
            Self::Proposal { summary } => write!(f, "its review proposes an iteration: {summary}"),
            Self::Rejected { why } => f.write_str(why),
            Self::Unselected { part, needs } => write!(
                f,
                "needs {needs}, which is neither done nor selected; `+{part}` selects what it needs"
            ),
            Self::Before { step } => write!(f, "{step} is blocked"),
        }
    }
}

/// Why a step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It never ran.
    New,
    /// It works on the result of a step that runs.
    Follows,
    /// What it asks for is not known before these steps have ended.
    Waits {
        /// The steps.
        steps: Vec<StepRef>,
    },
    /// It was begun and not ended.
    Continues {
        /// Its job, once the service has named it.
        job: Option<JobId>,
    },
    /// It did not succeed last time.
    Again {
        /// What happened then.
        why: String,
    },
    /// The conversation of its job went on since it was read.
    Grew,
    /// A published file is no longer there.
    FileMissing {
        /// Its path, relative to the output folder.
        path: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("never ran"),
            Self::Follows => f.write_str("follows a step that runs"),
            Self::Waits { steps } => {
                let steps: Vec<String> = steps.iter().map(StepRef::to_string).collect();
                write!(f, "known when {} ended", list(&steps))
            }
            Self::Continues { job: Some(job) } => write!(f, "goes on with job {job}"),
            Self::Continues { job: None } => f.write_str("was sent, its answer is not known"),
            Self::Again { why } => write!(f, "did not succeed last time: {why}"),
            Self::Grew => f.write_str("the conversation of its job went on"),
            Self::FileMissing { path } => write!(f, "{path} is no longer there"),
        }
    }
}

fn list(names: &[String]) -> String {
    match names {
        [one] => format!("{one} has"),
        [all @ .., last] => format!("{} and {last} have", all.join(", ")),
        [] => "what is before it has".to_owned(),
    }
}
