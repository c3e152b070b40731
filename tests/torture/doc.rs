//! A manifest as somebody writes it: what it says, how it is laid out, and what may be edited in it between two processes.

use std::fmt::Write as _;

use super::draw::Draw;
use super::family::{self, IMAGE, Manifest};

/// What a manifest says, and how.
#[derive(Debug, Clone, Default)]
pub(super) struct Doc {
    /// Settings, one a line.
    pub(super) settings: Vec<String>,
    pub(super) parts: Vec<Part>,
    pub(super) layout: Layout,
}

/// How a manifest is laid out: it says the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Layout {
    #[default]
    Plain,
    /// Comments, blank lines, other quotes.
    Commented,
    /// Keys in another order.
    Reordered,
}

/// A part. Its number stays the same whatever it is called.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) id: String,
    /// The number of the part that it needs.
    pub(super) needs: Option<u32>,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Create { prompt: String, has_image: bool },
    Review { round: u32, prompt: String },
    Check(u32),
    Iterate { round: u32, prompt: String },
    Download,
}

/// What is edited between two processes.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// It is laid out otherwise.
    Reformat(Layout),
    /// A part is called otherwise.
    Rename(u32, String),
    /// A part more.
    Add(Part),
    /// A part is left out.
    Remove(u32),
    /// The last iterate of a part asks for something else.
    Reword(u32, String),
}

impl Doc {
    /// It as YAML.
    pub(super) fn text(&self) -> String {
        let mut settings = "version: 1\nname: night\nuid: n1\n".to_owned();
        for setting in &self.settings {
            let _ = writeln!(settings, "{setting}");
        }
        let mut parts = "parts:\n".to_owned();
        for part in &self.parts {
            parts.push_str(&self.part(part));
        }
        match self.layout {
            Layout::Plain => settings + &parts,
            Layout::Commented => {
                format!("# By hand.\n{settings}\n# And now for the parts.\n{parts}")
            }
            Layout::Reordered => parts + &settings,
        }
    }

    fn part(&self, part: &Part) -> String {
        let needs = part.needs.and_then(|number| self.named(number));
        let needs = needs.map_or_else(String::new, |needed| {
            format!("    needs: [{}]\n", needed.id)
        });
        let steps: String = part.steps.iter().map(|step| self.step(step)).collect();
        let (id, steps) = (&part.id, format!("    steps:\n{steps}"));
        match self.layout {
            Layout::Plain => format!("  - id: {id}\n{needs}{steps}"),
            Layout::Commented => format!("\n  # {id}\n  - id: \"{id}\"\n{needs}{steps}"),
            Layout::Reordered => {
                let steps = steps.trim_start();
                format!("  - {steps}{needs}    id: {id}\n")
            }
        }
    }

    fn step(&self, step: &Step) -> String {
        let quote = match self.layout {
            Layout::Commented => '"',
            Layout::Plain | Layout::Reordered => '\'',
        };
        match step {
            Step::Create { prompt, has_image } => {
                let images = if *has_image {
                    format!(", images: [{IMAGE}]")
                } else {
                    String::new()
                };
                format!("      - create: {{ prompt: {quote}{prompt}{quote}{images} }}\n")
            }
            Step::Review { round, prompt } => {
                format!(
                    "      - id: r{round}\n        review: {{ prompt: {quote}{prompt}{quote} }}\n"
                )
            }
            Step::Check(round) => format!("      - id: c{round}\n        check: {{}}\n"),
            Step::Iterate { round, prompt } => {
                format!(
                    "      - id: i{round}\n        iterate: {{ prompt: {quote}{prompt}{quote} }}\n"
                )
            }
            Step::Download => "      - download: {}\n".to_owned(),
        }
    }

    pub(super) fn named(&self, number: u32) -> Option<&Part> {
        self.parts.iter().find(|part| part.number == number)
    }

    fn number(&mut self, number: u32) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.number == number)
    }

    /// It after `edit`; `None` when there is nothing to edit, or nothing would be left.
    pub(super) fn after(&self, edit: &Edit) -> Option<Self> {
        let mut doc = self.clone();
        match edit {
            Edit::Reformat(layout) => doc.layout = *layout,
            Edit::Rename(number, id) => id.clone_into(&mut doc.number(*number)?.id),
            Edit::Add(part) => doc.parts.push(part.clone()),
            Edit::Remove(number) => {
                doc.number(*number)?;
                doc.parts.retain(|part| part.number != *number);
                for part in &mut doc.parts {
                    part.needs = part.needs.filter(|needed| needed != number);
                }
            }
            Edit::Reword(number, words) => {
                let last = doc.number(*number)?.steps.iter_mut().rev();
                let mut prompts = last.filter_map(|step| match step {
                    Step::Iterate { prompt, .. } => Some(prompt),
                    _ => None,
                });
                words.clone_into(prompts.next()?);
            }
        }
        (!doc.parts.is_empty()).then_some(doc)
    }
}

impl Part {
    /// The prompts of its writes, in order.
    pub(super) fn writes(&self) -> Vec<String> {
        let prompts = self.steps.iter().filter_map(|step| match step {
            Step::Create { prompt, .. } | Step::Iterate { prompt, .. } => Some(prompt.clone()),
            _ => None,
        });
        prompts.collect()
    }

    /// Whether its create has the image.
    pub(super) fn has_image(&self) -> bool {
        let with = |step: &Step| matches!(step, Step::Create { has_image, .. } if *has_image);
        self.steps.iter().any(with)
    }
}

/// Edits for so many pauses, one each at most. What they may bring is noted in `manifest`.
pub(super) fn edits(draw: &mut Draw, manifest: &mut Manifest, pauses: usize) -> Vec<Option<Edit>> {
    let mut next = u32::try_from(manifest.doc.parts.len()).unwrap();
    let edits = (0..pauses).map(|nth| {
        draw.happens(50).then(|| {
            let number = draw.within(0, next - 1);
            match draw.within(0, 9) {
                0 | 1 => Edit::Reformat(draw.one(&[Layout::Commented, Layout::Reordered])),
                2 | 3 => Edit::Rename(number, format!("p{number}-{nth}")),
                4 | 5 => {
                    next += 1;
                    let part = family::part(draw, manifest, next - 1);
                    for step in &part.steps {
                        manifest.later.push_str(&Doc::default().step(step));
                    }
                    Edit::Add(part)
                }
                6 => Edit::Remove(number),
                _ => Edit::Reword(number, format!("Round its edges by {} mm.", nth + 1)),
            }
        })
    });
    edits.collect()
}
