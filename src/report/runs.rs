//! The runs of a family: one line each.

use serde::Serialize;

use super::json::{self, FORMAT_VERSION};
use super::moment::{Zone, span};
use super::palette::{Palette, Tone};
use super::summary::Summary;
use super::table::{self, Column};
use crate::run::event::{Event, Record};
use crate::run::history::History;
use crate::run::outcome::Outcome;

/// The report of each run in `records` without its parts, oldest first, as it stood when the next one began.
#[must_use]
pub fn summaries(records: &[Record]) -> Vec<Summary> {
    let mut history = History::default();
    let mut summaries = Vec::new();
    for record in records {
        if matches!(record.event, Event::RunStarted { .. }) {
            summaries.extend(Summary::without_parts(&history));
        }
        history.apply(record);
    }
    summaries.extend(Summary::without_parts(&history));
    summaries
}

/// The runs as a table, in the zone of each.
#[must_use]
pub fn text(summaries: &[Summary], palette: Palette) -> String {
    let columns = [
        Column::Left("RUN"),
        Column::Left("STARTED"),
        Column::Left("TOOK"),
        Column::Left("OUTCOME"),
        Column::Right("PARTS"),
        Column::Right("HOME"),
        Column::Right("CHARGED"),
    ];
    let rows = summaries.iter().map(|summary| {
        let tone = match summary.outcome() {
            "succeeded" => Tone::Plain,
            "unfinished" => Tone::Warning,
            _ => Tone::Bad,
        };
        let home = summary.count(Outcome::Succeeded) + summary.count(Outcome::Reused);
        let cells = vec![
            summary.run.to_string(),
            Zone::named(&summary.zone).date_and_time(summary.started),
            span(summary.duration),
            summary.outcome().to_owned(),
            summary.counts.values().sum::<usize>().to_string(),
            home.to_string(),
            summary.cost.charged.to_string(),
        ];
        (tone, cells)
    });
    table::render(&columns, rows.collect(), palette)
}

/// The runs as a document: `runs`, each like a report without its parts.
#[must_use]
pub fn json(summaries: &[Summary]) -> String {
    #[derive(Serialize)]
    struct Document<T> {
        format_version: u32,
        runs: Vec<T>,
    }
    json::document(&Document {
        format_version: FORMAT_VERSION,
        runs: summaries.iter().map(json::heading).collect(),
    })
}
