//! The report that is read in the morning: what came out, what it cost, what did not come out, and what to type next.

use unicode_width::UnicodeWidthStr as _;

use super::advice::advice;
use super::gates;
use super::moment::{Zone, span};
use super::orphans::phrase;
use super::palette::{Palette, Tone};
use super::summary::{PartSummary, StepSummary, Summary};
use super::table::{self, Column};
use super::words::{counted, end_words, stop};
use crate::run::outcome::Outcome;
use crate::run::stop::StopReason;
use crate::untrusted::terminal;

/// How many parts that came out are listed, unless all are asked for.
const GOOD_PARTS_SHOWN: usize = 20;
/// How wide a report is.
pub(super) const COLUMNS: usize = 80;

/// How a report is written.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Colours, or none.
    pub palette: Palette,
    /// The manifest, from where the command is given: a run may have been started from elsewhere.
    pub manifest: &'a str,
    /// What stands after the manifest in a command that is advised, each flag behind a blank.
    pub flags: &'a str,
    /// The same for commands that ask the service itself; `None` where it can't be asked, as the simulator of a run.
    pub service: Option<&'a str>,
    /// Whether every part is told in full, with what the service said about it.
    pub full: bool,
}

/// The report of one run.
#[must_use]
pub fn report(summary: &Summary, page: Page<'_>) -> String {
    let mut text = headline(summary, page);
    text.push_str(&facts(summary, page));
    text.push_str(&parts(summary, page));
    let steps = || {
        let parts = summary.parts.iter();
        parts.flat_map(|part| part.steps.iter().map(move |step| (part, step)))
    };
    let bad = steps().filter(|(_, step)| is_bad(step.outcome));
    text.push_str(&section(
        "Did not come out",
        Tone::Bad,
        page,
        bad.map(trouble),
    ));
    text.push_str(&gates(summary, page));
    let strays = summary.strays.iter();
    text.push_str(&section(
        "Left over from parts that are gone",
        Tone::Bad,
        page,
        strays.map(|(step, why)| entry(&terminal::line(&step.to_string()), why)),
    ));
    let proposed = steps().filter(|(_, step)| step.outcome.is_good());
    let proposed = proposed.filter_map(|(part, step)| {
        let proposal = step.proposal.as_deref()?;
        Some(entry(&name(part, step), proposal))
    });
    text.push_str(&section(
        "Reviews propose, and nothing was changed",
        Tone::Warning,
        page,
        proposed,
    ));
    let warned = steps().flat_map(|(part, step)| {
        let warnings = step.warnings.iter();
        warnings.map(move |warning| entry(&name(part, step), warning))
    });
    text.push_str(&section("Warnings", Tone::Warning, page, warned));
    if page.full {
        let told = summary.parts.iter().filter_map(full);
        text.push_str(&section("What the service said", Tone::Strong, page, told));
    }
    text.push_str(&next(summary, page));
    text
}

/// The same in short: how the run stands, and what to type next.
#[must_use]
pub fn status(summary: &Summary, page: Page<'_>) -> String {
    headline(summary, page) + &facts(summary, page) + &gates(summary, page) + &next(summary, page)
}

fn gates(summary: &Summary, page: Page<'_>) -> String {
    let entries = gates::entries(&summary.gates, page);
    section(
        "Waits for a person",
        Tone::Warning,
        page,
        entries.into_iter(),
    )
}

fn headline(summary: &Summary, page: Page<'_>) -> String {
    let all = counted(summary.parts.len(), "part");
    let came_out = good(summary);
    let (tone, words) = match &summary.end {
        None => (
            Tone::Warning,
            format!("{came_out} of {all} came out so far"),
        ),
        Some(end) if !end.reasons.is_empty() => {
            (Tone::Bad, format!("{came_out} of {all} came out"))
        }
        Some(_) if summary.count(Outcome::Succeeded) == 0 => {
            (Tone::Good, format!("nothing to do, {all} reused"))
        }
        Some(_) => (Tone::Good, format!("{all} came out, none is missing")),
    };
    let title = format!("{}, {}: ", terminal::line(&summary.family), summary.run);
    format!(
        "{}{}\n\n",
        page.palette.paint(Tone::Strong, &title),
        page.palette.paint(tone, &words)
    )
}

fn facts(summary: &Summary, page: Page<'_>) -> String {
    let zone = Zone::named(&summary.zone);
    let mut facts = vec![
        ("when", when(summary, &zone)),
        ("parts", tally(summary)),
        ("cost", cost(summary)),
    ];
    if summary
        .parts
        .iter()
        .any(|part| files(part).next().is_some())
    {
        facts.push(("files", from_here(page, &format!("{}/", summary.output))));
    }
    if let Some(end) = summary.end.as_ref().filter(|end| !end.reasons.is_empty()) {
        facts.push(("ended", end_words(end)));
    }
    if let Some(user) = &summary.paused {
        facts.push(("paused", format!("by {}", terminal::line(user))));
    }
    let stops = summary.stops.iter();
    let stops = stops.filter(|reason| **reason != StopReason::Signal {});
    facts.extend(stops.map(|reason| ("stopped", stop(reason))));
    if summary.active_jobs > 0 {
        let jobs = counted(summary.active_jobs, "job");
        facts.push(("at work", format!("{jobs} at the service")));
    }
    if !summary.orphans.is_empty() {
        facts.push(("orphans", orphans(summary, page)));
    }
    facts.push(("requests", requests(summary)));
    let line = |(name, fact): (&str, String)| {
        let name = page.palette.paint(Tone::Dim, &format!("{name:<9}"));
        format!("  {name} {}\n", wrapped(&fact, 12).trim_start())
    };
    facts.into_iter().map(line).collect()
}

fn when(summary: &Summary, zone: &Zone) -> String {
    let took = span(summary.duration);
    let begun = zone.day_and_time(summary.started);
    let zone_name = zone.name();
    if summary.end.is_none() {
        return format!("{begun} ({zone_name}), at it for {took}");
    }
    format!("{begun} ({zone_name}), took {took}")
}

fn tally(summary: &Summary) -> String {
    let some = summary.counts.iter().filter(|(_, count)| **count > 0);
    let words: Vec<String> = some
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    words.join(", ")
}

fn cost(summary: &Summary) -> String {
    let cost = &summary.cost;
    let currency = cost
        .currency
        .as_deref()
        .map(|code| format!(" {}", terminal::clipped(code, 8)));
    let mut text = format!("{}{} charged", cost.charged, currency.unwrap_or_default());
    if cost.held.0 > 0 {
        text.push_str(&format!(", {} on hold", cost.held));
        if cost.held_for_failed.0 > 0 {
            let failed = cost.held_for_failed;
            text.push_str(&format!(
                " ({failed} for failed jobs whose charge is not named)"
            ));
        }
    }
    if cost.excess.0 > 0 {
        text.push_str(&format!(
            "; {} of it beyond what was held: the service charged more than it had shown",
            cost.excess
        ));
    }
    if cost.pending_jobs > 0 {
        let jobs = counted(cost.pending_jobs, "job");
        text.push_str(&format!("; the charge of {jobs} is not known yet"));
    }
    text
}

fn requests(summary: &Summary) -> String {
    let made = summary.requests.iter().filter(|(_, count)| **count > 0);
    let by_endpoint: Vec<String> = made
        .map(|(endpoint, count)| format!("{count} {}", endpoint.as_str().replace('_', "-")))
        .collect();
    let limited = match summary.rate_limited {
        0 => "none was told to slow down".to_owned(),
        count => format!("{count} answered 429: something else uses this workspace"),
    };
    if by_endpoint.is_empty() {
        return "none".to_owned();
    }
    format!("{}; {limited}", by_endpoint.join(", "))
}

fn orphans(summary: &Summary, page: Page<'_>) -> String {
    let jobs = counted(summary.orphans.len(), "job");
    let named = phrase(&summary.orphans, page.full);
    format!("{jobs} that no part wants any more, kept at the service: {named}")
}

fn parts(summary: &Summary, page: Page<'_>) -> String {
    let columns = [
        Column::Left("  PART"),
        Column::Left("OUTCOME"),
        Column::Right("CHARGED"),
        Column::Left("FILES"),
    ];
    let limit = if page.full {
        usize::MAX
    } else {
        GOOD_PARTS_SHOWN
    };
    let (mut rows, mut good, mut hidden) = (Vec::new(), 0, 0);
    for part in &summary.parts {
        good += usize::from(part.outcome.is_good());
        if part.outcome.is_good() && good > limit {
            hidden += 1;
        } else {
            rows.push((tone(part.outcome), row(part, page)));
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}", table::render(&columns, rows, page.palette));
    if hidden > 0 {
        let more = format!("  … and {hidden} more that came out (-v lists them)");
        text.push_str(&page.palette.paint(Tone::Dim, &more));
        text.push('\n');
    }
    text
}

fn row(part: &PartSummary, page: Page<'_>) -> Vec<String> {
    let mut paths = files(part);
    let first = paths.next().map(|path| from_here(page, path));
    let files = match (first, paths.count()) {
        (None, _) => String::new(),
        (Some(first), 0) => first,
        (Some(first), more) => format!("{first} and {more} more"),
    };
    vec![
        format!("  {}", terminal::clipped(part.id.as_str(), 30)),
        part.outcome.to_string(),
        part.charged
            .map_or_else(|| "?".to_owned(), |charged| charged.to_string()),
        files,
    ]
}

/// A path that is relative to the manifest's folder, from where the command is given.
fn from_here(page: Page<'_>, path: &str) -> String {
    match page.manifest.rsplit_once('/') {
        Some((folder, _)) => terminal::line(&format!("{folder}/{path}")),
        None => terminal::line(path),
    }
}

fn files(part: &PartSummary) -> impl Iterator<Item = &str> {
    let steps = part.steps.iter();
    steps.flat_map(|step| step.artifacts.iter().map(|file| file.path.as_str()))
}

/// What went wrong with a step.
fn trouble((part, step): (&PartSummary, &StepSummary)) -> String {
    let mut about = vec![step.outcome.to_string()];
    about.extend(part.job.as_ref().map(|job| terminal::line(&job.0)));
    if step.attempts > 1 {
        about.push(counted(step.attempts as usize, "attempt"));
    }
    let error = step.error.as_deref().unwrap_or("nothing more is known");
    entry(
        &format!("{} ({})", name(part, step), about.join(", ")),
        error,
    )
}

/// All that the service said about a part.
fn full(part: &PartSummary) -> Option<String> {
    let mut text = String::new();
    if let Some(explanation) = &part.explanation {
        let job = part
            .job
            .as_ref()
            .map_or_else(String::new, |job| format!(" ({})", terminal::line(&job.0)));
        text.push_str(&entry(&format!("{}{job}", part.id), explanation));
    }
    for step in &part.steps {
        if let Some(review) = &step.review {
            text.push_str(&entry(&name(part, step), review));
        }
    }
    (!text.is_empty()).then_some(text)
}

fn name(part: &PartSummary, step: &StepSummary) -> String {
    format!("{}/{}", part.id, step.id)
}

fn entry(title: &str, text: &str) -> String {
    format!("  {title}\n{}\n", wrapped(&terminal::lines(text), 6))
}

fn next(summary: &Summary, page: Page<'_>) -> String {
    let lines = advice(summary, page).into_iter();
    let lines = lines.map(|line| format!("  {line}\n"));
    section("Next", Tone::Strong, page, lines)
}

/// A titled list; nothing when it is empty.
fn section(
    title: &str,
    tone: Tone,
    page: Page<'_>,
    entries: impl Iterator<Item = String>,
) -> String {
    let entries: String = entries.collect();
    if entries.is_empty() {
        return entries;
    }
    format!("\n{}\n{entries}", page.palette.paint(tone, title))
}

/// `text` in lines of at most [`COLUMNS`] columns, each with `indent` blanks before it. A longer word stands alone.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.trim().lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && indent + line.width() + 1 + word.width() > COLUMNS {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    let margin = " ".repeat(indent);
    let lines: Vec<String> = lines.iter().map(|line| format!("{margin}{line}")).collect();
    lines.join("\n")
}

fn good(summary: &Summary) -> usize {
    summary
        .parts
        .iter()
        .filter(|part| part.outcome.is_good())
        .count()
}

const fn is_bad(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Failed | Outcome::Rejected | Outcome::Unresolved
    )
}

const fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Succeeded => Tone::Good,
        Outcome::Reused | Outcome::Skipped => Tone::Plain,
        Outcome::Blocked | Outcome::Waiting | Outcome::Cancelled => Tone::Warning,
        Outcome::Rejected | Outcome::Failed | Outcome::Unresolved => Tone::Bad,
    }
}
