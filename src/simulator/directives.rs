//! Orders to the simulator inside a prompt: `[sim:name]` or `[sim:name=value]`, anywhere in it.
//!
//! They are part of the prompt like any other text: kept, shown in the history, and seen by idempotency. Those that
//! are unknown or have an unreadable value are only text. The list is in [the room's documentation](super).

use std::collections::BTreeSet;

use super::cents::Cents;
use super::clock::whole_ms;
use super::quirks::Quirk;

/// How many of the equal writes (or reviews) an order holds for: the first so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct First(u32);

impl First {
    const ALL: Self = Self(u32::MAX);

    /// Whether it holds for the one that has `before` equals before it.
    pub(crate) fn covers(self, before: u32) -> bool {
        self == Self::ALL || before < self.0
    }
}

/// When a review proposes an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propose {
    The(First),
    /// Until one of its proposals was followed.
    UntilDone,
}

impl Default for Propose {
    fn default() -> Self {
        Self::The(First::default())
    }
}

/// Everything a prompt orders.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Directives {
    pub(crate) fail: First,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) cost: Option<Cents>,
    pub(crate) propose: Propose,
    pub(crate) review_fails: First,
    pub(crate) review_unavailable: First,
    pub(crate) files: Option<usize>,
    pub(crate) truncated: bool,
    pub(crate) quirks: BTreeSet<Quirk>,
    pub(crate) charge_late_ms: Option<i64>,
}

impl Directives {
    pub(crate) fn of(prompt: &str) -> Self {
        let mut directives = Self::default();
        for order in prompt.split("[sim:").skip(1) {
            if let Some((order, _)) = order.split_once(']') {
                let (name, value) = order.split_once('=').unwrap_or((order, ""));
                directives.obey(name.trim(), value.trim());
            }
        }
        directives
    }

    fn obey(&mut self, name: &str, value: &str) {
        let first = || match value {
            "" => First::ALL,
            count => First(count.parse().unwrap_or(0)),
        };
        match name {
            "fail" => self.fail = first(),
            "propose" if value == "until-done" => self.propose = Propose::UntilDone,
            "propose" => self.propose = Propose::The(first()),
            "review-fails" => self.review_fails = first(),
            "review-unavailable" => self.review_unavailable = first(),
            "duration" => self.duration_ms = milliseconds(value),
            "cost" => self.cost = value.parse().ok().filter(|cents| *cents >= 0).map(Cents),
            "files" => self.files = value.parse().ok().filter(|files| (1..=50).contains(files)),
            "truncated" => self.truncated = true,
            "quirk" if value == "truncated" => self.truncated = true,
            "quirk" => self.quirks.extend(Quirk::named(value)),
            "charge-late" => self.charge_late_ms = milliseconds(value),
            _ => {}
        }
    }
}

/// Reads seconds, with decimals or without, of up to a year.
fn milliseconds(seconds: &str) -> Option<i64> {
    let seconds: f64 = seconds.parse().ok()?;
    (0.0..=31_536_000.0)
        .contains(&seconds)
        .then(|| whole_ms(seconds * 1_000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_found_anywhere_in_a_prompt() {
        let directives =
            Directives::of("A plate [sim:fail=2] with [sim:cost=150][sim:duration=0.5]");
        assert!(directives.fail.covers(1) && !directives.fail.covers(2));
        assert_eq!(directives.cost, Some(Cents(150)));
        assert_eq!(directives.duration_ms, Some(500));
        assert!(Directives::of("[sim:fail]").fail.covers(9));
        let odd = Directives::of("[sim:quirk=metres] [sim:quirk=truncated] [sim:quirk=integers]");
        assert_eq!(odd.quirks, [Quirk::Integers, Quirk::Metres].into());
        assert!(odd.truncated);
    }

    #[test]
    fn what_cannot_be_read_orders_nothing() {
        let prompt = "[sim:duration=NaN] [sim:cost=-5] [sim:files=0] [sim:fail=x] [sim:what] [sim:quirk=odd] [sim:fail";
        assert_eq!(Directives::of(prompt), Directives::default());
    }
}
