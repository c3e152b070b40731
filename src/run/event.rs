//! Events: everything that may change what is true. They are recorded before they count, and never changed.
//!
//! It is one long file on purpose: all that a journal may hold is one enum, and is read as one list.

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::control::CommandId;
use super::outcome::RunEnd;
use super::sheet::Sheet;
use super::stop::StopReason;
use crate::plan::content::Content;
use crate::plan::gate::Verdict;
use crate::plan::ids::{PartId, RunId, StepRef};
use crate::plan::key::{IdempotencyKey, LineageId, StepKey};
use crate::plan::memory::{Claim, Published};
use crate::plan::money::Cents;
use crate::plan::remote::{ArtifactId, JobId, ReviewResult, Stored, Timestamp, WriteResult};
use crate::plan::send::{Refusal, SendId, Target};

/// An event with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it was recorded, on the engine's clock.
    pub at: Timestamp,
    /// In which run.
    pub run: Option<RunId>,
    /// What happened.
    pub event: Event,
}

/// A write that an adopted job has seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdoptedWrite {
    /// The send that it counts as.
    pub send: SendId,
    /// The step that wants it.
    pub step: StepRef,
    /// What it asked for.
    pub content: Content,
    /// The key that it would be sent with.
    pub key: IdempotencyKey,
}

/// A job that the list shows at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAtWork {
    /// The send whose job it is.
    pub send: SendId,
    /// Not to be polled before: the list tells no wait, so the last one that was told holds.
    pub next_poll_at: Timestamp,
}

/// Who said something that only a person can say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The user of the operating system.
    pub user: String,
    /// The machine.
    pub host: String,
}

/// What a dynamic step turned out to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Resolution {
    /// Its condition is false: it does not exist.
    Skipped {},
    /// It asks for something.
    Asks {
        /// Its work, on its part's job.
        send: SendId,
        /// What it asks for.
        content: Content,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began with this plan.
    RunStarted {
        /// Parts and steps, and what was to be done with each.
        sheet: Box<Sheet>,
    },
    /// A run that had not ended goes on. What was out is now unknown.
    RunResumed {
        /// Downloads that have to be done again: their files are gone, or belong elsewhere now.
        again: Vec<StepRef>,
        /// Where files are published from now on, relative to the manifest's folder.
        output: String,
    },
    /// A part was matched to another part's job, because it was renamed.
    Bound {
        /// The part.
        part: PartId,
        /// The job.
        lineage: LineageId,
    },
    /// The balance was read.
    BalanceRead {
        /// The request.
        call: Call,
        /// `available_balance_cents`.
        available: Cents,
        /// `cad_job_hold_cents`.
        hold: Cents,
        /// The currency.
        currency: String,
        /// The holds of all our sends that were answered before the balance was asked for: they are in the figure.
        settled: Cents,
    },
    /// The balance could not be read.
    BalanceNotRead {
        /// The request.
        call: Call,
        /// What came instead.
        why: String,
        /// When it is asked for again.
        retry_at: Timestamp,
    },
    /// A dynamic step is known: the results that it reads are there.
    Resolved {
        /// The step.
        step: StepRef,
        /// What it turned out to be.
        resolution: Resolution,
    },
    /// A send is about to go out; from here on it may have been executed.
    Intended {
        /// The send.
        send: SendId,
        /// The step that asks for it.
        step: StepRef,
        /// What is sent.
        content: Content,
        /// What a follow-up or a review is about.
        target: Option<Target>,
        /// How often the service failed the same work before.
        attempt: u32,
        /// The header.
        key: IdempotencyKey,
        /// What is reserved for it.
        hold: Cents,
    },
    /// The same bytes are about to go out again.
    Resent {
        /// The send.
        send: SendId,
    },
    /// A send was clearly not executed, and may be later.
    Postponed {
        /// The send.
        send: SendId,
        /// The request.
        call: Call,
        /// What came instead of an answer.
        why: String,
        /// Not before.
        again_at: Timestamp,
    },
    /// No clear answer came, now or before: it may have been executed.
    Unanswered {
        /// The send.
        send: SendId,
        /// The request.
        call: Call,
        /// What came instead.
        why: String,
        /// When the same bytes go out again.
        retry_at: Timestamp,
    },
    /// The service accepted a create or a follow-up.
    Accepted {
        /// The send.
        send: SendId,
        /// The request.
        call: Call,
        /// The job.
        job: JobId,
        /// Not to be polled before.
        next_poll_at: Timestamp,
    },
    /// The review assistant answered.
    Reviewed {
        /// The send.
        send: SendId,
        /// The request.
        call: Call,
        /// What it said.
        review: ReviewResult,
        /// Whether the step is content with it: `on_proposal: fail` is not, when an iteration is proposed.
        accepted: bool,
    },
    /// A clear answer: not executed.
    Refused {
        /// The send.
        send: SendId,
        /// The request.
        call: Call,
        /// Why.
        refusal: Refusal,
    },
    /// No repetition can tell any more whether it was executed: it is looked for at the service.
    Doubted {
        /// The send.
        send: SendId,
        /// The request whose answer proved nothing; `None` when it was time that raised the doubt.
        call: Option<Call>,
        /// What raised it.
        why: String,
    },
    /// A page of the job list or a job's history was read.
    Searched {
        /// The request.
        call: Call,
        /// What came instead of an answer; `None`: an answer.
        why: Option<String>,
    },
    /// The service's records show that a create or follow-up was executed.
    Witnessed {
        /// The send.
        send: SendId,
        /// The job.
        job: JobId,
        /// Not to be polled before.
        next_poll_at: Timestamp,
    },
    /// The service's records show that a review was answered.
    ReviewWitnessed {
        /// The send.
        send: SendId,
        /// What it said.
        review: ReviewResult,
        /// Whether the step is content with it.
        accepted: bool,
    },
    /// The service's records don't show it.
    Absent {
        /// The send.
        send: SendId,
        /// When it is looked for again: it may still be on its way. `None`: it was not executed, and may be sent.
        look_again_at: Option<Timestamp>,
    },
    /// The journal is older than what was here: creates that it does not know of may have been sent.
    Distrusted {},
    /// The job list was looked through for creates that an earlier state may have sent.
    Scanned {
        /// What was found, by create.
        claims: Vec<Claim>,
    },
    /// A create does not start: its job may be there already, and a person has to say so.
    Claimed {
        /// The step.
        step: StepRef,
        /// What was found.
        claim: Claim,
    },
    /// A person gave a part a job that is there.
    Adopted {
        /// The part's writes that were applied to it, in order: what was sent, for which step.
        writes: Vec<AdoptedWrite>,
        /// The job.
        job: JobId,
        /// Who said so.
        by: Person,
    },
    /// A person said that what is unresolved or claimed of a part was never executed.
    ConfirmedAbsent {
        /// The part.
        part: PartId,
        /// Its create.
        create: StepKey,
        /// Who said so.
        by: Person,
    },
    /// We can't tell, and stop asking.
    Unresolved {
        /// The send.
        send: SendId,
        /// The request whose answer decided it; `None` when it was time that did.
        call: Option<Call>,
        /// What happened.
        why: String,
    },
    /// A poll is about to go out.
    PollSent {
        /// The send whose job is polled.
        send: SendId,
        /// Should its answer be lost: not to be polled before.
        next_poll_at: Timestamp,
    },
    /// The job is still at work, or its poll had no clear answer.
    Polled {
        /// The send.
        send: SendId,
        /// The request.
        call: Call,
        /// What the service said.
        status: String,
        /// Whether that tells nothing about the job.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unclear: bool,
        /// Not to be polled before.
        next_poll_at: Timestamp,
    },
    /// A page of the job list was read in place of polls.
    Swept {
        /// The request.
        call: Call,
        /// What came instead of a page; `None`: a page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// Jobs that were due for a poll, and are still at work.
        at_work: Vec<SeenAtWork>,
    },
    /// The job is done.
    Completed {
        /// The send.
        send: SendId,
        /// The request.
        call: Call,
        /// What it brought.
        result: WriteResult,
    },
    /// What a job was charged is about to be asked for.
    ChargeAsked {
        /// The job.
        job: JobId,
        /// Should the answer be lost: not to be asked before.
        ask_at: Timestamp,
    },
    /// What a job was charged is known, later than its end.
    ChargeKnown {
        /// The job.
        job: JobId,
        /// The request.
        call: Call,
        /// All its runs together.
        charged: Cents,
    },
    /// What a job was charged is still not known.
    ChargeUnknown {
        /// The job.
        job: JobId,
        /// The request.
        call: Call,
        /// What came instead.
        why: String,
        /// When it is asked for again.
        ask_at: Timestamp,
    },
    /// The service named no charge of a failed run for so long that nothing is held for it any more.
    NotCharged {
        /// The job.
        job: JobId,
    },
    /// The service failed the job.
    JobFailed {
        /// The send.
        send: SendId,
        /// The request.
        call: Call,
        /// What it was charged so far, all its runs together.
        charged: Option<Cents>,
        /// The service's words.
        why: String,
        /// When the next attempt may start; `None`: not in this run.
        again_at: Option<Timestamp>,
    },
    /// A file is at home.
    FileStored {
        /// The send that brought it.
        send: SendId,
        /// The request.
        call: Call,
        /// Which file.
        artifact: ArtifactId,
        /// Where it is.
        stored: Stored,
    },
    /// A file did not come home.
    FileNotStored {
        /// The send that brought it.
        send: SendId,
        /// The request.
        call: Call,
        /// Which file.
        artifact: ArtifactId,
        /// What came instead.
        why: String,
        /// When it is asked for again; `None`: not in this run.
        retry_at: Option<Timestamp>,
    },
    /// A file that was at home is there no more: it is fetched again.
    FileLost {
        /// The send that brought it.
        send: SendId,
        /// Which file.
        artifact: ArtifactId,
    },
    /// The files of a revision were looked at.
    Checked {
        /// The step.
        step: StepRef,
        /// Its work.
        check: SendId,
        /// What is wrong with them; none: passed.
        errors: Vec<String>,
        /// What is odd.
        warnings: Vec<String>,
    },
    /// Files were published.
    FilesPublished {
        /// The step.
        step: StepRef,
        /// The files.
        files: Vec<Published>,
    },
    /// A job's conversation was read, and is in the content store as Markdown.
    Transcribed {
        /// The download that publishes it.
        step: StepRef,
        /// The job.
        lineage: LineageId,
        /// The request.
        call: Call,
        /// The Markdown.
        stored: Stored,
    },
    /// A job's conversation could not be read.
    NotTranscribed {
        /// The download that wants it.
        step: StepRef,
        /// The request.
        call: Call,
        /// What came instead.
        why: String,
        /// When it is asked for again; `None`: not in this run.
        retry_at: Option<Timestamp>,
    },
    /// A person answered a gate: the part goes on behind it, or does not.
    Approval {
        /// The step.
        step: StepRef,
        /// What was asked about: the job, and the key of the gate on the write before it.
        gate: SendId,
        /// What was said.
        verdict: Verdict,
        /// Who said so.
        by: Person,
        /// Why, in that person's words.
        reason: Option<String>,
        /// The command, when it was given beside the run.
        command: Option<CommandId>,
    },
    /// A write does not start: with it the part could cost more than `max_per_part`.
    Capped {
        /// The step.
        step: StepRef,
        /// How far it would go.
        why: String,
    },
    /// A step failed at home.
    StepFailed {
        /// The step.
        step: StepRef,
        /// What happened.
        error: String,
    },
    /// Nothing new is sent until the run is unpaused; what was sent goes on.
    Paused {
        /// Who said so.
        by: Person,
        /// The command, when it was given beside the run.
        command: Option<CommandId>,
    },
    /// The run goes on after a pause.
    Unpaused {
        /// Who said so.
        by: Person,
        /// The command, when it was given beside the run.
        command: Option<CommandId>,
    },
    /// Nothing new is sent any more, for the whole run or for some of its parts; what was sent goes on to its end, and then
    /// the run is finished.
    Cancelled {
        /// Of these parts alone; none: of the whole run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parts: Vec<PartId>,
        /// Who said so.
        by: Person,
        /// Why, in that person's words.
        why: Option<String>,
        /// The command, when it was given beside the run.
        command: Option<CommandId>,
    },
    /// Nothing new is started from here on.
    Stopping {
        /// Why.
        reason: StopReason,
    },
    /// The run ended in an orderly way.
    RunEnded {
        /// How.
        end: RunEnd,
        /// How long it took on the wall's clock, in milliseconds.
        wall_ms: u64,
    },
}
