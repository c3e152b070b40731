//! Reads `limits`, `budget` and `retry`.

use std::num::NonZeroU32;
use std::time::Duration;

use super::diagnostic::{Code, Diagnostic};
use super::reader::{Fields, Keys, Reader};
use super::shape::{Amount, Budget, Limits, Profile, Rate, Retry};
use super::source::Spanned;
use super::tree::Tree;
use super::units;

pub(super) const LIMITS: Keys = Keys {
    of: "`limits`",
    known: &[
        "cad_writes",
        "reviews",
        "job_polls",
        "reads",
        "artifacts",
        "balance",
        "active_jobs",
        "profile",
        "group",
    ],
};

pub(super) const BUDGET: Keys = Keys {
    of: "`budget`",
    known: &[
        "max_spend",
        "max_per_part",
        "keep_balance",
        "balance",
        "on_short",
        "wait_max",
    ],
};

pub(super) const RETRY: Keys = Keys {
    of: "`retry`",
    known: &["attempts", "backoff"],
};

pub(super) fn limits(reader: &mut Reader, tree: &Tree) -> Option<Limits> {
    let fields = reader.fields(tree, LIMITS)?;
    let mut rate = |key| fields.get(key).and_then(|tree| self::rate(reader, tree));
    Some(Limits {
        cad_writes: rate("cad_writes"),
        reviews: rate("reviews"),
        job_polls: rate("job_polls"),
        reads: rate("reads"),
        artifacts: rate("artifacts"),
        balance: rate("balance"),
        active_jobs: positive(reader, fields, "active_jobs", 100_000),
        profile: fields.get("profile").and_then(|tree| {
            let words = [("steady", Profile::Steady), ("window", Profile::Window)];
            reader.choice("profile", tree, &words)
        }),
        group: fields
            .get("group")
            .and_then(|tree| reader.text(tree))
            .map(|text| text.value),
    })
}

pub(super) fn budget(reader: &mut Reader, tree: &Tree) -> Option<Budget> {
    let fields = reader.fields(tree, BUDGET)?;
    let mut amount = |key| fields.get(key).and_then(|tree| self::amount(reader, tree));
    let mut budget = Budget {
        max_spend: amount("max_spend"),
        max_per_part: amount("max_per_part"),
        keep_balance: amount("keep_balance"),
        unchecked: false,
    };
    if let Some(tree) = fields.get("on_short") {
        reader.choice("on_short", tree, &[("stop", ()), ("wait", ())]);
    }
    if let Some(tree) = fields.get("wait_max") {
        duration(reader, tree);
    }
    if let Some(tree) = fields.get("balance") {
        let words = [("checked", false), ("unchecked", true)];
        budget.unchecked = reader.choice("balance", tree, &words).unwrap_or_default();
        if budget.unchecked {
            refuse_unchecked_caps(reader, fields, tree);
        }
    }
    refuse_mixed_currencies(reader, &budget);
    Some(budget)
}

pub(super) fn retry(reader: &mut Reader, tree: &Tree) -> Option<Retry> {
    let fields = reader.fields(tree, RETRY)?;
    Some(Retry {
        attempts: positive(reader, fields, "attempts", 100),
        backoff: fields.get("backoff").and_then(|tree| {
            let what = (
                Code::BadDuration,
                "a first and a longest wait",
                "write two durations, the shorter first: `2s..2m`",
            );
            reader
                .parsed(tree, what, units::backoff)
                .map(|backoff| backoff.value)
        }),
    })
}

pub(super) fn duration(reader: &mut Reader, tree: &Tree) -> Option<Duration> {
    let what = (
        Code::BadDuration,
        "a duration",
        "write whole numbers with units (`d`, `h`, `m`, `s`, `ms`), the largest first: `90s`, `1h30m`",
    );
    reader
        .parsed(tree, what, units::duration)
        .map(|duration| duration.value)
}

fn rate(reader: &mut Reader, tree: &Tree) -> Option<Rate> {
    let what = (
        Code::BadRate,
        "a rate",
        "write the count, then the window in `ms`, `s`, `min` or `h`: `10/min`, `3/10s`, `3/0.5s`",
    );
    reader
        .parsed(tree, what, units::rate)
        .map(|rate| rate.value)
}

fn amount(reader: &mut Reader, tree: &Tree) -> Option<Spanned<Amount>> {
    let what = (
        Code::BadAmount,
        "an amount of money",
        "write at most two decimals and the currency's code: `60.00 usd`",
    );
    reader.parsed(tree, what, units::amount)
}

fn positive(reader: &mut Reader, fields: Fields<'_>, key: &str, max: u32) -> Option<NonZeroU32> {
    let tree = fields.get(key)?;
    reader.integer(tree, 1..=max).and_then(NonZeroU32::new)
}

/// A cap is a promise, and an unread balance can't keep one.
fn refuse_unchecked_caps(reader: &mut Reader, fields: Fields<'_>, unchecked: &Tree) {
    for cap in ["max_spend", "max_per_part", "keep_balance"] {
        if let Some(entry) = fields.entry(cap) {
            let message = format!("`{cap}` can't be kept while the balance is unchecked");
            reader.diagnostics.push(
                Diagnostic::error(Code::Conflict, entry.key.span, message)
                    .see(unchecked.span, "no balance is read")
                    .help(format!("remove `{cap}`, or write `balance: checked`")),
            );
        }
    }
}

fn refuse_mixed_currencies(reader: &mut Reader, budget: &Budget) {
    let caps = [
        &budget.max_spend,
        &budget.max_per_part,
        &budget.keep_balance,
    ];
    let mut caps = caps.into_iter().flatten();
    let Some(first) = caps.next() else { return };
    for cap in caps.filter(|cap| cap.value.currency != first.value.currency) {
        reader.diagnostics.push(
            Diagnostic::error(Code::Conflict, cap.span, "amounts of two currencies")
                .see(first.span, format!("this is {}", first.value.currency))
                .help("a workspace has one balance: write all amounts in its currency"),
        );
    }
}
