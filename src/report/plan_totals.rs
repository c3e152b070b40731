//! The last lines of a plan: what it sends, what it costs, how long it takes, and what holds it up.

use super::moment::span;
use super::plan_cost::{PlanCost, PlannedSends};
use super::text::COLUMNS;
use super::words::counted;
use crate::plan::actions::Plan;
use crate::plan::forecast::{Bottleneck, Forecast};
use crate::plan::money::Cents;
use crate::untrusted::terminal;

/// So wide are the names of the lines.
const INDENT: usize = 6;

/// The totals of `plan`, which has something to do.
pub(super) fn totals(plan: &Plan, cost: &PlanCost, forecast: &Forecast) -> String {
    let sends = PlannedSends::new(plan);
    let mut lines = vec![(
        "Sends",
        listed(&[
            (u64::from(sends.create), "create"),
            (u64::from(sends.iterate), "iterate"),
            (u64::from(sends.review), "review"),
        ]),
    )];
    let requests = forecast.requests;
    let others = listed(&[
        (requests.reads, "read"),
        (requests.artifacts, "file"),
        (requests.balance, "balance read"),
    ]);
    if !others.is_empty() {
        lines.push(("", format!("and about {others}")));
    }
    lines.extend(cost_lines(plan, cost));
    lines.push((
        "Time",
        format!(
            "about {}, at least {}",
            span(forecast.expected),
            span(forecast.lower_bound)
        ),
    ));
    if forecast.gates > 0 {
        let gates = counted(forecast.gates, "approval");
        lines.push(("", format!("and as long as people take for {gates}")));
    }
    if let Some(bottleneck) = &forecast.bottleneck {
        lines.push(("", format!("held up by {}", of(bottleneck))));
    }
    let lines = lines
        .into_iter()
        .filter(|(name, line)| !(name.is_empty() && line.is_empty()));
    let lines = lines.map(|(name, line)| {
        let room = COLUMNS - INDENT - 1;
        format!("{name:<INDENT$} {}\n", terminal::clipped(&line, room))
    });
    format!("\n{}", lines.collect::<String>())
}

fn cost_lines(plan: &Plan, cost: &PlanCost) -> Vec<(&'static str, String)> {
    let cap = plan.family.settings.budget.max_spend;
    let PlanCost {
        min_cents: Some(min),
        expected_cents: Some(expected),
        max_cents: Some(max),
        currency,
    } = cost
    else {
        let cap = cap.map_or_else(
            || "no max_spend is set".to_owned(),
            |cap| format!("at most max_spend, {cap}"),
        );
        return vec![(
            "Cost",
            format!("not known: no price was seen here yet; {cap}"),
        )];
    };
    let currency = terminal::clipped(currency.as_deref().unwrap_or_default(), 8);
    let first = format!("about {expected} {currency}, from {min} to {max}, by the last price seen");
    let second = match cap {
        None if *max > Cents::ZERO => "no max_spend is set".to_owned(),
        None => String::new(),
        Some(cap) if cap < *expected => format!("more than max_spend: it stops at {cap}"),
        Some(cap) if cap < *max => format!("max_spend is {cap}: it may stop there"),
        Some(cap) => format!("max_spend is {cap}"),
    };
    vec![("Cost", first), ("", second)]
}

/// `3 creates, 1 review`: what there is none of is left out.
fn listed(counts: &[(u64, &str)]) -> String {
    let there = counts.iter().filter(|(count, _)| *count > 0);
    let words =
        there.map(|(count, thing)| counted(usize::try_from(*count).unwrap_or(usize::MAX), thing));
    words.collect::<Vec<_>>().join(", ")
}

/// What holds a run up, in words.
fn of(bottleneck: &Bottleneck) -> String {
    match bottleneck {
        Bottleneck::CadWrites(rate) => format!("cad_writes, {rate}"),
        Bottleneck::Reviews(rate) => format!("reviews, {rate}"),
        Bottleneck::ActiveJobs(jobs) => format!("active_jobs, {jobs}"),
        Bottleneck::Chain(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| terminal::line(part.as_str()))
                .collect();
            match parts.as_slice() {
                [only] => format!("the steps of {only}, one after the other"),
                [first, .., last] if parts.len() > 3 => {
                    format!("a chain of {} parts, {first} → … → {last}", parts.len())
                }
                parts => parts.join(" → "),
            }
        }
    }
}
