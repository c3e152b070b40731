//! Why a run would do with a part, or with one of its steps, what it would do: what was asked for and what is wanted now,
//! what follows from it, and what it costs.

use std::collections::BTreeSet;

use serde::Serialize;

use super::json::{FORMAT_VERSION, document};
use super::palette::{Palette, Tone};
use super::plan_cost::is_due;
use super::plan_reason::reused;
use super::words::counted;
use crate::plan::action::Action;
use crate::plan::actions::Plan;
use crate::plan::difference::Difference;
use crate::plan::family::{PartIx, StepIx};
use crate::plan::ids::{PartId, StepId};
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::recreation::{Cause, Recreation};
use crate::untrusted::terminal;

/// Why a run would do what it would do with a part, or with one of its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    format_version: u32,
    part: PartId,
    steps: Vec<Step>,
    /// What would run behind these steps, in the part and in those that need it.
    follows: Vec<String>,
    cost: Cost,
}

/// A step that was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Step {
    id: StepId,
    kind: &'static str,
    action: &'static str,
    reason: String,
    /// The first field in which something else is wanted than was asked for before.
    change: Option<Change>,
}

/// A field of a step that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Change {
    /// Which step: what was done by a later one may be why an earlier one is made anew.
    step: StepId,
    field: String,
    old: String,
    new: String,
    #[serde(skip)]
    lines: Vec<String>,
}

/// What these steps and those behind them cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Cost {
    /// How many of them are charged.
    writes: usize,
    /// At most, by the last price seen; unknown before the first.
    max_cents: Option<Cents>,
    /// Text of the service.
    currency: Option<String>,
}

impl Why {
    /// Why `plan` does what it does with `part`, or with its step at `step`.
    #[must_use]
    pub fn new(plan: &Plan, memory: &Memory, part: PartIx, step: Option<StepIx>) -> Self {
        let asked: Vec<StepIx> = match step {
            Some(step) => vec![step],
            None => plan.family.steps_of(part).collect(),
        };
        let steps = asked.iter().map(|ix| Step::of(plan, memory, *ix));
        let behind = behind(plan, part, &asked);
        let all = asked.iter().chain(&behind);
        let writes = all.filter(|ix| is_due(plan, memory, **ix)).count();
        let each = i64::try_from(writes).unwrap_or(i64::MAX);
        let most = memory.hold().map(|hold| Cents(hold.0.saturating_mul(each)));
        Self {
            format_version: FORMAT_VERSION,
            part: plan.family.part(part).id.clone(),
            steps: steps.collect(),
            follows: behind
                .iter()
                .map(|ix| plan.family.step_ref(*ix).to_string())
                .collect(),
            cost: Cost {
                writes,
                max_cents: most,
                currency: memory.price.as_ref().map(|price| price.currency.clone()),
            },
        }
    }

    /// For machines.
    #[must_use]
    pub fn json(&self) -> String {
        document(self)
    }

    /// For people.
    #[must_use]
    pub fn text(&self, palette: Palette) -> String {
        let mut text = String::new();
        let mut told = BTreeSet::new();
        for step in &self.steps {
            let name = palette.paint(Tone::Strong, &format!("{}/{}", self.part, step.id));
            let reason = terminal::line(&step.reason);
            text.push_str(&format!("{name}: {}: {reason}\n", step.action));
            if let Some(change) = &step.change
                && told.insert((&change.step, &change.field))
            {
                text.push_str(&change.text());
            }
        }
        if !self.follows.is_empty() {
            text.push_str(&format!("What follows: {}\n", self.follows.join(", ")));
        }
        text.push_str(&self.cost.text());
        text
    }
}

impl Step {
    fn of(plan: &Plan, memory: &Memory, ix: StepIx) -> Self {
        let step = plan.family.step(ix);
        let (action, reason) = match plan.action(ix) {
            Action::Reuse => ("reuse", reused(plan, memory, ix)),
            Action::Skip => ("skip", "its condition is false".to_owned()),
            Action::Run(reason) => ("run", reason.to_string()),
            Action::Recreate(anew) => ("recreate", anew.to_string()),
            Action::Blocked(blocker) => ("blocked", blocker.to_string()),
        };
        let change = match plan.action(ix) {
            Action::Reuse | Action::Skip => None,
            Action::Recreate(anew) => Change::made_anew(&step.id, anew),
            Action::Run(_) | Action::Blocked(_) => Change::since_last_time(plan, memory, ix),
        };
        Self {
            id: step.id.clone(),
            kind: step.kind.as_str(),
            action,
            reason,
            change,
        }
    }
}

impl Change {
    fn new(step: &StepId, difference: Difference) -> Self {
        Self {
            step: step.clone(),
            lines: difference.lines(),
            field: difference.field,
            old: difference.old,
            new: difference.new,
        }
    }

    /// Why the part of `create` can't go on with the job that it had.
    fn made_anew(create: &StepId, anew: &Recreation) -> Option<Self> {
        let (step, difference) = match &anew.cause {
            Cause::Create { applied, wanted } => {
                (create, Difference::between(applied, wanted.as_ref()?)?)
            }
            Cause::Edited {
                step,
                applied,
                wanted,
            } => (step, Difference::between(applied, wanted.as_ref()?)?),
            Cause::Removed { step, applied } => {
                let gone = Difference {
                    field: "prompt".to_owned(),
                    old: applied.prompt()?.as_str().to_owned(),
                    new: String::new(),
                };
                (step, gone)
            }
            Cause::Regenerated => return None,
        };
        Some(Self::new(step, difference))
    }

    /// What the step at `ix` wants that was not asked for when a step of this name was last sent.
    fn since_last_time(plan: &Plan, memory: &Memory, ix: StepIx) -> Option<Self> {
        let (step, name) = (plan.family.step(ix), plan.family.step_ref(ix));
        let last = memory.sends.iter().rev().find(|send| send.step == name)?;
        let difference = Difference::between(&last.content, step.content()?)?;
        Some(Self::new(&step.id, difference))
    }

    fn text(&self) -> String {
        let mut text = format!("  {} of {}:\n", self.field, self.step);
        for line in &self.lines {
            text.push_str(&format!("    {}\n", terminal::line(line)));
        }
        text
    }
}

impl Cost {
    fn text(&self) -> String {
        let writes = counted(self.writes, "write");
        match (self.writes, self.max_cents) {
            (0, _) => "It costs nothing.\n".to_owned(),
            (_, None) => format!("It costs {writes}; no price was seen here yet.\n"),
            (_, Some(most)) => {
                let currency = terminal::clipped(self.currency.as_deref().unwrap_or_default(), 8);
                format!("It costs {writes}, at most {most} {currency}.\n")
            }
        }
    }
}

/// The steps that would run behind `asked`, in `part` and in the parts that need it.
fn behind(plan: &Plan, part: PartIx, asked: &[StepIx]) -> Vec<StepIx> {
    let family = &plan.family;
    let Some(first) = asked.iter().find(|ix| plan.action(**ix).runs()) else {
        return Vec::new();
    };
    let mut parts = BTreeSet::from([part]);
    loop {
        let needing = family.part_indices().filter(|other| {
            let needs = family.needed_parts(*other);
            !parts.contains(other) && needs.iter().any(|need| parts.contains(need))
        });
        let needing: Vec<PartIx> = needing.collect();
        if needing.is_empty() {
            break;
        }
        parts.extend(needing);
    }
    let steps = parts.iter().flat_map(|part| family.steps_of(*part));
    let is_behind = |ix: &StepIx| family.step(*ix).part != part || ix > first;
    steps
        .filter(|ix| plan.action(*ix).runs() && is_behind(ix) && !asked.contains(ix))
        .collect()
}
