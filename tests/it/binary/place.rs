//! A folder with a manifest, and the binary run in it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use millrun::simulator::{Books, Clock, Config, SIM_API_KEY, Simulator};
use serde_json::Value;

/// Fast enough for a test, and slow enough that the loop keeps up with what the clock says.
pub const FAST: [&str; 3] = ["--sim", "--sim-speed", "300"];

/// What `millrun sim --speed 300` tells to put into the manifest.
pub const FAST_LIMITS: &str = "limits: { cad_writes: 10/0.2s, reviews: 20/0.2s, job_polls: 3/34ms, \
                               reads: 600/0.2s, artifacts: 120/0.2s, balance: 60/0.2s }";

/// Two boxes, one of them iterated.
pub const SMALL: &str = r#"
version: 1
name: small
uid: s1
budget: { max_spend: 20.00 usd }
parts:
  - id: box-{{ n }}
    matrix: { n: [10, 20] }
    steps:
      - create: { prompt: "A box {{ n }} x 40 x 6 mm." }
      - iterate: { when: n > 10, prompt: Make it 8 mm thick. }
      - check: {}
      - download: { to: boxes }
"#;

/// A folder with [`SMALL`] in it.
pub fn small() -> Place {
    let place = Place::new();
    place.write("m.yaml", SMALL);
    place
}

/// A folder of a user's, with nothing of the machine's environment.
pub struct Place {
    folder: tempfile::TempDir,
}

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Asserts the exit code.
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Place {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A command in this folder, its environment empty but for what the binary needs to find itself.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millrun"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        self.command(args).output().unwrap().into()
    }

    /// A command against the simulator in its own process.
    pub fn simulated(&self, args: &[&str]) -> Ended {
        self.run(&[args, &FAST].concat())
    }

    /// The books that the simulated world of `family` keeps: nobody asked too often or too soon, whatever the run says of
    /// itself.
    pub fn assert_no_429_and_no_early_poll(&self, family: &str) -> Books {
        let world = self.path(&format!(".millrun/{family}/sim/world"));
        let until = Simulator::recorded_until(&world).unwrap();
        let clock = Clock::new(until.expect("something was recorded"), 1.0);
        let simulator = Simulator::open(Config::default(), clock, Some(&world)).unwrap();
        let books = simulator.books();
        assert!(books.totals.jobs > 0, "nothing ran in this world");
        assert!(
            books.rate_limited.is_empty(),
            "429: {:?}",
            books.rate_limited
        );
        let early = &books.early_polls;
        assert_eq!(early.count, 0, "too soon: {:?}", early.details);
        books
    }

    /// The files under `folder`, relative to it.
    pub fn files(&self, folder: &str) -> Vec<String> {
        fn walk(folder: &Path, base: &Path, names: &mut Vec<String>) {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, base, names);
                } else {
                    names.push(
                        path.strip_prefix(base)
                            .unwrap()
                            .to_str()
                            .unwrap()
                            .to_owned(),
                    );
                }
            }
        }
        let (base, mut names) = (self.path(folder), Vec::new());
        walk(&base, &base, &mut names);
        names.sort();
        names
    }
}

/// A simulator in a process of its own.
pub struct Service {
    child: Child,
    pub base_url: String,
}

impl Service {
    /// Starts `millrun sim` with `args`, its world kept in `world` of `place`.
    pub fn start(place: &Place, args: &[&str]) -> Self {
        let mut command = place.command(&["sim", "--port", "0", "--state", "world"]);
        let mut child = command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = |line: &String| {
            line.split("ORVILLE_BASE_URL=")
                .nth(1)
                .map(|url| url.trim_matches('"').to_owned())
        };
        let base_url = lines
            .map_while(Result::ok)
            .find_map(|line| address(&line))
            .expect("it prints its address");
        Self { child, base_url }
    }

    /// Sends a signal to it.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits until it ends by itself, for as long as a busy machine may need.
    pub fn ended_by_itself(&mut self) -> std::process::ExitStatus {
        for _ in 0..3_000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("it does not end")
    }

    /// A command that talks to this service.
    pub fn command(&self, place: &Place, args: &[&str]) -> Command {
        let mut command = place.command(args);
        command
            .env("ORVILLE_BASE_URL", &self.base_url)
            .env("ORVILLE_API_KEY", SIM_API_KEY)
            .env("XDG_STATE_HOME", place.folder.path().join(".home"));
        command
    }

    pub fn run(&self, place: &Place, args: &[&str]) -> Ended {
        self.command(place, args).output().unwrap().into()
    }

    /// The simulator's books.
    pub fn books(&self) -> Books {
        let address = self.base_url.strip_prefix("http://").unwrap();
        let text = get(address, "/_sim/books");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of a GET over plain HTTP, without a client that could hide anything.
fn get(address: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
        .split_once("\r\n\r\n")
        .expect("a head and a body")
        .1
        .to_owned()
}
