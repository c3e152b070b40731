//! The makespan of N creates on virtual time, from the start of the run to the end of the last job at the service, divided
//! by the least that any client needs under a limiter that keeps a sliding log: 60 s × ⌊(N−1)/10⌋ and the last job's 240 s.
//! For each of the ten ways in which the simulator limits requests, and how many requests it refused.
//!
//! ```sh
//! cargo bench --bench makespan               # N up to 10,000
//! cargo bench --bench makespan -- --quick    # N up to 1,000
//! cargo bench --bench makespan -- Bucket     # only the algorithms with this in their names
//! ```
//!
//! It fails when `steady` takes more than 1.13 of the bound at N ≥ 1,000 or is refused anything, and when `window` takes more
//! than 1.01 or is refused anything at N ≥ 1,000 by the algorithms it is meant for.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a bench measures and prints"
)]

mod night;

use std::process::ExitCode;

use millrun::simulator::{Algorithm, Cents, Config, Limiting, Switches};

const JOB_SECONDS: f64 = 240.0;
const STEADY_BOUND: f64 = 1.13;
const WINDOW_BOUND: f64 = 1.01;
/// From so many parts on the bounds hold: before, the start weighs too much.
const LARGE: usize = 1_000;

fn main() -> ExitCode {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let sizes: &[usize] = if quick {
        &[10, 100, 1_000]
    } else {
        &[10, 100, 1_000, 10_000]
    };
    let mut broken = 0;
    for profile in ["steady", "window"] {
        println!("{profile}");
        print!("  {:<26}", "N");
        for parts in sizes {
            print!("{:>20}", format!("{parts}: ratio (429s)"));
        }
        println!("{:>12}", "real time");
        for algorithm in Algorithm::ALL {
            if !wanted(algorithm) {
                continue;
            }
            print!("  {:<26}", format!("{algorithm:?}").replace(['{', '}'], ""));
            let mut took = 0.0;
            for parts in sizes {
                let night = night::run(&manifest(*parts, profile), config(algorithm));
                let ratio = night.makespan(|_| JOB_SECONDS) / lower_bound(*parts);
                let refused = night.refused();
                took += night.took.as_secs_f64();
                let is_kept = is_kept(profile, algorithm, *parts, ratio, refused);
                broken += usize::from(!is_kept);
                let mark = if is_kept { "" } else { " !" };
                print!("{:>20}", format!("{ratio:.4} ({refused}){mark}"));
            }
            println!("{:>12}", format!("{took:.1} s"));
        }
    }
    if broken > 0 {
        println!("{broken} bounds are broken (marked !)");
        return ExitCode::FAILURE;
    }
    println!("all bounds are kept");
    ExitCode::SUCCESS
}

/// Whether the words of the command line leave it in.
fn wanted(algorithm: Algorithm) -> bool {
    let mut words = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .peekable();
    let name = format!("{algorithm:?}");
    words.peek().is_none() || words.any(|word| name.contains(&word))
}

/// No client is faster when the service keeps a sliding log of ten a minute.
fn lower_bound(parts: usize) -> f64 {
    60.0 * ((parts - 1) / 10) as f64 + JOB_SECONDS
}

fn is_kept(profile: &str, algorithm: Algorithm, parts: usize, ratio: f64, refused: u64) -> bool {
    if profile == "steady" {
        return refused == 0 && (parts < LARGE || ratio <= STEADY_BOUND);
    }
    let is_meant_for = matches!(
        algorithm,
        Algorithm::SlidingLog
            | Algorithm::SlidingLogWithRejects
            | Algorithm::FixedWindow
            | Algorithm::FirstHitWindow
            | Algorithm::TokenBucket
    );
    parts < LARGE || !is_meant_for || (refused == 0 && ratio <= WINDOW_BOUND)
}

fn config(algorithm: Algorithm) -> Config {
    Config {
        balance_cents: Cents(100_000_000),
        switches: Switches {
            limiting: Limiting {
                algorithm,
                ..Limiting::default()
            },
            ..Switches::default()
        },
        ..Config::default()
    }
}

fn manifest(parts: usize, profile: &str) -> String {
    let numbers: Vec<String> = (0..parts).map(|n| n.to_string()).collect();
    format!(
        "version: 1\nname: makespan\nuid: m\nlimits: {{ active_jobs: 1000, profile: {profile} }}\n\
         parts:\n  - id: p{{{{ n }}}}\n    matrix: {{ n: [{}] }}\n    steps:\n      \
         - create: {{ prompt: \"A box {{{{ n }}}} mm [sim:duration={JOB_SECONDS}]\" }}\n",
        numbers.join(", ")
    )
}
