//! The journal, told: one line for each event, for people and for machines.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json::{self, FORMAT_VERSION};
use super::moment::{Zone, utc};
use super::palette::{Palette, Tone};
use super::words::words;
use crate::plan::gate::Verdict;
use crate::plan::ids::StepRef;
use crate::plan::memory::Memory;
use crate::plan::remote::Timestamp;
use crate::plan::send::SendId;
use crate::run::event::{Event, Record};
use crate::run::outcome::RunEnd;
use crate::untrusted::terminal;

/// How wide the column of steps is.
const STEP_COLUMNS: usize = 28;

/// Tells records, oldest first. It remembers which step asked for which send: most events name the send alone.
#[derive(Debug, Clone, Default)]
pub struct Story {
    steps: BTreeMap<SendId, StepRef>,
}

/// One event, told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The step that it is about, if any.
    pub step: Option<StepRef>,
    /// What happened, safe and on one line.
    pub words: String,
    /// How it looks.
    pub tone: Tone,
    /// Whether somebody who watches a run wants to know: steps that end, money, and what stops a run.
    pub noteworthy: bool,
}

impl Story {
    /// Takes over what earlier processes sent: a run that goes on tells the ends of what they began.
    pub fn learn(&mut self, memory: &Memory) {
        let known = memory.iter().map(|(_, send)| (send.id, send.step.clone()));
        self.steps.extend(known);
    }

    /// Tells the next record.
    pub fn tell(&mut self, record: &Record) -> Told {
        if let Event::Intended { send, step, .. } = &record.event {
            self.steps.insert(*send, step.clone());
        }
        let of_send = || self.steps.get(record.event.send()?);
        let tone = tone(&record.event);
        Told {
            step: record.event.step().or_else(of_send).cloned(),
            words: words(&record.event),
            tone,
            noteworthy: tone != Tone::Dim,
        }
    }

    /// The next record as a line for people: time, step, what happened.
    pub fn line(&mut self, record: &Record, zone: &Zone, palette: Palette) -> String {
        self.tell(record)
            .line(&zone.date_and_time(record.at), palette)
    }

    /// The next record as a line of JSON: `format_version`, `at`, `run_id`, `step`, `event` and what the event holds.
    pub fn json_line(&mut self, record: &Record) -> String {
        let told = self.tell(record);
        // An event that could not be told whole is still told.
        let mut object = serde_json::to_value(&record.event)
            .unwrap_or_else(|_| json!({ "event": record.event.name() }));
        times_in_utc(&mut object);
        object["format_version"] = FORMAT_VERSION.into();
        object["at"] = utc(record.at).into();
        object["run_id"] = record.run.map(|run| run.to_string()).into();
        object["step"] = told.step.map(|step| step.to_string()).into();
        json::line(&object)
    }
}

impl Told {
    /// As a line for people, which begins with `when`.
    #[must_use]
    pub fn line(&self, when: &str, palette: Palette) -> String {
        let step = self.step.as_ref().map(ToString::to_string);
        format!(
            "{}  {}  {}\n",
            palette.paint(Tone::Dim, when),
            padded(&terminal::line(step.as_deref().unwrap_or("-"))),
            palette.paint(self.tone, &self.words),
        )
    }
}

fn padded(step: &str) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let missing = STEP_COLUMNS.saturating_sub(step.width());
    format!("{step}{}", " ".repeat(missing))
}

/// Events keep moments as milliseconds, in fields whose names end with `_at`.
fn times_in_utc(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_i64().filter(|_| name.ends_with("_at")) {
                    Some(at) => *field = utc(Timestamp(at)).into(),
                    None => times_in_utc(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(times_in_utc),
        _ => {}
    }
}

fn tone(event: &Event) -> Tone {
    match event {
        Event::BalanceRead { .. }
        | Event::Bound { .. }
        | Event::Resolved { .. }
        | Event::Intended { .. }
        | Event::Resent { .. }
        | Event::PollSent { .. }
        | Event::ChargeAsked { .. }
        | Event::ChargeUnknown { .. }
        | Event::Searched { why: None, .. }
        | Event::Polled { .. }
        | Event::Swept { .. }
        | Event::Transcribed { .. }
        | Event::FileStored { .. } => Tone::Dim,
        Event::RunStarted { .. } | Event::RunResumed { .. } | Event::Unpaused { .. } => {
            Tone::Strong
        }
        Event::Accepted { .. }
        | Event::Scanned { .. }
        | Event::ChargeKnown { .. }
        | Event::NotCharged { .. } => Tone::Plain,
        Event::BalanceNotRead { .. }
        | Event::Postponed { .. }
        | Event::Unanswered { .. }
        | Event::Doubted { .. }
        | Event::Absent { .. }
        | Event::Distrusted {}
        | Event::Searched { .. }
        | Event::Adopted { .. }
        | Event::ConfirmedAbsent { .. }
        | Event::FileLost { .. }
        | Event::Stopping { .. }
        | Event::Paused { .. }
        | Event::Cancelled { .. }
        | Event::Capped { .. }
        | Event::JobFailed {
            again_at: Some(_), ..
        }
        | Event::FileNotStored {
            retry_at: Some(_), ..
        }
        | Event::NotTranscribed {
            retry_at: Some(_), ..
        } => Tone::Warning,
        Event::Refused { .. }
        | Event::Unresolved { .. }
        | Event::Claimed { .. }
        | Event::JobFailed { again_at: None, .. }
        | Event::FileNotStored { retry_at: None, .. }
        | Event::NotTranscribed { retry_at: None, .. }
        | Event::StepFailed { .. }
        | Event::Reviewed {
            accepted: false, ..
        }
        | Event::ReviewWitnessed {
            accepted: false, ..
        } => Tone::Bad,
        Event::Approval {
            verdict: Verdict::Rejected,
            ..
        } => Tone::Bad,
        Event::Checked { errors, .. } if !errors.is_empty() => Tone::Bad,
        Event::Checked { warnings, .. } if !warnings.is_empty() => Tone::Warning,
        Event::RunEnded { end, .. } => tone_of_end(end),
        Event::Checked { .. }
        | Event::Reviewed { .. }
        | Event::ReviewWitnessed { .. }
        | Event::Witnessed { .. }
        | Event::Completed { .. }
        | Event::Approval { .. }
        | Event::FilesPublished { .. } => Tone::Good,
    }
}

fn tone_of_end(end: &RunEnd) -> Tone {
    if end.exit_code() == 0 {
        Tone::Good
    } else {
        Tone::Bad
    }
}
