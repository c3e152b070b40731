//! `limits`: how the rate limits of a workspace stand, who shares them, and who waits.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{Globals, LimitsArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::origin::{api_key, limits_folder, origin, variable};
use super::output::Output;
use crate::adapters::clock::wall_now_ms;
use crate::adapters::limits_view::{self, HolderView, LimitsView, Of, Seen};
use crate::adapters::shared_limits::{self, Sharers};
use crate::execute::ports::StorageError;
use crate::plan::remote::Timestamp;
use crate::plan::settings::Limits;
use crate::report::json::{FORMAT_VERSION, document};
use crate::report::moment::{span, utc};
use crate::schedule::slot::Class;
use crate::schedule::strain::PARKED;
use crate::session::{self, Origin, Session, SessionError};
use crate::untrusted::terminal;

pub(super) fn limits(
    args: &LimitsArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let origin = origin(globals)?;
    let name = origin.name();
    let (limits, file, of) = file(args, globals, &origin)?;
    let view = match &file {
        Some(file) => limits_view::view(file, &limits, of).map_err(session_error)?,
        None => None,
    };
    let text = match (output.is_json(), view) {
        (true, view) => document(&json(&name, of, &limits, &view.unwrap_or_default())),
        (false, None) => format!("No request to {name} was recorded yet.\n"),
        (false, Some(view)) => text(&name, &limits, &view),
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}

/// The limits as the manifest states them, and where their slots are.
fn file(
    args: &LimitsArgs,
    globals: &Globals,
    origin: &Origin,
) -> Result<(Limits, Option<PathBuf>, Of), CliError> {
    let loaded = args
        .manifest
        .as_deref()
        .map(|path| session::load(path, &variable))
        .transpose()?;
    if let Origin::Simulator { .. } = origin {
        let loaded = loaded.ok_or_else(|| {
            CliError::usage(
                "each family has a simulator of its own, with limits of its own",
                "say which: `millrun limits MANIFEST --sim`",
            )
        })?;
        let limits = loaded.family.settings.limits.clone();
        let session = Session::open(loaded, origin, globals.state.as_deref())?;
        return Ok((limits, Some(session.state.limits()), Of::Family));
    }
    let limits = loaded.map_or_else(Limits::default, |loaded| loaded.family.settings.limits);
    let Some(folder) = limits_folder() else {
        return Ok((limits, None, Of::User));
    };
    let file = match &limits.group {
        Some(group) => shared_limits::find(&folder, &origin.name(), Sharers::Group(group)),
        None => shared_limits::find(&folder, &origin.name(), Sharers::Key(&api_key()?)),
    };
    let file = file.map_err(session_error)?;
    Ok((limits, file, Of::User))
}

fn session_error(error: StorageError) -> CliError {
    SessionError::from(error).into()
}

fn text(origin: &str, limits: &Limits, view: &LimitsView) -> String {
    let mut text = format!("Limits at {}\n\n", terminal::line(origin));
    text.push_str("  CLASS       RATE      IN WINDOW  NEXT FREE\n");
    for (class, seen) in &view.classes {
        let note = note(seen);
        let line = format!(
            "  {:<10}  {:<8}  {:>9}  {:<10}  {note}",
            terminal::line(&class.to_string()),
            seen.standing.rate.to_string(),
            seen.standing.used,
            wait(seen.next_free),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&format!(
        "  job_polls   {:<8}  of each job; {} polled within the window\n",
        limits.job_polls.to_string(),
        view.polled_jobs
    ));
    text.push_str("\nRuns at work\n");
    for HolderView { row, waits } in &view.holders {
        let lasted = Timestamp(wall_now_ms()).since(Timestamp(row.since_ms));
        let family = terminal::line(&row.family);
        let name = if family.is_empty() {
            "this family"
        } else {
            &family
        };
        text.push_str(&format!(
            "  {name}, process {}, for {}\n",
            row.pid,
            span(lasted)
        ));
        for (class, left) in waits {
            let class = terminal::line(&class.to_string());
            text.push_str(&format!("    waits for {class}: {}\n", wait(*left)));
        }
    }
    if view.holders.is_empty() {
        text.push_str("  none\n");
    }
    text
}

/// What 429s have left behind.
fn note(seen: &Seen) -> String {
    let (rate, effective) = (seen.standing.rate, seen.standing.effective);
    let mut notes = Vec::new();
    if seen.blocked > PARKED {
        notes.push(format!(
            "parked: the service wants none: {}",
            wait(seen.blocked)
        ));
    } else if !seen.blocked.is_zero() {
        notes.push(format!("the service wants none: {}", wait(seen.blocked)));
    }
    if effective < rate.count.get() {
        notes.push(format!("slowed down to {effective} a window after a 429"));
    }
    notes.join("; ")
}

fn wait(left: Duration) -> String {
    match left.as_millis() {
        0 => "now".to_owned(),
        ms if ms < 60_000 => format!("in {}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("in {}", span(left)),
    }
}

fn json(origin: &str, of: Of, limits: &Limits, view: &LimitsView) -> Value {
    let at = |left: Duration| utc(Timestamp(view.at_ms).after(left));
    let later = |left: Duration| (!left.is_zero()).then(|| at(left));
    let class = |(class, seen): &(Class, Seen)| {
        json!({
            "class": class.to_string(),
            "rate": seen.standing.rate.to_string(),
            "effective_count": seen.standing.effective,
            "used": seen.standing.used,
            "next_free_at": at(seen.next_free),
            "blocked_until": later(seen.blocked),
            "parked": seen.blocked > PARKED,
        })
    };
    let holder = |holder: &HolderView| {
        let waits = holder.waits.iter().map(|(class, left)| {
            let until = utc(Timestamp(wall_now_ms()).after(*left));
            json!({ "class": class.to_string(), "until": until })
        });
        json!({
            "pid": holder.row.pid,
            "family": holder.row.family,
            "since": utc(Timestamp(holder.row.since_ms)),
            "waits": waits.collect::<Vec<_>>(),
        })
    };
    json!({
        "format_version": FORMAT_VERSION,
        "origin": origin,
        "group": limits.group,
        "shared": of == Of::User,
        "at": (view.at_ms > 0).then(|| utc(Timestamp(view.at_ms))),
        "buckets": view.classes.iter().map(class).collect::<Vec<_>>(),
        "job_polls": { "rate": limits.job_polls.to_string(), "polled_jobs": view.polled_jobs },
        "holders": view.holders.iter().map(holder).collect::<Vec<_>>(),
    })
}
