//! What to do after a run, as commands that can be typed.

use unicode_width::UnicodeWidthStr as _;

use super::shell;
use super::summary::Summary;
use super::text::Page;
use crate::plan::money::Cents;
use crate::run::outcome::ExitReason;

/// What to do next, one thing a line.
pub(super) fn advice(summary: &Summary, page: Page<'_>) -> Vec<String> {
    let of_manifest = |name: &str| format!("{name} {}{}", shell::word(page.manifest), page.flags);
    let reasons = summary.end.as_ref().map_or(&[][..], |end| &end.reasons);
    let mut lines: Vec<String> = reasons
        .iter()
        .filter_map(remedy)
        .map(str::to_owned)
        .collect();
    let mut commands = Vec::new();
    if let Some(flags) = page
        .service
        .filter(|_| reasons.contains(&ExitReason::Unresolved))
    {
        commands.push((
            format!("jobs list{flags}"),
            "shows whether the job is there",
        ));
    }
    if reasons.contains(&ExitReason::Unresolved) {
        if summary.claimed_jobs > 0 {
            let told = "gives parts the jobs that were found";
            commands.push((of_manifest("adopt"), told));
        }
        let told = "you looked, and it is not there: it is sent";
        commands.push((of_manifest("resume --confirm-absent PART"), told));
    }
    if reasons
        .iter()
        .any(|reason| matches!(reason, ExitReason::PartFailed | ExitReason::PartRejected))
    {
        commands.push((of_manifest("logs"), "tells what happened"));
    }
    if !summary.gates.is_empty() {
        let told = "lets it go on; --reject ends it";
        commands.push((
            format!(
                "approve {} PART/STEP{}",
                shell::word(page.manifest),
                page.flags
            ),
            told,
        ));
    }
    let is_asked = !summary.gates.is_empty() && *reasons == [ExitReason::ApprovalNeeded];
    if is_asked {
        commands.push((of_manifest("run"), "goes on behind what was approved"));
    } else if summary.can_go_on() {
        commands.push((of_manifest("resume"), "goes on where it stopped"));
    } else if !reasons.is_empty() {
        commands.push((of_manifest("run"), "runs what did not succeed"));
    } else {
        let told = format!("{} -v", of_manifest("report"));
        commands.push((told, "what the service said of each part"));
        if cost_something(summary) {
            commands.push((of_manifest("ledger"), "what was held and charged"));
        }
    }
    let longest = commands.iter().map(|(command, _)| command.width()).max();
    for (command, effect) in commands {
        let gap = " ".repeat(longest.unwrap_or(0) - command.width());
        lines.push(format!("millrun {command}{gap}   # {effect}"));
    }
    lines
}

fn cost_something(summary: &Summary) -> bool {
    let cost = &summary.cost;
    cost.charged != Cents::ZERO || cost.held != Cents::ZERO || cost.pending_jobs > 0
}

/// What a person does about it outside of millrun.
const fn remedy(reason: &ExitReason) -> Option<&'static str> {
    match reason {
        ExitReason::KeyRefused => Some("check ORVILLE_API_KEY and its scopes"),
        ExitReason::Unreachable => Some("look at the network and at ORVILLE_BASE_URL"),
        ExitReason::StorageFailed => {
            Some("look at the disk: is there room, and may millrun write there?")
        }
        ExitReason::BalanceTooLow => Some("top up the workspace's balance"),
        ExitReason::CapReached => Some("raise the cap in `budget`, or `--max-spend`"),
        ExitReason::Interrupted
        | ExitReason::Cancelled
        | ExitReason::Unresolved
        | ExitReason::ApprovalNeeded
        | ExitReason::PartFailed
        | ExitReason::PartRejected
        | ExitReason::PartBlocked => None,
    }
}
