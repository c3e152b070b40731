//! Nights drawn from seeds: the real engine against everything that can go wrong, with the simulator's books as oracle.
//! `cargo run --release --example torture` runs as many as you like.

#[path = "../torture/mod.rs"]
mod torture;

use std::fs;
use std::path::Path;

use torture::night::{Service, night};

/// How many nights are run here, unless `MILLRUN_NIGHTS` says otherwise; each of the tests runs its quarter.
const NIGHTS: u64 = 200;

#[expect(
    clippy::disallowed_methods,
    reason = "who runs the tests says how many nights"
)]
fn nights() -> u64 {
    let wanted = std::env::var("MILLRUN_NIGHTS").ok();
    wanted.map_or(NIGHTS, |nights| nights.parse().unwrap())
}

/// The night of `seed`, twice: the same history both times, and no promise broken.
fn keeps_every_promise(seed: u64) -> u32 {
    let once = night(seed, Service::Any, false);
    if !once.violations.is_empty() {
        for line in night(seed, Service::Any, true).story {
            println!("{line}");
        }
        panic!("seed {seed}: {:#?}", once.violations);
    }
    let again = night(seed, Service::Any, false);
    assert_eq!(once.hash, again.hash, "seed {seed} has two histories");
    once.deaths
}

fn a_quarter(nth: u64) {
    let seeds = (nth..nights()).step_by(4);
    let deaths: u32 = seeds.map(keeps_every_promise).sum();
    assert!(deaths > 0, "nobody dies in these nights");
}

#[test]
fn nights_keep_every_promise_first_quarter() {
    a_quarter(0);
}

#[test]
fn nights_keep_every_promise_second_quarter() {
    a_quarter(1);
}

#[test]
fn nights_keep_every_promise_third_quarter() {
    a_quarter(2);
}

#[test]
fn nights_keep_every_promise_fourth_quarter() {
    a_quarter(3);
}

/// Each file of `tests/regressions` has one seed a line that once broke a promise; what follows `#` is for people.
#[test]
fn nights_that_once_broke_a_promise_keep_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "seed")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there are no regressions to look at");
    for file in files {
        for line in fs::read_to_string(&file).unwrap().lines() {
            let seed = line.split('#').next().unwrap_or_default().trim();
            if !seed.is_empty() {
                let _ = keeps_every_promise(seed.parse().unwrap());
            }
        }
    }
}
