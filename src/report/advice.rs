//! What to do after a run, as commands that can be typed.

use unicode_width::UnicodeWidthStr as _;

use super::summary::Summary;
use crate::run::outcome::ExitReason;
use crate::untrusted::terminal;

/// What to do next, one thing a line. `flags` stand after the manifest in commands.
pub(super) fn advice(summary: &Summary, flags: &str) -> Vec<String> {
    let of_manifest = |name: &str| format!("{name} {}{flags}", shell_word(&summary.manifest));
    let reasons = summary.end.as_ref().map_or(&[][..], |end| &end.reasons);
    let mut lines: Vec<String> = reasons
        .iter()
        .filter_map(remedy)
        .map(str::to_owned)
        .collect();
    let mut commands = Vec::new();
    if reasons.contains(&ExitReason::Unresolved) {
        commands.push(("jobs list".to_owned(), "shows whether the job is there"));
    }
    if reasons
        .iter()
        .any(|reason| matches!(reason, ExitReason::PartFailed | ExitReason::PartRejected))
    {
        commands.push((of_manifest("logs"), "tells what happened"));
    }
    if summary.can_go_on() {
        commands.push((of_manifest("resume"), "goes on where it stopped"));
    } else if !reasons.is_empty() {
        commands.push((of_manifest("run"), "runs what did not succeed"));
    } else {
        let told = format!("{} -v", of_manifest("report"));
        commands.push((told, "what the service said of each part"));
        commands.push((of_manifest("ledger"), "what was held and charged"));
    }
    let longest = commands.iter().map(|(command, _)| command.width()).max();
    for (command, effect) in commands {
        let gap = " ".repeat(longest.unwrap_or(0) - command.width());
        lines.push(format!("millrun {command}{gap}   # {effect}"));
    }
    lines
}

/// What a person does about it outside of millrun.
const fn remedy(reason: &ExitReason) -> Option<&'static str> {
    match reason {
        ExitReason::KeyRefused => Some("check ORVILLE_API_KEY and its scopes"),
        ExitReason::Unreachable => Some("look at the network and at ORVILLE_BASE_URL"),
        ExitReason::StorageFailed => Some("make room on the disk"),
        ExitReason::BalanceTooLow => Some("top up the workspace's balance"),
        ExitReason::CapReached => Some("raise the cap in `budget`, or `--max-spend`"),
        ExitReason::Interrupted
        | ExitReason::Unresolved
        | ExitReason::PartFailed
        | ExitReason::PartRejected => None,
    }
}

/// `path` as one word of a shell.
fn shell_word(path: &str) -> String {
    let path = terminal::line(path);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+' | '@');
    if !path.is_empty() && path.chars().all(is_plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(shell_word("manifests/plates.yaml"), "manifests/plates.yaml");
        assert_eq!(shell_word("it's $HOME.yaml"), "'it'\\''s $HOME.yaml'");
        assert_eq!(shell_word(""), "''");
    }
}
