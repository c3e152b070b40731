//! Dependency graphs as families, on virtual time: a node is a part with one create that takes the node's time, an edge is a
//! `needs`. Jobs may be polled every 5 s, a request takes 0.4 s, and no cap on active jobs holds anything back.
//!
//! The figure is the makespan at the service, divided by the better of two greedy schedules that know all durations and start
//! a node every 60/9 s without any delay: the longest remaining path first, and first ready first. millrun knows no duration
//! before it saw one: it takes all creates to be of one length.
//!
//! ```sh
//! MILLRUN_DAGS=folder cargo bench --bench dags
//! ```
//!
//! The folder has files `*.json` or `*.json.gz`: `{"name", "nodes": [{"id", "duration_s"}], "edges": [[before, after]]}`.
//! The bench fails when a figure is above 1.05.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench measures and prints"
)]

mod night;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use millrun::simulator::{Cents, Config};
use serde::Deserialize;

const BOUND: f64 = 1.05;
/// Between two starts, in milliseconds: nine a minute, one at a time.
const GAP_MS: f64 = 60_000.0 / 9.0;

fn main() -> ExitCode {
    let Some(folder) = std::env::var_os("MILLRUN_DAGS").map(PathBuf::from) else {
        println!("no graphs: set MILLRUN_DAGS to a folder of them");
        return ExitCode::SUCCESS;
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            [".json", ".json.gz"]
                .iter()
                .any(|end| path.to_string_lossy().ends_with(end))
        })
        .collect();
    files.sort();
    let mut broken = 0;
    println!(
        "{:<22}{:>7}{:>12}{:>12}{:>12}{:>9}{:>6}{:>12}",
        "graph", "nodes", "longest s", "first s", "millrun s", "ratio", "429s", "real time"
    );
    for file in files {
        let graph = Graph::read(&file);
        let night = night::run(&graph.manifest(), config());
        let makespan = night.makespan(duration_of);
        let (longest, first) = (graph.greedy(true), graph.greedy(false));
        let ratio = makespan / longest.min(first);
        let is_kept = ratio <= BOUND && night.refused() == 0;
        broken += usize::from(!is_kept);
        println!(
            "{:<22}{:>7}{longest:>12.1}{first:>12.1}{makespan:>12.1}{ratio:>9.4}{:>6}{:>12}{}",
            graph.name,
            graph.durations.len(),
            night.refused(),
            format!("{:.1} s", night.took.as_secs_f64()),
            if is_kept { "" } else { " !" }
        );
    }
    if broken > 0 {
        println!("{broken} bounds are broken (marked !)");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn config() -> Config {
    Config {
        balance_cents: Cents(100_000_000),
        poll_after_seconds: 5,
        ..Config::default()
    }
}

/// What the prompt of a node says.
fn duration_of(prompt: &str) -> f64 {
    let (_, rest) = prompt.split_once("[sim:duration=").unwrap();
    rest.trim_end_matches(']').parse().unwrap()
}

#[derive(Deserialize)]
struct File {
    name: String,
    nodes: Vec<Node>,
    edges: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    duration_s: f64,
}

struct Graph {
    name: String,
    durations: Vec<f64>,
    after: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
}

impl Graph {
    fn read(path: &Path) -> Self {
        let bytes = if path.extension().is_some_and(|end| end == "gz") {
            Command::new("gzip")
                .arg("-dc")
                .arg(path)
                .output()
                .unwrap()
                .stdout
        } else {
            std::fs::read(path).unwrap()
        };
        let file: File = serde_json::from_slice(&bytes).unwrap();
        let index: BTreeMap<&str, usize> = file
            .nodes
            .iter()
            .enumerate()
            .map(|(ix, node)| (node.id.as_str(), ix))
            .collect();
        let mut graph = Self {
            name: file.name.clone(),
            durations: file.nodes.iter().map(|node| node.duration_s).collect(),
            after: vec![Vec::new(); file.nodes.len()],
            before: vec![Vec::new(); file.nodes.len()],
        };
        for (before, after) in &file.edges {
            let (before, after) = (index[before.as_str()], index[after.as_str()]);
            graph.after[before].push(after);
            graph.before[after].push(before);
        }
        graph
    }

    fn manifest(&self) -> String {
        let mut text =
            "version: 1\nname: dag\nuid: d\nlimits: { active_jobs: 100000 }\nparts:\n".to_owned();
        for (ix, duration) in self.durations.iter().enumerate() {
            let needs: Vec<String> = self.before[ix].iter().map(|ix| format!("n{ix}")).collect();
            write!(text, "  - id: n{ix}\n    needs: [{}]\n    steps:\n      - create: {{ prompt: \"Part {ix} [sim:duration={duration}]\" }}\n", needs.join(", ")).unwrap();
        }
        text
    }

    /// The makespan of a greedy schedule that knows everything: the longest remaining path first, or first ready first.
    fn greedy(&self, longest_first: bool) -> f64 {
        let tails = self.tails();
        let rank = |seq: usize, ix: usize| {
            // Milliseconds order well enough.
            let tail = if longest_first {
                (tails[ix] * 1_000.0) as u64
            } else {
                0
            };
            (Reverse(tail), if longest_first { ix } else { seq }, ix)
        };
        let mut missing: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let (mut ready, mut seq) = (BTreeSet::new(), 0);
        let mut running: BTreeSet<(u64, usize)> = BTreeSet::new();
        for ix in (0..missing.len()).filter(|ix| missing[*ix] == 0) {
            ready.insert(rank(seq, ix));
            seq += 1;
        }
        let (mut now, mut next, mut end) = (0u64, 0.0f64, 0u64);
        // In microseconds, in which all of this is whole enough.
        while !ready.is_empty() || !running.is_empty() {
            while let Some((at, ix)) = running.first().copied().filter(|(at, _)| *at <= now) {
                running.remove(&(at, ix));
                for after in &self.after[ix] {
                    missing[*after] -= 1;
                    if missing[*after] == 0 {
                        ready.insert(rank(seq, *after));
                        seq += 1;
                    }
                }
            }
            let start = next.ceil() as u64;
            if start <= now
                && let Some((_, _, ix)) = ready.pop_first()
            {
                let ends = now + (self.durations[ix] * 1e6) as u64;
                running.insert((ends, ix));
                end = end.max(ends);
                next = (next.max(now as f64)) + GAP_MS * 1_000.0;
                continue;
            }
            let events = running.first().map(|(at, _)| *at);
            let token = (!ready.is_empty()).then_some(start);
            now = events
                .into_iter()
                .chain(token)
                .min()
                .unwrap_or(now)
                .max(now);
        }
        end as f64 / 1e6
    }

    /// The longest way from the start of each node to an end.
    fn tails(&self) -> Vec<f64> {
        let mut missing: Vec<usize> = self.after.iter().map(Vec::len).collect();
        let mut tails = self.durations.clone();
        let mut done: Vec<usize> = (0..missing.len()).filter(|ix| missing[*ix] == 0).collect();
        while let Some(ix) = done.pop() {
            for before in &self.before[ix] {
                let longer = self.durations[*before] + tails[ix];
                tails[*before] = tails[*before].max(longer);
                missing[*before] -= 1;
                if missing[*before] == 0 {
                    done.push(*before);
                }
            }
        }
        tails
    }
}
