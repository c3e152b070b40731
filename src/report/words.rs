//! Every event in words: one line, safe for a terminal.

use crate::plan::ids::PartId;
use crate::plan::memory::Published;
use crate::plan::money::Cents;
use crate::plan::remote::{JobId, Timestamp, WriteResult};
use crate::run::call::Call;
use crate::run::event::{Event, Resolution};
use crate::run::outcome::RunEnd;
use crate::run::stop::StopReason;
use crate::untrusted::terminal;

/// The longest text of the service in a line.
const MAX_QUOTE: usize = 200;

/// What happened.
#[must_use]
pub fn words(event: &Event) -> String {
    match event {
        Event::RunStarted { sheet } => {
            format!("the run begins: {}", counted(sheet.parts.len(), "part"))
        }
        Event::RunResumed { .. } => "the run goes on".to_owned(),
        Event::Bound { part, .. } => {
            format!("{part} takes over the job of a part with its content")
        }
        Event::BalanceRead {
            available,
            hold,
            currency,
            ..
        } => format!(
            "the balance is {available} {}, a job holds {hold}",
            quote(currency)
        ),
        Event::BalanceNotRead { why, .. } => {
            format!("the balance could not be read: {}", quote(why))
        }
        Event::Paused { by, .. } => format!("{} paused the run", quote(&by.user)),
        Event::Unpaused { by, .. } => format!("{} lets the run go on", quote(&by.user)),
        Event::Transcribed { .. } => "its conversation is read".to_owned(),
        Event::NotTranscribed { why, retry_at, .. } => format!(
            "its conversation could not be read{}: {}",
            and_then(*retry_at),
            quote(why)
        ),
        Event::Approval {
            verdict,
            by,
            reason,
            ..
        } => {
            let why = reason.as_deref();
            let why = why.map_or_else(String::new, |why| format!(": {}", quote(why)));
            format!("{} by {}{why}", verdict.as_str(), quote(&by.user))
        }
        Event::Cancelled { parts, by, why, .. } => format!(
            "{}{}; what is paid comes home",
            cancelled(&by.user, why.as_deref()),
            of_parts(parts)
        ),
        Event::Stopping { reason } => format!("nothing new is started: {}", stop(reason)),
        Event::RunEnded { end, .. } => format!("the run ends: {}", end_words(end)),
        Event::Checked {
            errors, warnings, ..
        } => checked(errors, warnings),
        Event::FilesPublished { files, .. } => published(files),
        Event::Capped { why, .. } => format!("does not start: {}", quote(why)),
        Event::StepFailed { error, .. } => format!("failed: {}", quote(error)),
        event => of_send(event),
    }
}

/// Which parts are meant, where it is not all of them.
fn of_parts(parts: &[PartId]) -> String {
    match parts {
        [] => String::new(),
        [part] => format!(", of part {part}"),
        [first, .., last] => format!(", of {} parts from {first} to {last}", parts.len()),
    }
}

/// Why nothing new is started.
#[must_use]
pub fn stop(reason: &StopReason) -> String {
    match reason {
        StopReason::Cap { why } | StopReason::Balance { why } => quote(why),
        StopReason::Key { why } => format!("the API refused the key: {}", quote(why)),
        StopReason::Signal {} => "interrupted".to_owned(),
        StopReason::Unreachable { why } => format!("the service is out of reach: {}", quote(why)),
        StopReason::Cancelled { user, why } => cancelled(user, why.as_deref()),
        StopReason::FailFast { step } => {
            format!("{step} did not succeed, and --fail-fast was given")
        }
    }
}

fn cancelled(user: &str, why: Option<&str>) -> String {
    let why = why.map_or_else(String::new, |why| format!(": {}", quote(why)));
    format!("{} cancelled the run{why}", quote(user))
}

/// `1 part`, `2 parts`.
#[must_use]
pub fn counted(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

/// Why a run ended, in words.
#[must_use]
pub fn end_words(end: &RunEnd) -> String {
    if end.reasons.is_empty() {
        return "everything succeeded or was reused".to_owned();
    }
    let reasons: Vec<&str> = end.reasons.iter().map(|reason| reason.as_str()).collect();
    reasons.join(", ")
}

fn of_send(event: &Event) -> String {
    match event {
        Event::Intended { attempt, hold, .. } => {
            let again = match attempt {
                0 => String::new(),
                failures => format!(", attempt {}", failures + 1),
            };
            match *hold {
                Cents::ZERO => format!("is sent{again}"),
                hold => format!("is sent{again}, {hold} on hold"),
            }
        }
        Event::Resent { .. } => "the same request is sent again".to_owned(),
        Event::Postponed { why, call, .. } => {
            format!("not carried out yet: {}{}", quote(why), id(call))
        }
        Event::Unanswered { why, call, .. } => format!(
            "no clear answer, it may have been carried out: {}{}; the same request follows",
            quote(why),
            id(call)
        ),
        Event::Accepted { job, .. } => format!("accepted as {}", terminal::clipped(&job.0, 60)),
        Event::Reviewed { review, .. } => match &review.proposal {
            Some(summary) => format!("reviewed; it proposes: {}", quote(summary)),
            None => "reviewed".to_owned(),
        },
        Event::Refused { refusal, call, .. } => format!(
            "refused: {}: {}{}",
            quote(&refusal.code),
            quote(&refusal.message),
            id(call)
        ),
        Event::Resolved { resolution, .. } => match resolution {
            Resolution::Skipped {} => "its condition is false: it is skipped".to_owned(),
            Resolution::Asks { content, .. } => match content.prompt() {
                Some(prompt) => format!("what it asks for is known: {}", quote(prompt.as_str())),
                None => "what it asks for is known".to_owned(),
            },
        },
        Event::Distrusted {} => "the journal is older than what was here".to_owned(),
        Event::Unresolved { why, .. } => format!("unresolved: {}", quote(why)),
        Event::Doubted { .. }
        | Event::Witnessed { .. }
        | Event::ReviewWitnessed { .. }
        | Event::Absent { .. }
        | Event::Searched { .. }
        | Event::Scanned { .. }
        | Event::Claimed { .. }
        | Event::Adopted { .. }
        | Event::ConfirmedAbsent { .. } => of_search(event),
        Event::PollSent { .. } => "its job is looked at".to_owned(),
        Event::Polled { status, .. } => format!("its job is {}", terminal::clipped(status, 40)),
        Event::Swept { why: Some(why), .. } => {
            format!("the job list can't be read: {}", quote(why))
        }
        Event::Swept { at_work, .. } => {
            format!(
                "looked at the job list: {} at work",
                counted(at_work.len(), "job")
            )
        }
        Event::Completed { result, .. } => completed(result),
        Event::JobFailed {
            why,
            again_at,
            call,
            ..
        } => format!(
            "the job failed{}: {}{}",
            and_then(*again_at),
            quote(why),
            id(call)
        ),
        Event::ChargeAsked { .. }
        | Event::ChargeKnown { .. }
        | Event::ChargeUnknown { .. }
        | Event::NotCharged { .. } => of_charge(event),
        Event::FileStored { stored, .. } => {
            format!("a file is home: {} bytes", stored.bytes)
        }
        Event::FileNotStored { why, retry_at, .. } => {
            format!(
                "a file did not come home{}: {}",
                and_then(*retry_at),
                quote(why)
            )
        }
        Event::FileLost { .. } => "a file is at home no more, and is fetched again".to_owned(),
        other => other.name().replace('_', " "),
    }
}

/// What is said of a search for witnesses, and of what a person said about it.
fn of_search(event: &Event) -> String {
    match event {
        Event::Doubted { why, call, .. } => format!(
            "it may have been carried out, and is looked for at the service: {}{}",
            quote(why),
            call.as_ref().map_or_else(String::new, id)
        ),
        Event::Witnessed { job, .. } => format!(
            "found: it was carried out as {}",
            terminal::clipped(&job.0, 60)
        ),
        Event::ReviewWitnessed { .. } => "found: it was answered".to_owned(),
        Event::Absent {
            look_again_at: Some(_),
            ..
        } => "not found; it may still be on its way, and is looked for again".to_owned(),
        Event::Absent { .. } => "not found: it was not carried out".to_owned(),
        Event::Searched { why: Some(why), .. } => {
            format!("the service's records can't be read: {}", quote(why))
        }
        Event::Searched { .. } => "looking through the service's records".to_owned(),
        Event::Scanned { claims } if claims.is_empty() => {
            "no job of an earlier state is there".to_owned()
        }
        Event::Scanned { claims } => {
            format!("{} may be there already", counted(claims.len(), "create"))
        }
        Event::Claimed { claim, .. } => {
            let jobs: Vec<&str> = claim.jobs.iter().map(|job| job.0.as_str()).collect();
            format!(
                "not sent: {}: {}",
                quote(&claim.why),
                quote(&jobs.join(", "))
            )
        }
        Event::Adopted { job, by, .. } => format!(
            "{} gave it job {}",
            quote(&by.user),
            terminal::clipped(&job.0, 60)
        ),
        Event::ConfirmedAbsent { part, by, .. } => {
            format!("{} said that {part} was not sent", quote(&by.user))
        }
        other => other.name().replace('_', " "),
    }
}

/// What is said of a charge that comes late.
fn of_charge(event: &Event) -> String {
    match event {
        Event::ChargeAsked { job, .. } => {
            format!("the charge of {} is asked for", named(job))
        }
        Event::ChargeKnown { job, charged, .. } => {
            format!("{} has cost {charged} so far", named(job))
        }
        Event::ChargeUnknown { job, why, .. } => format!(
            "the charge of {} is not known yet: {}",
            named(job),
            quote(why)
        ),
        Event::NotCharged { job } => format!(
            "{} failed and no charge of it came: nothing is held for it any more",
            named(job)
        ),
        other => other.name().replace('_', " "),
    }
}

fn named(job: &JobId) -> String {
    terminal::clipped(&job.0, 60)
}

fn and_then(again: Option<Timestamp>) -> &'static str {
    match again {
        Some(_) => " and is tried again",
        None => "",
    }
}

fn completed(result: &WriteResult) -> String {
    let files = counted(result.artifacts.len(), "file");
    match result.charged {
        Some(charged) => format!("done: {files}; its job has cost {charged} so far"),
        None => format!("done: {files}; its charge is not known yet"),
    }
}

fn checked(errors: &[String], warnings: &[String]) -> String {
    match (errors, warnings) {
        ([], []) => "checked".to_owned(),
        ([], warnings) => format!("checked, with warnings: {}", quote(&warnings.join("; "))),
        (errors, _) => format!("rejected: {}", quote(&errors.join("; "))),
    }
}

fn published(files: &[Published]) -> String {
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    format!("published {}", terminal::line(&paths.join(", ")))
}

fn quote(text: &str) -> String {
    terminal::clipped(text, MAX_QUOTE)
}

fn id(call: &Call) -> String {
    let id = call.request_id.as_ref();
    id.map_or_else(String::new, |id| {
        format!(" (request {})", terminal::clipped(&id.0, 60))
    })
}
