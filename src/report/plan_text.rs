//! A plan for people: what is to be made, why, what it costs and how long it takes.

use std::collections::BTreeMap;

use super::orphans::{Orphan, phrase};
use super::palette::{Palette, Tone};
use super::plan_cost::PlanCost;
use super::plan_reason::{Kind, reused};
use super::plan_totals::totals;
use super::text::wrapped;
use super::words::counted;
use crate::plan::action::{Action, Reason};
use crate::plan::actions::Plan;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::forecast::Forecast;
use crate::plan::ids::StepId;
use crate::plan::memory::Memory;
use crate::untrusted::terminal;

/// How many parts that look alike are listed before the rest is counted.
const ALIKE_SHOWN: usize = 3;
/// How many groups of parts that look alike are listed before the rest is counted.
const GROUPS_SHOWN: usize = 12;

/// `plan` as text. Parts that look alike are collapsed, and what is reused is counted, unless `full`.
#[must_use]
pub fn plan(plan: &Plan, memory: &Memory, palette: Palette, full: bool) -> String {
    let forecast = Forecast::new(plan, &memory.durations, None);
    with_forecast(plan, memory, &forecast, palette, full)
}

/// The same, with a forecast that was made already.
#[must_use]
pub fn with_forecast(
    plan: &Plan,
    memory: &Memory,
    forecast: &Forecast,
    palette: Palette,
    full: bool,
) -> String {
    let entries: Vec<Entry<'_>> = plan
        .family
        .part_indices()
        .map(|ix| Entry::of(plan, ix))
        .collect();
    let mut text = palette.paint(Tone::Strong, &terminal::line(&plan.family.salt.name));
    text.push_str(&format!(
        ": {}, {}\n\n",
        counted(entries.len(), "part"),
        counted(plan.family.steps.len(), "step")
    ));
    text.push_str(&listed(&entries, palette, full));
    let kept = entries
        .iter()
        .filter(|entry| entry.look.mark == Mark::Reuse);
    if full {
        kept.for_each(|entry| text.push_str(&kept_line(plan, memory, entry, palette)));
    } else {
        text.push_str(&kept_count(kept.count()));
    }
    text.push_str(&left_behind(&Orphan::of(memory, &plan.orphans), full));
    if has_work(plan) {
        text.push_str(&totals(plan, &PlanCost::new(plan, memory), forecast));
    } else {
        text.push_str("\nNothing to do: a run would send nothing and spend nothing.\n");
    }
    text
}

/// Whether a run of `plan` would do anything.
#[must_use]
pub fn has_work(plan: &Plan) -> bool {
    plan.actions.iter().any(Action::runs)
}

/// What happens to a part as a whole; the worst of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Reuse,
    GoOn,
    New,
    Anew,
    Blocked,
}

/// A part in the list.
struct Entry<'a> {
    part: PartIx,
    id: String,
    look: Look<'a>,
    /// Reasons that don't go without saying.
    notes: Vec<String>,
}

/// What parts have in common that look alike.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Look<'a> {
    mark: Mark,
    /// The steps that run or are blocked, and why in kind: two parts differ in the jobs and files that their reasons name.
    steps: Vec<(&'a StepId, Kind)>,
}

impl<'a> Entry<'a> {
    fn of(plan: &'a Plan, part: PartIx) -> Self {
        let mut entry = Self {
            part,
            id: terminal::line(plan.family.part(part).id.as_str()),
            look: Look {
                mark: Mark::Reuse,
                steps: Vec::new(),
            },
            notes: Vec::new(),
        };
        for step in plan.family.steps_of(part) {
            entry.add(plan, step);
        }
        entry
    }

    fn add(&mut self, plan: &'a Plan, ix: StepIx) {
        let step = plan.family.step(ix);
        let action = plan.action(ix);
        let Some(kind) = Kind::of(action) else {
            return;
        };
        self.look.steps.push((&step.id, kind));
        let why = match action {
            Action::Reuse | Action::Skip => return,
            Action::Recreate(anew) => {
                self.look.mark = Mark::Anew;
                anew.to_string()
            }
            Action::Run(reason) => {
                if self.look.mark == Mark::Reuse {
                    let is_new = matches!(reason, Reason::New);
                    self.look.mark = if step.write.is_none() && is_new {
                        Mark::New
                    } else {
                        Mark::GoOn
                    };
                }
                reason.to_string()
            }
            Action::Blocked(blocker) => {
                self.look.mark = Mark::Blocked;
                blocker.to_string()
            }
        };
        let why = terminal::clipped(&why, 100);
        if kind != Kind::Plain && !self.notes.iter().any(|note| note.ends_with(&why)) {
            self.notes.push(format!("{}: {why}", step.id));
        }
    }
}

/// What is not reused: a few of each group of parts that look alike, in the order of the manifest.
fn listed(entries: &[Entry<'_>], palette: Palette, full: bool) -> String {
    let mut groups: Vec<Vec<&Entry<'_>>> = Vec::new();
    let mut by_look: BTreeMap<&Look<'_>, usize> = BTreeMap::new();
    for entry in entries {
        if entry.look.mark == Mark::Reuse {
            continue;
        }
        let group = *by_look.entry(&entry.look).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    let mut text = String::new();
    let shown = up_to(if full { usize::MAX } else { GROUPS_SHOWN }, groups.len());
    for group in &groups[..shown] {
        let shown = up_to(if full { usize::MAX } else { ALIKE_SHOWN }, group.len());
        let lines = group[..shown].iter().map(|entry| line(entry, palette));
        text.extend(lines);
        if group.len() > shown {
            let more = format!("    … and {} more alike", group.len() - shown);
            text.push_str(&palette.paint(Tone::Dim, &more));
            text.push('\n');
        }
    }
    let hidden: usize = groups[shown..].iter().map(Vec::len).sum();
    if hidden > 0 {
        let more = format!("  … and {hidden} more, see --json");
        text.push_str(&palette.paint(Tone::Dim, &more));
        text.push('\n');
    }
    text
}

/// How many of `all` are shown where `limit` may be: one that is left alone takes no more room than its count.
const fn up_to(limit: usize, all: usize) -> usize {
    if all <= limit.saturating_add(1) {
        all
    } else {
        limit
    }
}

fn line(entry: &Entry<'_>, palette: Palette) -> String {
    let (sign, tone) = match entry.look.mark {
        Mark::Reuse => ("=", Tone::Plain),
        Mark::GoOn => ("~", Tone::Warning),
        Mark::New => ("+", Tone::Good),
        Mark::Anew => ("±", Tone::Warning),
        Mark::Blocked => ("!", Tone::Bad),
    };
    let steps: Vec<&str> = entry.look.steps.iter().map(|(id, _)| id.as_str()).collect();
    let mut text = format!(
        "  {} {:<28}  {}\n",
        palette.paint(tone, sign),
        entry.id,
        steps.join(", ")
    );
    for note in &entry.notes {
        text.push_str(&note_line(note, palette));
    }
    text
}

fn note_line(note: &str, palette: Palette) -> String {
    palette.paint(Tone::Dim, &wrapped(note, 6)) + "\n"
}

/// A part that is reused, and why each of its steps is.
fn kept_line(plan: &Plan, memory: &Memory, entry: &Entry<'_>, palette: Palette) -> String {
    let mut text = format!("  = {}\n", entry.id);
    let exists = |ix: &StepIx| *plan.action(*ix) != Action::Skip;
    for ix in plan.family.steps_of(entry.part).filter(exists) {
        let why = terminal::clipped(&reused(plan, memory, ix), 100);
        let note = format!("{}: {why}", plan.family.step(ix).id);
        text.push_str(&note_line(&note, palette));
    }
    text
}

fn kept_count(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "  = 1 part is reused\n".to_owned(),
        _ => format!("  = {count} parts are reused\n"),
    }
}

fn left_behind(orphans: &[Orphan], full: bool) -> String {
    if orphans.is_empty() {
        return String::new();
    }
    let jobs = counted(orphans.len(), "job");
    let named = phrase(orphans, full);
    let what = format!("{jobs} that no part wants any more, kept at the service: {named}");
    format!("  - {}\n", wrapped(&what, 4).trim_start())
}
