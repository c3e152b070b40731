//! What waits for a person: for reports, with the command to type.

use super::shell;
use super::text::Page;
use super::words::counted;
use crate::plan::ids::StepRef;
use crate::plan::memory::Memory;
use crate::run::progress::Run;
use crate::untrusted::terminal;

/// How many gates are listed.
const SHOWN: usize = 20;

/// A step that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The step.
    pub step: StepRef,
    /// What it asks; empty when the manifest says nothing.
    pub message: String,
}

/// The gates of `run` that nobody has answered, in the order of the sheet.
pub(super) fn open(run: &Run, memory: &Memory) -> Vec<Gate> {
    let unanswered = run.asking().filter_map(|ix| {
        let is_open = !memory.approvals.contains_key(&run.send_id(ix)?);
        let (step, message) = run.question(ix)?;
        let message = message.to_owned();
        is_open.then_some(Gate { step, message })
    });
    unanswered.collect()
}

/// What is asked, each with the command that answers it.
pub(super) fn entries(gates: &[Gate], page: Page<'_>) -> Vec<String> {
    let entry = |gate: &Gate| {
        let message = match gate.message.as_str() {
            "" => "nothing more is said",
            message => message,
        };
        let lines = terminal::lines(message);
        let indented: Vec<String> = lines.lines().map(|line| format!("      {line}")).collect();
        format!(
            "  {step}\n{}\n      millrun approve {} {step}{}\n",
            indented.join("\n"),
            shell::word(page.manifest),
            page.flags,
            step = gate.step,
        )
    };
    let mut entries: Vec<String> = gates.iter().take(SHOWN).map(entry).collect();
    let more = gates.len().saturating_sub(SHOWN);
    if more > 0 {
        entries.push(format!("  … and {} more\n", counted(more, "step")));
    }
    entries
}
