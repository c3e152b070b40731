//! The prompts of a plan, as they will be sent, and how they differ from what was sent before.

use std::collections::BTreeMap;

use super::palette::{Palette, Tone};
use crate::plan::action::Action;
use crate::plan::actions::Plan;
use crate::plan::content::{Prompt, StepKind};
use crate::plan::family::StepIx;
use crate::plan::ids::StepRef;
use crate::plan::memory::Memory;
use crate::untrusted::terminal;

/// How many unchanged lines are shown before and after what differs.
const CONTEXT: usize = 2;

/// What was sent for each step last.
pub struct Before<'a>(BTreeMap<(&'a StepRef, StepKind), &'a str>);

impl<'a> Before<'a> {
    /// What `memory` knows.
    #[must_use]
    pub fn new(memory: &'a Memory) -> Self {
        let sends = memory.sends.iter().filter_map(|send| {
            let prompt = send.content.prompt()?;
            Some(((&send.step, send.content.kind()), prompt.as_str()))
        });
        Self(sends.collect())
    }

    /// The prompt that was sent for the step at `ix` last.
    #[must_use]
    pub fn of(&self, plan: &Plan, ix: StepIx) -> Option<&'a str> {
        let key = (&plan.family.step_ref(ix), plan.family.step(ix).kind);
        self.0.get(&key).copied()
    }
}

/// The prompts of everything that `plan` sends.
#[must_use]
pub fn prompts(plan: &Plan, memory: &Memory, palette: Palette) -> String {
    let before = Before::new(memory);
    let mut text = String::new();
    for ix in plan.family.step_indices() {
        let step = plan.family.step(ix);
        let runs = !matches!(plan.action(ix), Action::Reuse | Action::Blocked(_));
        if !runs || !step.kind.is_send() {
            continue;
        }
        let name = terminal::line(&plan.family.step_ref(ix).to_string());
        text.push_str(&palette.paint(Tone::Strong, &name));
        let Some(content) = step.content() else {
            text.push_str(": not known before what it reads is there\n\n");
            continue;
        };
        let images: Vec<String> = content
            .images()
            .iter()
            .map(|image| match plan.family.images.get(&image.digest) {
                Some(path) => terminal::line(path),
                None => image.digest.short(),
            })
            .collect();
        if !images.is_empty() {
            text.push_str(&format!(", with {}", images.join(", ")));
        }
        text.push('\n');
        let prompt = content.prompt().map(Prompt::as_str).unwrap_or_default();
        text.push_str(&match before.of(plan, ix) {
            Some(sent) if sent != prompt => difference(sent, prompt, palette),
            _ => indented(prompt),
        });
        text.push('\n');
    }
    text
}

fn indented(prompt: &str) -> String {
    let lines = prompt
        .lines()
        .map(|line| format!("    {}\n", terminal::line(line)));
    lines.collect()
}

/// What differs between what was sent and what will be, with a few lines around it.
fn difference(old: &str, new: &str, palette: Palette) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - same;
    let back = old.iter().rev().zip(new.iter().rev());
    let end = back.take(rest).take_while(|(a, b)| a == b).count();
    let mut text = String::new();
    let mut line = |sign: char, line: &str| {
        let tone = match sign {
            '-' => Tone::Bad,
            '+' => Tone::Good,
            _ => Tone::Plain,
        };
        let shown = format!("  {sign} {}", terminal::line(line));
        text.push_str(palette.paint(tone, &shown).trim_end());
        text.push('\n');
    };
    let first = same.saturating_sub(CONTEXT);
    if first > 0 {
        line(' ', "…");
    }
    new[first..same].iter().for_each(|kept| line(' ', kept));
    old[same..old.len() - end]
        .iter()
        .for_each(|gone| line('-', gone));
    new[same..new.len() - end]
        .iter()
        .for_each(|added| line('+', added));
    let shown = end.min(CONTEXT);
    let from = new.len() - end;
    new[from..from + shown]
        .iter()
        .for_each(|kept| line(' ', kept));
    if shown < end {
        line(' ', "…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown_with_a_few_lines_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng";
        let new = "a\nb\nc\nD\nD2\ne\nf\ng";
        let shown = difference(old, new, Palette::Plain);
        assert_eq!(
            shown,
            "    …\n    b\n    c\n  - d\n  + D\n  + D2\n    e\n    f\n    …\n"
        );
        assert_eq!(difference("a", "a\nb", Palette::Plain), "    a\n  + b\n");
        assert_eq!(difference("a\na", "a", Palette::Plain), "    a\n  - a\n");
    }
}
