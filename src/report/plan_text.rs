//! A plan for people: what is to be made, why, what it costs and how long it takes.

use super::moment::span;
use super::palette::{Palette, Tone};
use super::plan_cost::{PlanCost, PlannedSends};
use super::words::counted;
use crate::plan::action::{Action, Reason};
use crate::plan::actions::Plan;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::memory::Memory;
use crate::untrusted::terminal;

/// How many parts that look alike are listed before the rest is counted.
const ALIKE_SHOWN: usize = 3;

/// `plan` as text. Parts that look alike are collapsed unless `full`.
#[must_use]
pub fn plan(plan: &Plan, memory: &Memory, palette: Palette, full: bool) -> String {
    let entries: Vec<Entry> = plan
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
    text.push_str(&totals(plan, memory));
    text
}

/// Whether a run of `plan` would do anything.
#[must_use]
pub fn has_work(plan: &Plan) -> bool {
    plan.actions
        .iter()
        .any(|action| matches!(action, Action::Run(_)))
}

/// What happens to a part as a whole; the worst of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Reuse,
    GoOn,
    New,
    Blocked,
}

/// A part in the list. Entries are alike when all but their ids is equal.
struct Entry {
    id: String,
    look: Look,
}

#[derive(PartialEq, Eq)]
struct Look {
    mark: Mark,
    /// The steps that run, or that are blocked.
    steps: Vec<String>,
    /// Reasons that don't go without saying.
    notes: Vec<String>,
}

impl Entry {
    fn of(plan: &Plan, ix: PartIx) -> Self {
        let mut look = Look {
            mark: Mark::Reuse,
            steps: Vec::new(),
            notes: Vec::new(),
        };
        for step in plan.family.steps_of(ix) {
            look.add(plan, step);
        }
        Self {
            id: plan.family.part(ix).id.to_string(),
            look,
        }
    }
}

impl Look {
    fn add(&mut self, plan: &Plan, ix: StepIx) {
        let step = plan.family.step(ix);
        let why = match plan.action(ix) {
            Action::Reuse => return,
            Action::Run(reason) => {
                if self.mark == Mark::Reuse {
                    let is_new = matches!(reason, Reason::New | Reason::NewCreate { .. });
                    self.mark = if step.write.is_none() && is_new {
                        Mark::New
                    } else {
                        Mark::GoOn
                    };
                }
                let goes_without_saying = matches!(reason, Reason::New | Reason::Follows);
                (!goes_without_saying).then(|| reason.to_string())
            }
            Action::Blocked(blocker) => {
                self.mark = Mark::Blocked;
                Some(blocker.to_string())
            }
        };
        self.steps.push(step.id.to_string());
        if let Some(why) = why
            .map(|why| terminal::clipped(&why, 100))
            .filter(|why| !self.notes.iter().any(|note| note.ends_with(why)))
        {
            self.notes.push(format!("{}: {why}", step.id));
        }
    }
}

fn listed(entries: &[Entry], palette: Palette, full: bool) -> String {
    let shown = if full { usize::MAX } else { ALIKE_SHOWN };
    let mut text = String::new();
    let mut groups: Vec<Vec<&Entry>> = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| entry.look.mark != Mark::Reuse)
    {
        match groups.iter_mut().find(|group| group[0].look == entry.look) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    for group in groups {
        // One that is left alone takes no more room than its count.
        let shown = if group.len() == shown.saturating_add(1) {
            group.len()
        } else {
            shown
        };
        for entry in group.iter().take(shown) {
            text.push_str(&line(entry, palette));
        }
        if group.len() > shown {
            let more = format!("    … and {} more alike", group.len() - shown);
            text.push_str(&palette.paint(Tone::Dim, &more));
            text.push('\n');
        }
    }
    let reused = entries
        .iter()
        .filter(|entry| entry.look.mark == Mark::Reuse);
    match reused.count() {
        0 => {}
        count => {
            let verb = if count == 1 { "is" } else { "are" };
            text.push_str(&format!("  = {} {verb} reused\n", counted(count, "part")));
        }
    }
    text
}

fn line(entry: &Entry, palette: Palette) -> String {
    let (sign, tone) = match entry.look.mark {
        Mark::Reuse => ("=", Tone::Plain),
        Mark::GoOn => ("~", Tone::Warning),
        Mark::New => ("+", Tone::Good),
        Mark::Blocked => ("!", Tone::Bad),
    };
    let mut text = format!(
        "  {} {:<28}  {}\n",
        palette.paint(tone, sign),
        terminal::line(&entry.id),
        entry.look.steps.join(", ")
    );
    for note in &entry.look.notes {
        text.push_str(&palette.paint(Tone::Dim, &format!("      {note}")));
        text.push('\n');
    }
    text
}

fn totals(plan: &Plan, memory: &Memory) -> String {
    if !has_work(plan) {
        return "\nNothing to do: a run would send nothing and spend nothing.\n".to_owned();
    }
    let sends = PlannedSends::new(plan);
    let cost = match PlanCost::new(plan, memory) {
        PlanCost {
            min_cents: Some(min),
            expected_cents: Some(expected),
            max_cents: Some(max),
            currency,
        } => {
            let currency = terminal::clipped(&currency.unwrap_or_default(), 8);
            format!("about {expected} {currency} (from {min} to {max}), by the last price seen")
        }
        _ => "not known: no price was seen here yet, the first run asks for it".to_owned(),
    };
    let cap = match plan.family.settings.budget.max_spend {
        Some(cap) => format!("; max_spend is {cap}"),
        None => "; no max_spend is set".to_owned(),
    };
    let timing = &plan.timing;
    format!(
        "\nSends  {}, {}, {}\nCost   {cost}{cap}\nTime   about {}, at least {} at these limits\n",
        counted(sends.create as usize, "create"),
        counted(sends.iterate as usize, "iterate"),
        counted(sends.review as usize, "review"),
        span(timing.expected),
        span(timing.lower_bound),
    )
}
