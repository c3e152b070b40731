//! How an error is told: to people on stderr, to machines on stdout.

use serde_json::{Value, json};

use super::call_error::add_facts;
use super::error::CliError;
use super::exit::ExitCode;
use super::output::Output;
use crate::execute::engine::EngineError;
use crate::manifest::{Diagnostics, Severity, Sources, render, to_json};
use crate::report::json::{FORMAT_VERSION, document};
use crate::report::palette::Tone;
use crate::report::words::counted;
use crate::session::SessionError;
use crate::untrusted::terminal;

/// Tells `error`, and gives back the exit code.
pub(super) fn complain(error: &CliError, output: &mut Output) -> ExitCode {
    let code = error.kind().code;
    tell(error, output);
    if output.is_json() {
        let document = document(&json!({
            "format_version": FORMAT_VERSION,
            "error": value(error),
            "exit_code": code.number(),
        }));
        // What can't be written to a closed stdout is on stderr already.
        let _ = output.print(&document);
    }
    code
}

/// Tells people of `error`, and what helps.
pub(super) fn tell(error: &CliError, output: &Output) {
    output.tell(&text(error, output));
}

/// All problems of a manifest, as people read them.
pub(super) fn diagnostics(problems: &Diagnostics, sources: &Sources, output: &Output) -> String {
    let rendered = problems.iter();
    rendered
        .map(|problem| render(problem, sources, output.style()) + "\n")
        .collect()
}

/// `2 errors, 1 warning`.
pub(super) fn tally(problems: &Diagnostics) -> String {
    let count = |severity| {
        problems
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    };
    let counts = [
        (count(Severity::Error), "error"),
        (count(Severity::Warning), "warning"),
    ];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = some.map(|(count, thing)| counted(*count, thing)).collect();
    words.join(", ")
}

fn text(error: &CliError, output: &Output) -> String {
    let palette = output.stderr_palette();
    let mut text = String::new();
    let mut message = terminal::line(&error.to_string());
    if let CliError::Session(SessionError::Manifest {
        diagnostics: problems,
        sources,
    }) = error
    {
        text = diagnostics(problems, sources, output);
        message = format!("the manifest has {}", tally(problems));
    }
    text.push_str(&format!(
        "{} {message}\n",
        palette.paint(Tone::Bad, "error:")
    ));
    if let CliError::Session(SessionError::Engine(EngineError::Storage(error))) = error
        && !error.unsaved.is_empty()
    {
        text.push_str(&format!(
            "These lines could be written nowhere: put them into `errored-by-hand.jsonl` in the state folder, and the next \
             run takes them in.\n{}",
            terminal::json(&error.unsaved)
        ));
    }
    if let Some(hint) = error.kind().hint {
        text.push_str(&format!(
            "{} {hint}\n",
            palette.paint(Tone::Strong, "hint:")
        ));
    }
    text
}

/// `error` for machines: its kind, its message, what helps, and what else is known of it.
pub(super) fn value(error: &CliError) -> Value {
    let kind = error.kind();
    let mut told = json!({
        "kind": kind.name,
        "message": error.to_string(),
        "hint": kind.hint,
    });
    match error {
        CliError::Session(SessionError::Manifest {
            diagnostics,
            sources,
        }) => {
            told["diagnostics"] = diagnostics
                .iter()
                .map(|one| to_json(one, sources))
                .collect();
        }
        CliError::Api(error) => add_facts(&mut told, error),
        _ => {}
    }
    told
}
