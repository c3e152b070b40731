//! kill -9 at any moment, resumed each time: the simulator's own books show one job a part, one charge a write, and no
//! lost file.

use std::time::Duration;

use millrun::simulator::Status;

use super::place::{Place, Service};

/// Another seed is as good; this one is printed so that a failure can be had again.
const SEED: u64 = 20_261_124;
const KILLS: u32 = 30;

/// `parts` plates, the latter half of them iterated.
fn manifest(parts: usize, limits: &str) -> String {
    let numbers: Vec<String> = (1..=parts).map(|n| n.to_string()).collect();
    format!(
        "version: 1
name: killed
uid: k1
{limits}
budget: {{ max_spend: 500.00 usd, keep_balance: 1.00 usd }}
parts:
  - id: plate-{{{{ n }}}}
    matrix: {{ n: [{}] }}
    steps:
      - create: {{ prompt: \"A plate {{{{ n }}}}0 x 40 x 6 mm.\" }}
      - review: {{ prompt: Review it. }}
      - iterate: {{ when: n > {}, prompt: Make it 8 mm thick. }}
      - check: {{}}
      - download: {{}}
",
        numbers.join(", "),
        parts / 2
    )
}

#[test]
fn a_run_survives_thirty_kills_without_a_double_or_a_loss() {
    const PARTS: usize = 50;
    // What `millrun sim --speed 200` tells to put into the manifest.
    let limits = "limits: { cad_writes: 10/0.3s, reviews: 20/0.3s, job_polls: 3/0.05s, reads: 600/0.3s, \
                  artifacts: 120/0.3s, balance: 60/0.3s }";
    let place = Place::new();
    place.write("m.yaml", &manifest(PARTS, limits));
    let service = Service::start(&place, &["--speed", "200", "--seed", "7"]);
    let kills = kill_again_and_again(&place, &service);
    assert!(kills > 5, "only {kills} kills: the run ended before them");
    let report = service
        .run(&place, &["run", "m.yaml", "--json"])
        .with(0)
        .json();
    let counts = &report["counts"];
    let good = |outcome: &str| counts[outcome].as_u64().unwrap_or(0);
    assert_eq!(good("succeeded") + good("reused"), PARTS as u64, "{report}");
    assert_eq!(report["requests"]["rate_limited"], 0);

    let books = service.books();
    let totals = &books.totals;
    assert_eq!(
        (totals.jobs, totals.writes, totals.reviews),
        (PARTS, PARTS * 3 / 2, PARTS)
    );
    let mut writes = books.jobs.iter().flat_map(|job| &job.writes);
    assert!(writes.all(|write| write.status == Status::Completed));
    assert!(
        books.rate_limited.is_empty(),
        "429: {:?}",
        books.rate_limited
    );
    assert_eq!(
        books.early_polls.count, 0,
        "{:?}",
        books.early_polls.details
    );
    assert_eq!(
        (books.idempotency.conflicts, books.idempotency.seen),
        (0, PARTS as u64 * 5 / 2)
    );
    assert_eq!(place.files("out").len(), PARTS);
    let ledger = service
        .run(&place, &["ledger", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(
        ledger["totals"]["charged_cents"], totals.charged_cents.0,
        "{ledger}"
    );
    assert_eq!(ledger["totals"]["held_cents"], 0);
    service.run(&place, &["doctor", "m.yaml"]).with(0);
}

/// Starts the run, lets it get something done, and kills it. How often, until it had the time to end by itself.
fn kill_again_and_again(place: &Place, service: &Service) -> u32 {
    let mut random = fastrand::Rng::with_seed(SEED);
    for kill in 1..=KILLS {
        let (progress, wait) = (random.usize(0..6), random.u64(0..30));
        println!("seed {SEED}: kill {kill} after {progress} more answers and {wait} ms");
        let wanted = answers(service) + progress;
        let mut run = service
            .command(place, &["run", "m.yaml", "-q"])
            .spawn()
            .unwrap();
        let mut has_ended = || run.try_wait().unwrap().is_some();
        while answers(service) < wanted && !has_ended() {}
        std::thread::sleep(Duration::from_millis(wait));
        if has_ended() {
            return kill - 1;
        }
        run.kill().unwrap();
        run.wait().unwrap();
        // What the dead process had on its way arrives before the next one starts.
        service.books();
    }
    KILLS
}

/// How much the service has done: a run of this family needs four answers a part.
fn answers(service: &Service) -> usize {
    let totals = service.books().totals;
    totals.writes + totals.reviews + usize::try_from(totals.downloads).unwrap()
}

#[test]
fn a_killed_simulated_run_goes_on_in_the_same_world() {
    let place = Place::new();
    place.write("m.yaml", &manifest(8, ""));
    // Together they are a minute of the engine's time; the shortest part with its iterate needs two.
    for wait in [150, 500, 1_350] {
        let run = ["run", "m.yaml", "--sim", "--sim-speed", "30", "-q"];
        let mut run = place.command(&run).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        run.kill().unwrap();
        run.wait().unwrap();
    }
    let run = ["run", "m.yaml", "--sim", "--sim-speed", "200", "--json"];
    let report = place.run(&run).with(0).json();
    assert_eq!(
        report["run_id"], "run-1",
        "the run ended before its last kill"
    );
    assert_eq!(report["counts"]["succeeded"], 8, "{report}");
    assert_eq!(report["requests"]["rate_limited"], 0, "{report}");
    assert_eq!(place.files("out-sim").len(), 8);
    place.simulated(&["doctor", "m.yaml"]).with(0);
    let totals = place.assert_no_429_and_no_early_poll("killed").totals;
    assert_eq!((totals.jobs, totals.writes), (8, 8 + 4));
}
