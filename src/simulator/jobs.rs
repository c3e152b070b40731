//! Jobs: their exchanges with a client, and what of them can be seen at a given time.
//!
//! Nothing here changes as time passes. A run is recorded with its whole timetable when it is accepted, and every
//! question takes the time it is asked at.

use serde::{Deserialize, Serialize};

use super::attachment::Attachment;
use super::cents::Cents;
use super::design::Design;
use super::digest::Digest;
use super::ids::{ArtifactId, JobId, MessageId, RevisionId};
use super::switches::{ChargedCents, DuringFollowUp};

/// The status of a job or run (section "Poll job status").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Accepted, not begun.
    Queued,
    /// At work.
    Running,
    /// Done, with a revision.
    Completed,
    /// Done, without one.
    Failed,
}

impl Status {
    /// Whether it can still change by itself.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// Which of the two writes made a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteKind {
    /// `POST /cad/jobs`
    Create,
    /// `POST /cad/jobs/{job_id}/messages`
    FollowUp,
}

impl WriteKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::FollowUp => "follow_up",
        }
    }
}

/// Who asked for a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A client of the public API.
    #[default]
    Api,
    /// A user of the web app.
    Webapp,
}

/// A job with all that was ever asked of it, in order.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) created_ms: i64,
    /// `Mounting plate`
    pub(crate) title: String,
    /// Title and first prompt in lower case, as searches see them.
    pub(crate) search: String,
    /// Never empty: the first is the create's run.
    pub(crate) exchanges: Vec<Exchange>,
    /// Whether it is left out of lists.
    pub(crate) hidden: bool,
    /// Before this time a poll is early. Not part of the log: a reopened world starts with what its writes told.
    pub(crate) next_poll_ms: Option<i64>,
}

/// One question and, in time, its answer.
#[derive(Debug)]
pub(crate) enum Exchange {
    Run(Run),
    Review(Review),
}

/// One execution: a create or a follow-up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) kind: WriteKind,
    #[serde(default)]
    pub(crate) source: Source,
    pub(crate) message: MessageId,
    pub(crate) prompt: String,
    pub(crate) images: Vec<Attachment>,
    /// The content of this write and of the successful ones before it: equal for equal work, whoever asks for it.
    pub(crate) lineage: Digest,
    pub(crate) hold: Cents,
    pub(crate) queued_ms: i64,
    pub(crate) started_ms: i64,
    pub(crate) ends_ms: i64,
    /// The assistant's message at its end.
    pub(crate) reply: MessageId,
    pub(crate) end: End,
}

/// How a run ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// Free of charge.
    Failed,
    Completed {
        revision: Revision,
        charge: Cents,
        /// When the charge can be read, which may be after the end.
        charge_known_ms: i64,
    },
    /// Without a revision, and charged as if there were one.
    FailedAtACost { charge: Cents, charge_known_ms: i64 },
}

/// What a run costs, and when that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) charge: Cents,
    pub(crate) known_ms: i64,
}

/// A state of the model with its files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Revision {
    pub(crate) id: RevisionId,
    /// `A`, `B`, … `Z`, `AA`, …
    pub(crate) letter: String,
    pub(crate) design: Design,
    /// The file of the whole; for an assembly, then one for each solid.
    pub(crate) artifacts: Vec<Artifact>,
}

/// A STEP file of a revision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Artifact {
    pub(crate) id: ArtifactId,
    pub(crate) label: String,
    pub(crate) filename: String,
}

/// A question to the review assistant, with its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Review {
    pub(crate) at_ms: i64,
    pub(crate) message: MessageId,
    pub(crate) prompt: String,
    pub(crate) revision: RevisionId,
    pub(crate) reply: MessageId,
    pub(crate) answer: String,
    pub(crate) proposal: Option<Proposal>,
}

/// An iteration the review assistant proposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    pub(crate) summary: String,
    pub(crate) prompt: String,
}

impl Run {
    pub(crate) fn status(&self, now: i64) -> Status {
        match &self.end {
            _ if now < self.started_ms => Status::Queued,
            _ if now < self.ends_ms => Status::Running,
            End::Failed | End::FailedAtACost { .. } => Status::Failed,
            End::Completed { .. } => Status::Completed,
        }
    }

    /// Its revision, once there is one.
    pub(crate) fn revision(&self, now: i64) -> Option<&Revision> {
        match &self.end {
            End::Completed { revision, .. } if now >= self.ends_ms => Some(revision),
            End::Completed { .. } | End::Failed | End::FailedAtACost { .. } => None,
        }
    }

    /// Its bill, from the start; one that failed free of charge has none.
    pub(crate) fn bill(&self) -> Option<Bill> {
        match self.end {
            End::Failed => None,
            End::Completed {
                charge,
                charge_known_ms,
                ..
            }
            | End::FailedAtACost {
                charge,
                charge_known_ms,
            } => Some(Bill {
                charge,
                known_ms: charge_known_ms,
            }),
        }
    }

    /// What it cost, once that is known.
    pub(crate) fn charge(&self, now: i64) -> Option<Cents> {
        self.bill()
            .filter(|bill| now >= bill.known_ms)
            .map(|bill| bill.charge)
    }

    /// When its hold is let go.
    pub(crate) fn settles_ms(&self) -> i64 {
        self.bill().map_or(self.ends_ms, |bill| bill.known_ms)
    }

    /// Makes its charge known at `at`, if it has ended by then and the charge was to come later.
    pub(crate) fn tell_charge(&mut self, at: i64) {
        match &mut self.end {
            End::Completed {
                charge_known_ms, ..
            }
            | End::FailedAtACost {
                charge_known_ms, ..
            } if self.ends_ms <= at => *charge_known_ms = at.min(*charge_known_ms),
            End::Completed { .. } | End::FailedAtACost { .. } | End::Failed => {}
        }
    }
}

impl Job {
    pub(crate) fn runs(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.exchanges.iter().filter_map(|exchange| match exchange {
            Exchange::Run(run) => Some(run),
            Exchange::Review(_) => None,
        })
    }

    pub(crate) fn reviews(&self) -> impl Iterator<Item = &Review> {
        self.exchanges.iter().filter_map(|exchange| match exchange {
            Exchange::Review(review) => Some(review),
            Exchange::Run(_) => None,
        })
    }

    pub(crate) fn first_run(&self) -> &Run {
        self.runs()
            .next()
            .expect("a job begins with the run of its create")
    }

    pub(crate) fn last_run(&self) -> &Run {
        self.runs()
            .next_back()
            .expect("a job begins with the run of its create")
    }

    /// The revision that its readers see.
    pub(crate) fn shown_revision(&self, during: DuringFollowUp, now: i64) -> Option<&Revision> {
        let latest = self.latest_revision(now);
        latest.filter(|latest| !self.hides(latest, during, now))
    }

    /// Whether a revision is out of sight: the last one, until the follow-up that is at work ends.
    pub(crate) fn hides(&self, revision: &Revision, during: DuringFollowUp, now: i64) -> bool {
        let is_latest = |latest: &Revision| latest.id == revision.id;
        during == DuringFollowUp::Hidden
            && self.status(now).is_active()
            && self.latest_revision(now).is_some_and(is_latest)
    }

    /// That of its last run.
    pub(crate) fn status(&self, now: i64) -> Status {
        self.last_run().status(now)
    }

    /// The newest revision there is; it outlives later runs that are active or failed.
    pub(crate) fn latest_revision(&self, now: i64) -> Option<&Revision> {
        self.latest_success(now)?.revision(now)
    }

    /// The last run that ended well, with what it made.
    pub(crate) fn latest_success(&self, now: i64) -> Option<&Run> {
        self.runs().rev().find(|run| run.revision(now).is_some())
    }

    pub(crate) fn revisions(&self, now: i64) -> impl Iterator<Item = &Revision> {
        self.runs().filter_map(move |run| run.revision(now))
    }

    /// The sum over its runs, or what the last of them cost; unknown while a run is active or a bill is missing, or if
    /// there never was one.
    pub(crate) fn charged(&self, of: ChargedCents, now: i64) -> Option<Cents> {
        if self.status(now).is_active() {
            return None;
        }
        if of == ChargedCents::LastRun {
            return self.last_run().charge(now);
        }
        let billed = self.runs().filter(|run| run.bill().is_some());
        let charges: Option<Vec<Cents>> = billed.map(|run| run.charge(now)).collect();
        charges
            .filter(|charges| !charges.is_empty())
            .map(|charges| charges.into_iter().sum())
    }

    /// When something visible about it last changed.
    pub(crate) fn updated_ms(&self, now: i64) -> i64 {
        let run = self.last_run();
        let run_changed = [run.ends_ms, run.started_ms, run.queued_ms]
            .into_iter()
            .find(|at| *at <= now)
            .unwrap_or(run.queued_ms);
        match self.exchanges.last() {
            Some(Exchange::Review(review)) => review.at_ms.max(run_changed),
            Some(Exchange::Run(_)) | None => run_changed,
        }
    }

    /// What the user last said, in a run or a review.
    pub(crate) fn last_message(&self) -> &str {
        match self.exchanges.last() {
            Some(Exchange::Review(review)) => &review.prompt,
            Some(Exchange::Run(run)) => &run.prompt,
            None => "",
        }
    }
}

/// The letters of the `index`th revision, as drawings count them.
pub(crate) fn letters(index: usize) -> String {
    const ALPHABET: &[u8; 26] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let last = char::from(ALPHABET[index % 26]);
    match (index / 26).checked_sub(1) {
        Some(before) => format!("{}{last}", letters(before)),
        None => last.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_go_on_after_z() {
        let named: Vec<_> = [0, 1, 25, 26, 701, 702].map(letters).into();
        assert_eq!(named, ["A", "B", "Z", "AA", "ZZ", "AAA"]);
    }
}
