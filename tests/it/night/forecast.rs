//! What a plan says of its time, and how long its run then takes.

use std::time::Duration;

use millrun::plan::forecast::Forecast;
use millrun::run::event::Event;
use millrun::run::history::History;
use millrun::schedule::rehearsal;
use millrun::simulator::Config;

use super::harness::Night;

const SEEDS: u64 = 20;

fn family(parts: u32) -> String {
    let mut text =
        "version: 1\nname: family\nuid: u\nbudget: { max_spend: 900.00 usd }\nparts:\n".to_owned();
    for n in 0..parts {
        text.push_str(&format!(
            "- id: p{n}\n  steps:\n  - create: {{ prompt: 'Plate {n}.' }}\n"
        ));
        if n % 2 == 0 {
            text.push_str("  - iterate: { prompt: 'Drill it.' }\n");
        }
        if n % 3 == 0 {
            text.push_str("  - review: { prompt: 'Is it thick enough?' }\n");
        }
        text.push_str("  - download: {}\n");
    }
    text
}

/// How long the last run took.
fn took(night: &Night) -> Duration {
    let records = night.records();
    let start = records
        .iter()
        .rev()
        .find(|record| matches!(record.event, Event::RunStarted { .. }))
        .unwrap();
    records.last().unwrap().at.since(start.at)
}

/// By how much the forecast of a second night was longer than that night.
async fn error_of(seed: u64) -> f64 {
    let night = Night::new(Config {
        seed,
        ..Config::default()
    });
    assert_eq!(night.run(&family(24)).await.exit_code(), 0);
    let more = family(48);
    let plan = night.plan(&more);
    let memory = History::of(&night.records()).memory;
    let rehearsed = rehearsal::expected(&plan, &memory, &memory.durations);
    assert!(rehearsed.is_some(), "it did not come to its end");
    let forecast = Forecast::new(&plan, &memory.durations, rehearsed);
    assert_eq!(night.run(&more).await.exit_code(), 0);
    let took = took(&night);
    assert!(
        forecast.lower_bound <= took,
        "{:?} was impossible: {took:?}",
        forecast.lower_bound
    );
    forecast.expected.as_secs_f64() / took.as_secs_f64() - 1.0
}

#[tokio::test(start_paused = true)]
async fn after_one_night_the_forecast_of_the_next_is_within_a_twentieth() {
    let mut errors = Vec::new();
    for seed in 0..SEEDS {
        errors.push(error_of(seed).await);
    }
    let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    let median = sizes[sizes.len() / 2];
    assert!(median <= 0.05, "{median:.3} of {errors:.3?}");
}
