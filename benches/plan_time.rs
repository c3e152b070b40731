//! The plan of 10,000 parts with three steps each, by the binary, from its start to its exit; and the same against starting
//! the binary for nothing.
//!
//! ```sh
//! cargo bench --bench plan_time
//! ```

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench measures and prints"
)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.yaml");
    let axis = |prefix: &str| {
        (0..100)
            .map(|n| format!("{prefix}{n}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let manifest = format!(
        "version: 1\nname: wide\nuid: w\nbudget: {{ max_spend: 1.00 usd }}\nparts:\n  - id: p-{{{{ a }}}}-{{{{ b }}}}\n    \
         matrix: {{ a: [{}], b: [{}] }}\n    steps:\n      - create: {{ prompt: \"A box {{{{ a }}}} by {{{{ b }}}}\" }}\n      \
         - review: {{ prompt: Look }}\n      - download: {{}}\n",
        axis("a"),
        axis("b")
    );
    std::fs::write(&path, manifest).unwrap();
    let plan = fastest(|| timed(&["plan", "--json", "--sim"], Some(&path)));
    let nothing = fastest(|| timed(&["--version"], None));
    println!(
        "plan of 10,000 parts: {:.3} s ({:.0} times the start of the binary; under 1 s is wanted)",
        plan.as_secs_f64(),
        plan.as_secs_f64() / nothing.as_secs_f64()
    );
}

fn fastest(measure: impl Fn() -> Duration) -> Duration {
    (0..5).map(|_| measure()).min().unwrap()
}

fn timed(args: &[&str], manifest: Option<&Path>) -> Duration {
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_millrun"))
        .args(args)
        .args(manifest)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    start.elapsed()
}
