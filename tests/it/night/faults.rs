//! Nights with the simulator's own faults: the engine loses no part, pays for none twice, and says what it knows.

use std::time::Duration;

use millrun::simulator::{Config, FaultRule};

use super::harness::{Night, assert_clean, let_pass};

const MANIFEST: &str = r"
version: 1
name: f
uid: u
parts:
  - id: p{{ n }}
    matrix: { n: [1, 2, 3, 4, 5, 6] }
    steps:
      - create: { prompt: 'A plate {{ n }}0 x 40 x 6 mm' }
      - review: { prompt: 'Any risks?' }
      - download: { to: parts }
";

#[tokio::test(start_paused = true)]
async fn what_the_wire_does_costs_time_and_nothing_else() {
    for fault in [
        r#""rate_limited""#,
        r#"{"kind":"answer","status":503}"#,
        r#"{"kind":"answer","status":502,"shape":"html","effect":"applied"}"#,
        r#""reset""#,
        r#"{"kind":"reset","effect":"applied"}"#,
        r#"{"kind":"slow","seconds":20}"#,
        r#""truncated""#,
        r#""not_json""#,
        r#""html""#,
        r#""empty""#,
        r#""endless""#,
        r#""expired_url""#,
        r#"{"kind":"hostile","words":"path"}"#,
        r#"{"kind":"duplicated","copy":"same_key"}"#,
        r#"{"kind":"late","seconds":45}"#,
    ] {
        let night = Night::new(Config::default());
        let rules =
            format!(r#"{{"rules":[{{"on":"any","chance":0.2,"times":12,"fault":{fault}}}]}}"#);
        night
            .simulator
            .add_faults(FaultRule::parse_all(&rules).unwrap());
        let ending = night.run(MANIFEST).await;
        assert_eq!(ending.exit_code(), 0, "{fault}");
        let hits = night.simulator.fault_hits()[0];
        assert!(hits > 1, "{fault} happened {hits} times");
        let books = night.books();
        assert_clean(&books);
        assert_eq!((books.totals.jobs, books.totals.reviews), (6, 6), "{fault}");
        assert_eq!((books.idempotency.seen, books.leaks), (12, 0), "{fault}");
        assert_eq!(night.files().len(), 6, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_that_is_told_to_rest_for_an_hour_ends_a_run_that_has_nothing_else_to_do() {
    let night = Night::new(Config::default());
    let rules = r#"{"rules":[{"on":"create","times":1,"fault":{"kind":"rate_limited","retry_after":3600}}]}"#;
    night
        .simulator
        .add_faults(FaultRule::parse_all(rules).unwrap());
    let history = night.run(MANIFEST).await.history();
    let end = history.run.as_ref().unwrap().end.clone().unwrap();
    assert_eq!(end.exit_code(), 5);
    let stops = format!("{:?}", history.run.unwrap().stops);
    assert!(
        stops.contains("no request of cad_writes for another"),
        "{stops}"
    );
    // The wait is kept over processes, and then the run goes on.
    let again = night.run(MANIFEST).await;
    assert_eq!(again.exit_code(), 5);
    assert_eq!(night.books().totals.jobs, 0);
    let_pass(Duration::from_secs(3_600)).await;
    assert_eq!(night.run(MANIFEST).await.exit_code(), 0);
    assert_eq!(night.books().totals.jobs, 6);
}
