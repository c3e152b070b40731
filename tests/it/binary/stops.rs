//! What cuts a run short: signals, a rival, a disk that fails.

use std::io::{ErrorKind, Read as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use millrun::simulator::SIM_API_KEY;

use super::place::{Ended, FAST_LIMITS, Place, Service, small};

/// How long anything may take on a busy machine before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(120);

#[expect(
    clippy::disallowed_methods,
    reason = "a process of its own runs on the wall's clock"
)]
fn now() -> Instant {
    Instant::now()
}

/// A child that does not outlive its test.
pub(super) struct Running(Option<Child>);

impl Running {
    pub(super) fn start(mut command: Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Some(child.spawn().unwrap()))
    }

    fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    /// Waits until `is_there`, which has to come while the child lives.
    pub(super) fn until(&mut self, what: &str, mut is_there: impl FnMut() -> bool) {
        let deadline = now() + PATIENCE;
        while !is_there() {
            let ended = self.0.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it ended before {what}: {ended:?}");
            assert!(now() < deadline, "no {what} in {PATIENCE:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let told = kill.args([name, &self.id().to_string()]).status();
        assert!(told.unwrap().success());
    }

    /// How it ended; killed when it does not. What it prints fits into a pipe.
    pub(super) fn end(mut self) -> Ended {
        let deadline = now() + PATIENCE;
        while self.0.as_mut().unwrap().try_wait().unwrap().is_none() {
            assert!(now() < deadline, "it did not end in {PATIENCE:?}");
            thread::sleep(Duration::from_millis(5));
        }
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn term_lets_the_run_go_on_later_and_a_rival_is_told_who_holds_the_state() {
    let place = small();
    // At this speed a job takes minutes: the run is there until it is stopped.
    let args = ["run", "m.yaml", "--sim", "--sim-speed", "1", "--json"];
    let mut run = Running::start(place.command(&args));
    // The lock is there once its file says who holds it.
    let lock = place.path(".millrun/small/sim/run.lock");
    run.until("the lock", || {
        fs::read_to_string(&lock).is_ok_and(|holder| holder.contains("process"))
    });
    let rival = place.simulated(&["run", "m.yaml"]).with(7);
    assert!(rival.stderr.contains(&run.id().to_string()), "{rival}");

    run.signal("-TERM");
    let report = run.end().with(5).json();
    assert_eq!(report["exit_reasons"][0], "interrupted");
    assert_eq!(report.get("error"), None);

    let resumed = place.simulated(&["resume", "m.yaml", "--json"]).with(0);
    let resumed = resumed.json();
    assert_eq!(
        (&resumed["run_id"], &resumed["counts"]["succeeded"]),
        (&report["run_id"], &2.into())
    );
    place.assert_no_429_and_no_early_poll("small");
}

/// A service that takes requests and answers none.
struct Silence {
    listener: TcpListener,
    connections: Vec<std::net::TcpStream>,
}

impl Silence {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self {
            listener,
            connections: Vec::new(),
        }
    }

    fn has_a_request(&mut self) -> bool {
        match self.listener.accept() {
            Ok((stream, _)) => self.connections.push(stream),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        self.connections.iter_mut().any(|stream| {
            stream.set_nonblocking(true).unwrap();
            stream.read(&mut [0; 1]).is_ok_and(|read| read > 0)
        })
    }
}

/// A run that waits for an answer that does not come, stopped twice.
fn stopped_twice(place: &Place, args: &[&str]) -> Ended {
    let mut service = Silence::start();
    let mut command = place.command(args);
    let address = service.listener.local_addr().unwrap();
    command
        .env("ORVILLE_BASE_URL", format!("http://{address}"))
        .env("ORVILLE_API_KEY", SIM_API_KEY);
    let mut run = Running::start(command);
    run.until("the first request", || service.has_a_request());
    run.signal("-INT");
    run.signal("-TERM");
    run.end().with(5)
}

#[test]
fn a_second_signal_ends_at_once_and_the_report_is_there_all_the_same() {
    let ended = stopped_twice(&small(), &["run", "m.yaml", "--json"]);
    let report = ended.json();
    assert_eq!(report["run_id"], "run-1", "{ended}");
    assert_eq!(
        (&report["exit_code"], &report["exit_reasons"]),
        (&5.into(), &serde_json::json!(["interrupted"]))
    );
    assert_eq!(report["outcome"], "interrupted");
    assert_eq!(report["parts"].as_array().unwrap().len(), 2);
    assert_eq!(report["error"]["kind"], "interrupted");
    assert!(report["error"]["message"].is_string() && report["error"]["hint"].is_string());
    assert!(ended.stderr.contains("stopped at once"), "{ended}");
}

#[test]
fn a_second_signal_leaves_a_report_for_people_with_what_to_type() {
    let ended = stopped_twice(&small(), &["run", "m.yaml", "-q"]);
    assert!(ended.stdout.contains("0 of 2 parts came out"), "{ended}");
    assert!(ended.stdout.contains("millrun resume m.yaml"), "{ended}");
    assert!(ended.stderr.contains("stopped at once"), "{ended}");
}

#[test]
fn a_disk_that_fails_in_the_middle_leaves_a_report_and_a_run_that_goes_on() {
    let place = Place::new();
    let parts = super::place::SMALL
        .replace("[10, 20]", &format!("{:?}", (1..=60).collect::<Vec<_>>()))
        .replace("budget:", &format!("{FAST_LIMITS}\nbudget:"))
        .replace("20.00 usd", "500.00 usd");
    place.write("m.yaml", &parts);
    let service = Service::start(&place, &["--speed", "300"]);
    // No file may grow beyond some 200 or 400 kB, by the shell's unit: enough to begin, and too little for the journal.
    let limited = "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\"";
    let mut run = Command::new("/bin/sh");
    run.args(["-c", limited, env!("CARGO_BIN_EXE_millrun")])
        .args(["run", "m.yaml", "--json"])
        .current_dir(place.path(""))
        .env_clear()
        .env("ORVILLE_BASE_URL", &service.base_url)
        .env("ORVILLE_API_KEY", SIM_API_KEY)
        .stdin(Stdio::null());
    let ended: Ended = run.output().unwrap().into();
    let ended = ended.with(5);
    let report = ended.json();
    assert_eq!(
        report["exit_reasons"],
        serde_json::json!(["storage_failed"]),
        "{ended}"
    );
    assert_eq!(
        (&report["run_id"], &report["outcome"]),
        (&"run-1".into(), &"interrupted".into())
    );
    assert_eq!(report["parts"].as_array().unwrap().len(), 60);
    assert_eq!(report["error"]["kind"], "storage");
    assert!(ended.stderr.contains("make room on the disk"), "{ended}");
    let origin = service.base_url.replace([':', '/'], "_");
    let errored = place.path(&format!(".millrun/small/{origin}/errored-run-1.jsonl"));
    assert!(errored.exists(), "what came last is nowhere: {ended}");

    let whole = service.run(&place, &["resume", "m.yaml", "--json"]).with(0);
    let whole = whole.json();
    assert_eq!(
        (&whole["run_id"], &whole["counts"]["succeeded"]),
        (&"run-1".into(), &60.into())
    );
    assert!(!errored.exists(), "it was not taken in");
    service.run(&place, &["doctor", "m.yaml"]).with(0);
    let totals = service.books().totals;
    assert_eq!((totals.jobs, totals.writes), (60, 60 + 50));
}

#[test]
fn a_journal_that_can_not_be_understood_is_no_matter_of_room_and_stays_as_it_is() {
    let place = small();
    let journal = place.path(".millrun/small/sim/journal.db");
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let refused = |said: &str| {
        for command in ["status", "run", "resume"] {
            let ended = place.simulated(&[command, "m.yaml", "--json"]).with(5);
            let error = &ended.json()["error"];
            assert_eq!(error["kind"], "unreadable", "{command}: {ended}");
            let words = error["message"].as_str().unwrap();
            assert!(words.contains(said), "{said:?} is not said: {words}");
            let hint = error["hint"].as_str().unwrap();
            assert!(!hint.contains("room"), "{hint}");
        }
    };
    let newer = rusqlite::Connection::open(&journal).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    newer.close().unwrap();
    refused("newer millrun");

    let damaged = "no database, but long enough to be looked at as one. ".repeat(100);
    fs::write(&journal, &damaged).unwrap();
    refused("journal.db");
    assert_eq!(fs::read_to_string(&journal).unwrap(), damaged);

    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();
    refused("journal.db");
}

#[test]
fn a_journal_that_was_made_and_never_written_is_one_of_no_runs() {
    let place = small();
    let journal = place.path(".millrun/small/sim/journal.db");
    fs::create_dir_all(journal.parent().unwrap()).unwrap();
    fs::write(&journal, "").unwrap();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
}
