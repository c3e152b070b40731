//! What somebody who watches a run sees on stderr: a bar on a terminal, lines elsewhere, JSON where it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{Globals, LogFormat};
use super::logging::PROGRESS;
use super::output::Output;
use crate::execute::ports::Observer;
use crate::plan::family::PartIx;
use crate::plan::ids::PartId;
use crate::report::logs::{Story, Told};
use crate::report::moment::{Zone, utc};
use crate::report::palette::Palette;
use crate::report::safe;
use crate::run::event::{Event, Record};
use crate::run::history::History;
use crate::run::outcome::Outcome;
use crate::run::progress::Run;

/// How often the bar shows that it is alive, even when nothing happens.
const TICK: Duration = Duration::from_millis(120);

/// Watches a run.
pub(super) struct Progress {
    view: View,
    story: Story,
    zone: Zone,
    palette: Palette,
    parts: BTreeMap<PartId, PartIx>,
    ended: BTreeSet<PartIx>,
    begun: bool,
}

enum View {
    /// Nothing but errors is wanted.
    Quiet,
    /// A bar, with the noteworthy lines above it.
    Bar(ProgressBar),
    /// Lines: the noteworthy ones, or all.
    Lines { all: bool },
    /// Logged as JSON.
    Logged,
}

impl Progress {
    /// A watcher as `globals` want it.
    pub(super) fn new(globals: &Globals, output: &Output) -> Self {
        let view = match globals.log_format {
            _ if globals.quiet => View::Quiet,
            LogFormat::Json => View::Logged,
            LogFormat::Text if globals.verbose == 0 && std::io::stderr().is_terminal() => {
                View::Bar(bar())
            }
            LogFormat::Text => View::Lines {
                all: globals.verbose > 0,
            },
        };
        Self {
            view,
            story: Story::default(),
            zone: Zone::named("UTC"),
            palette: output.stderr_palette(),
            parts: BTreeMap::new(),
            ended: BTreeSet::new(),
            begun: false,
        }
    }

    /// Whether the run has begun, or has gone on: before that, nothing of it is recorded.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Looks at all parts: at the start, where some are reused, and at the end, where some are blocked.
    fn survey(&mut self, run: &Run) {
        self.zone = Zone::named(&run.sheet.zone);
        let parts = run.sheet.parts.iter().map(|part| part.id.clone());
        self.parts = parts.zip((0..).map(PartIx)).collect();
        let has_ended = |ix: &PartIx| run.part_outcome(*ix) != Outcome::Waiting;
        self.ended = self.parts.values().copied().filter(has_ended).collect();
    }

    fn show(&self, record: &Record, told: &Told, history: &History) {
        match &self.view {
            View::Quiet => {}
            View::Lines { all } => {
                if *all || told.noteworthy {
                    let line = told.line(&self.zone.time(record.at), self.palette);
                    // When nobody reads stderr, the run goes on all the same.
                    let _ = std::io::stderr().lock().write_all(line.as_bytes());
                }
            }
            View::Logged => log(record, told),
            View::Bar(bar) => {
                if told.noteworthy {
                    let line = told.line(&self.zone.time(record.at), self.palette);
                    bar.println(line.trim_end());
                }
                bar.set_length(self.parts.len() as u64);
                bar.set_position(self.ended.len() as u64);
                bar.set_message(standing(history));
                if matches!(record.event, Event::RunEnded { .. }) {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

impl Observer for Progress {
    fn observe(&mut self, record: &Record, history: &History) {
        if !self.begun {
            self.story.learn(&history.memory);
            self.begun = true;
        }
        let told = self.story.tell(record);
        if let Some(run) = &history.run {
            match &record.event {
                Event::RunStarted { .. } | Event::RunResumed { .. } | Event::RunEnded { .. } => {
                    self.survey(run);
                }
                _ => {
                    let part = told
                        .step
                        .as_ref()
                        .and_then(|step| self.parts.get(&step.part));
                    let ended = part.filter(|ix| run.part_outcome(**ix) != Outcome::Waiting);
                    self.ended.extend(ended);
                }
            }
        }
        self.show(record, &told, history);
    }
}

impl Drop for Progress {
    /// A run that ends with an error leaves no bar behind.
    fn drop(&mut self) {
        if let View::Bar(bar) = &self.view {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {pos}/{len} parts {wide_bar} {msg}")
        .expect("the template is valid")
        .progress_chars("=> ");
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    bar.set_style(style);
    bar.enable_steady_tick(TICK);
    bar
}

/// `3 at work, 12.00 usd charged`
fn standing(history: &History) -> String {
    let memory = &history.memory;
    let charged = history
        .run
        .as_ref()
        .map(|run| memory.ledger.charged_in(run.id))
        .unwrap_or_default();
    let currency = memory.price.as_ref().map_or_else(String::new, |price| {
        format!(" {}", safe::clipped(&price.currency, 8))
    });
    format!(
        "{} at work, {charged}{currency} charged",
        memory.active_jobs
    )
}

fn log(record: &Record, told: &Told) {
    let (at, event) = (utc(record.at), record.event.name());
    let step = told.step.as_ref().map(ToString::to_string);
    if told.noteworthy {
        tracing::info!(target: PROGRESS, at, event, step, "{}", told.words);
    } else {
        tracing::debug!(target: PROGRESS, at, event, step, "{}", told.words);
    }
}
