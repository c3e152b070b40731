//! `check` of 100,000 parts by matrix and by table, and of 10,000 that are written out: time, and the most memory.
//!
//! Time is that of the processor (user and system), of the fastest of three checks: what others do on the machine is not in it.
//! It is held to what is promised, and as a ratio to a tenth of the parts in the same run: more work than the parts are more is
//! a mistake. Memory is held as it is.
//!
//! ```sh
//! cargo bench --bench check_scale
//! ```

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench measures and prints"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use millrun::session;

/// Ten times the parts may take so many times as long: lookups are logarithmic, caches are small, and a tenth is soon over.
const MAX_RATIO: f64 = 15.0;
/// The most time of one check.
const MAX_SECONDS: f64 = 2.0;
/// The most memory of one check.
const MAX_BYTES: u64 = 400_000_000;
/// What tells this program that it is to load one manifest and say how much memory that took.
const CHILD: &str = "--peak-of";

const HEAD: &str = "version: 1\nname: wide\nuid: w\nbudget: { max_spend: 1.00 usd }\nvars: { material: 6061-T6 aluminium }\nparts:\n";
const STEPS: &str = "    steps:\n      \
    - create: { prompt: \"A flat {{ material }} plate, {{ a }} by {{ b }} mm, with two holes\" }\n      \
    - review: { prompt: Look at it. }\n      \
    - iterate: { when: a >= 80, prompt: Add a chamfer. }\n      \
    - check: {}\n      \
    - download: { to: \"plates/{{ part.id }}\" }\n";

fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(CHILD) {
        peak_of(Path::new(&args.next().unwrap()));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, Write, usize); 3] = [
        ("matrix", matrix, 100_000),
        ("table", table, 100_000),
        ("written out", written_out, 10_000),
    ];
    for (name, write, parts) in cases {
        let tenth = fastest(&write(folder.path(), parts / 10));
        let path = write(folder.path(), parts);
        let whole = fastest(&path);
        let bytes = peak(&path);
        let ratio = whole.as_secs_f64() / tenth.as_secs_f64();
        println!(
            "{name}: {parts} parts in {:.2} s, {ratio:.1} times a tenth of them, {} MB at most",
            whole.as_secs_f64(),
            bytes / 1_000_000
        );
        assert!(whole.as_secs_f64() <= MAX_SECONDS, "{name}: {whole:?}");
        assert!(ratio <= MAX_RATIO, "{name}: {ratio}");
        assert!(bytes <= MAX_BYTES, "{name}: {bytes} bytes");
    }
}

/// Writes a manifest of so many parts into a folder.
type Write = fn(&Path, usize) -> PathBuf;

fn matrix(folder: &Path, parts: usize) -> PathBuf {
    let axis = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let text = format!(
        "{HEAD}  - id: p-{{{{ a }}}}-{{{{ b }}}}\n    matrix: {{ a: [{}], b: [{}] }}\n{STEPS}",
        axis(parts / 100),
        axis(100)
    );
    save(folder, "matrix.yaml", &text)
}

fn table(folder: &Path, parts: usize) -> PathBuf {
    let mut rows = "number,a:number,b:number,coated:bool,note\n".to_owned();
    for n in 0..parts {
        let (a, b) = (n / 100, n % 100);
        writeln!(
            rows,
            "{n:07},{a},{b}.5,{},\"row {n}, as it is\"",
            n % 2 == 0
        )
        .unwrap();
    }
    save(folder, "rows.csv", &rows);
    let text = format!("{HEAD}  - id: p-{{{{ number }}}}\n    table: rows.csv\n{STEPS}");
    save(folder, "table.yaml", &text)
}

fn written_out(folder: &Path, parts: usize) -> PathBuf {
    let mut text = HEAD.to_owned();
    for n in 0..parts {
        let steps = STEPS
            .replace("{{ a }}", &n.to_string())
            .replace("{{ b }}", "40")
            .replace("a >= 80", "true");
        write!(text, "  - id: p-{n}\n{steps}").unwrap();
    }
    save(folder, "written.yaml", &text)
}

fn save(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn fastest(path: &Path) -> Duration {
    let timed = || {
        let before = spent_by_children();
        let start = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_millrun"))
            .arg("check")
            .arg(path)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        let took = start.elapsed();
        match (before, spent_by_children()) {
            (Some(before), Some(after)) => after - before,
            _ => took,
        }
    };
    let fastest = (0..3).map(|_| timed()).min().unwrap();
    // The system counts in hundredths of a second.
    fastest.max(Duration::from_millis(10))
}

/// The processor's time of all processes that this one started and that are over, where the system says.
fn spent_by_children() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in parentheses; user and system time of children are the 16th and the 17th.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<u64> = (fields.split_whitespace().skip(13).take(2))
        .filter_map(|field| field.parse().ok())
        .collect();
    let [user, system] = fields[..] else {
        return None;
    };
    Some(Duration::from_millis((user + system) * 10))
}

/// The most memory that loading `path` takes, in a process of its own.
fn peak(path: &Path) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg(CHILD)
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse().unwrap()
}

fn peak_of(path: &Path) {
    let loaded = session::load(path, &|_| None).unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| {
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    // Where the system doesn't say, nothing is claimed.
    println!("{}", kib.unwrap_or(0) * 1024);
    drop(loaded);
}
