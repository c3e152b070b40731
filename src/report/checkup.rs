//! What `doctor` found, for people and for machines.

use serde_json::json;

use super::json::{FORMAT_VERSION, document};
use super::palette::{Palette, Tone};
use super::words::counted;
use crate::run::checkup::{Check, Health};
use crate::untrusted::terminal;

/// How many of `checks` are problems.
#[must_use]
pub fn problems(checks: &[Check]) -> usize {
    let is_problem = |check: &&Check| check.health == Health::Problem;
    checks.iter().filter(is_problem).count()
}

/// A line for each check, what to do below those that want something done, and a last line that counts the problems.
#[must_use]
pub fn text(checks: &[Check], palette: Palette) -> String {
    let mut text = String::new();
    for check in checks {
        let tone = match check.health {
            Health::Good => Tone::Good,
            Health::Note => Tone::Warning,
            Health::Problem => Tone::Bad,
        };
        text.push_str(&format!(
            "{}  {:<11} {}\n",
            palette.paint(tone, &format!("{:<7}", check.health.as_str())),
            check.name,
            terminal::line(&check.message)
        ));
        if let Some(hint) = check.hint {
            text.push_str(&format!("{:21}{}\n", "", palette.paint(Tone::Dim, hint)));
        }
    }
    let last = match problems(checks) {
        0 => palette.paint(Tone::Good, "no problems were found"),
        some => palette.paint(Tone::Bad, &format!("{} found", counted(some, "problem"))),
    };
    text + &last + "\n"
}

/// The same, as a document.
#[must_use]
pub fn json(checks: &[Check], exit_code: u8) -> String {
    document(&json!({
        "format_version": FORMAT_VERSION,
        "checks": checks,
        "problems": problems(checks),
        "exit_code": exit_code,
    }))
}
