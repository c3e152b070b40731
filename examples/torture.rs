//! Nights drawn from seeds, as many as you like, on all cores:
//!
//! ```sh
//! cargo run --release --example torture -- --seeds 10000            # seeds 0 to 9999
//! cargo run --release --example torture -- --seeds 1000 --from 5000
//! cargo run --release --example torture -- --seed 4711              # one, with its story
//! ```
//!
//! With `--forgetful` the service looks at no idempotency key at all. Each seed is run twice when `--twice` is given, and both nights must be the same, bit for bit. The first seeds that
//! break a promise are printed, the first of them with its story, and the exit code is 1.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a program for the command line that shares its modules with the tests"
)]

#[path = "../tests/torture/mod.rs"]
mod torture;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use torture::night::{Outcome, Service, night};

/// What the command line asks for.
struct Wish {
    from: u64,
    seeds: u64,
    one: Option<u64>,
    twice: bool,
    service: Service,
    /// Stops at the first seed that breaks a promise.
    until_first: bool,
}

fn main() -> ExitCode {
    let wish = match Wish::read(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    std::panic::set_hook(Box::new(|_| {}));
    match wish.one {
        Some(seed) => tell(seed, wish.service),
        None => many(&wish),
    }
}

impl Wish {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wish = Self {
            from: 0,
            seeds: 1_000,
            one: None,
            twice: false,
            service: Service::Any,
            until_first: false,
        };
        while let Some(word) = words.next() {
            let mut number = || {
                let number = words.next().and_then(|number| number.parse().ok());
                number.ok_or(format!("{word} takes a number"))
            };
            match word.as_str() {
                "--seeds" => wish.seeds = number()?,
                "--from" => wish.from = number()?,
                "--seed" => wish.one = Some(number()?),
                "--bug" => plant(words.next())?,
                "--bugs" => {
                    for bug in millrun::teeth::Bug::ALL {
                        println!("{}", bug.name());
                    }
                    std::process::exit(0);
                }
                "--twice" => wish.twice = true,
                "--forgetful" => wish.service = Service::Forgetful,
                "--until-first" => wish.until_first = true,
                _ => {
                    return Err(format!(
                        "{word}: there are --seeds N, --from S, --seed S, --twice, --forgetful, --until-first"
                    ));
                }
            }
        }
        Ok(wish)
    }
}

/// Plants a bug, which takes the feature `teeth`.
#[cfg(feature = "teeth")]
fn plant(name: Option<String>) -> Result<(), String> {
    use millrun::teeth::Bug;
    let name = name.ok_or("--bug takes a name")?;
    let bug = Bug::ALL.iter().find(|bug| bug.name() == name);
    let bug = bug.ok_or(format!("there is no bug {name}"))?;
    millrun::teeth::plant(Some(*bug));
    Ok(())
}

#[cfg(not(feature = "teeth"))]
fn plant(_: Option<String>) -> Result<(), String> {
    Err("bugs can be planted with `--features teeth` only".to_owned())
}

/// One night, with its story.
fn tell(seed: u64, service: Service) -> ExitCode {
    let outcome = night(seed, service, true);
    for line in &outcome.story {
        println!("{line}");
    }
    println!("hash {:016x}", outcome.hash);
    if outcome.violations.is_empty() {
        println!("seed {seed}: every promise was kept");
        return ExitCode::SUCCESS;
    }
    for violation in &outcome.violations {
        println!("seed {seed}: {violation}");
    }
    ExitCode::FAILURE
}

/// What was seen in all nights.
#[derive(Default)]
struct Seen {
    deaths: u64,
    /// The violations of each seed that had any.
    broken: BTreeMap<u64, Vec<String>>,
    nights: u64,
}

fn many(wish: &Wish) -> ExitCode {
    let next = AtomicU64::new(wish.from);
    let end = wish.from.saturating_add(wish.seeds);
    let seen = Mutex::new(Seen::default());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = wish.until_first && !seen.lock().unwrap().broken.is_empty();
                    if seed >= end || is_over {
                        return;
                    }
                    let outcome = one(seed, wish);
                    let mut seen = seen.lock().unwrap();
                    seen.nights += 1;
                    seen.deaths += u64::from(outcome.deaths);
                    if !outcome.violations.is_empty() {
                        seen.broken.insert(seed, outcome.violations);
                    }
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    println!(
        "{} nights, {} processes that died or failed, {} nights with a broken promise",
        seen.nights,
        seen.deaths,
        seen.broken.len()
    );
    for (seed, violations) in seen.broken.iter().take(20) {
        println!("seed {seed}: {}", violations.join("\n    "));
    }
    match seen.broken.first_key_value() {
        None => ExitCode::SUCCESS,
        Some((seed, _)) => {
            println!("its story: cargo run --release --example torture -- --seed {seed}");
            ExitCode::FAILURE
        }
    }
}

fn one(seed: u64, wish: &Wish) -> Outcome {
    let night = || night(seed, wish.service, false);
    let mut outcome = std::panic::catch_unwind(night).unwrap_or_else(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_default();
        Outcome {
            hash: 0,
            violations: vec![format!("the night itself panicked: {text}")],
            story: Vec::new(),
            deaths: 0,
        }
    });
    if wish.twice && outcome.violations.is_empty() {
        let again = night().hash;
        if again != outcome.hash {
            let differ = format!(
                "seed {seed} has two histories: {:x} and {again:x}",
                outcome.hash
            );
            outcome.violations.push(differ);
        }
    }
    outcome
}
