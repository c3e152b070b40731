//! The state folder: older, damaged, taken away, on a disk of another machine, carried elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::place::{Ended, FAST_LIMITS, Place, SMALL, Service, small};

pub const JOURNAL: &str = ".millrun/small/sim/journal.db";

pub fn open(place: &Place, journal: &str) -> rusqlite::Connection {
    rusqlite::Connection::open(place.path(journal)).unwrap()
}

/// A family at a service of its own, which outlives the family's state.
pub fn at_a_service() -> (Place, Service, String) {
    let place = Place::new();
    let limits = format!("{FAST_LIMITS}\nbudget:");
    place.write("m.yaml", &SMALL.replace("budget:", &limits));
    let service = Service::start(&place, &["--speed", "300"]);
    let origin = service.base_url.replace([':', '/'], "_");
    (place, service, format!(".millrun/small/{origin}"))
}

/// How many sends the service has taken.
pub fn sends(service: &Service) -> usize {
    let totals = service.books().totals;
    totals.writes + totals.reviews
}

#[test]
fn an_older_layout_is_copied_and_migrated_and_buys_nothing_again() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let old = open(&place, JOURNAL);
    old.execute_batch("drop table holder; pragma user_version = 1;")
        .unwrap();
    drop(old);
    // It had no mark.
    fs::remove_file(place.path(".millrun/small/sim.mark")).unwrap();
    place.simulated(&["status", "m.yaml"]).with(0);
    let again = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(again["counts"]["reused"], 2, "{again}");
    let requests = again["requests"].as_object().unwrap();
    assert!(requests.values().all(|count| count == 0), "{again}");
    assert!(place.path(&format!("{JOURNAL}.v1.bak")).exists());
}

#[test]
fn an_event_of_a_newer_millrun_is_refused_by_its_name() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let newer = "insert into events (run, at, name, body) values (1, 1, 'teleported', '{\"event\":\"teleported\"}')";
    open(&place, JOURNAL).execute_batch(newer).unwrap();
    for command in ["run", "status"] {
        let ended = place.simulated(&[command, "m.yaml"]).with(5);
        assert!(ended.stderr.contains("teleported"), "{ended}");
        assert!(ended.stderr.contains("newer millrun"), "{ended}");
    }
}

#[test]
fn a_journal_of_yesterday_is_not_taken_for_the_truth() {
    let (place, service, state) = at_a_service();
    let journal = place.path(&format!("{state}/journal.db"));
    service.run(&place, &["run", "m.yaml", "-q"]).with(0);
    let yesterday = fs::read(&journal).unwrap();
    place.write(
        "m.yaml",
        &fs::read_to_string(place.path("m.yaml"))
            .unwrap()
            .replace("[10, 20]", "[10, 20, 30]"),
    );
    service.run(&place, &["run", "m.yaml", "-q"]).with(0);
    let sent = sends(&service);
    for put_back in [Some(&yesterday), None] {
        match put_back {
            Some(bytes) => fs::write(&journal, bytes).unwrap(),
            None => fs::remove_file(&journal).unwrap(),
        }
        for command in ["run", "resume"] {
            let ended = service.run(&place, &[command, "m.yaml", "--json"]).with(5);
            let error = &ended.json()["error"];
            assert_eq!(error["kind"], "rolled_back", "{ended}");
            assert!(
                error["hint"]
                    .as_str()
                    .unwrap()
                    .contains("--accept-rollback")
            );
        }
        assert_eq!(sends(&service), sent);
    }
    fs::write(&journal, &yesterday).unwrap();
    // Who looks is not kept from it.
    service.run(&place, &["status", "m.yaml"]).with(0);
    // What the journal does not know of is looked for before it is paid, and a person says whose it is.
    let ended = service.run(&place, &["run", "m.yaml", "--accept-rollback"]);
    let ended = ended.with(5);
    assert!(
        ended.stdout.contains("box-30/create (unresolved)"),
        "{ended}"
    );
    assert!(ended.stdout.contains("millrun adopt m.yaml"), "{ended}");
    service.run(&place, &["run", "m.yaml", "-q"]).with(5);
    let adopted = service.run(&place, &["adopt", "m.yaml"]).with(0);
    assert!(
        adopted.stdout.starts_with("box-30: adopted cadjob_"),
        "{adopted}"
    );
    service.run(&place, &["run", "m.yaml", "-q"]).with(0);
    assert_eq!(sends(&service), sent);
}

#[test]
fn a_simulated_world_that_is_gone_is_forgotten_with_all_that_was_paid_in_it() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    fs::remove_dir_all(place.path(".millrun/small/sim")).unwrap();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
}

#[test]
fn files_that_are_lost_come_from_where_they_were_published_or_are_fetched_again() {
    let (place, service, state) = at_a_service();
    service.run(&place, &["run", "m.yaml", "-q"]).with(0);
    let (sent, fetched) = (sends(&service), service.books().totals.downloads);
    let objects = place.path(&format!("{state}/objects"));
    let names = place.files(&format!("{state}/objects"));
    fs::remove_dir_all(&objects).unwrap();
    fs::remove_file(place.path("out/boxes/box-10.step")).unwrap();
    let report = service
        .run(&place, &["run", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(report["outcome"], "succeeded", "{report}");
    assert_eq!(place.files("out").len(), 2);
    assert_eq!(place.files(&format!("{state}/objects")), names);
    assert_eq!(sends(&service), sent);
    // One was published as it was: it is not fetched. The other, and the revision before the iterate, are.
    assert_eq!(service.books().totals.downloads - fetched, 2);
}

/// Whether a process is stopped, where the system tells.
fn sleeps(child: &std::process::Child) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()));
    stat.map_or(true, |stat| stat.contains(") T "))
}

/// Whether nobody is writing to a database.
fn is_free(place: &Place, name: &str) -> bool {
    let database = open(place, name);
    database.busy_timeout(std::time::Duration::ZERO).unwrap();
    database.execute_batch("begin immediate; rollback").is_ok()
}

#[test]
fn a_run_that_slept_while_another_took_over_adds_nothing_and_sends_nothing() {
    let (place, service, state) = at_a_service();
    let mut sleeper = service
        .command(&place, &["run", "m.yaml", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while service.books().totals.jobs == 0 {
        assert!(sleeper.try_wait().unwrap().is_none(), "it ended early");
    }
    let tell = |signal: &str, child: &std::process::Child| {
        let mut kill = Command::new("kill");
        let told = kill.args([signal, &child.id().to_string()]).status();
        assert!(told.unwrap().success());
    };
    tell("-STOP", &sleeper);
    // In the middle of a commit it keeps everybody out, which is as safe.
    while !sleeps(&sleeper) || !is_free(&place, &format!("{state}/journal.db")) {
        tell("-CONT", &sleeper);
        assert!(sleeper.try_wait().unwrap().is_none(), "it ended early");
        tell("-STOP", &sleeper);
    }
    // Somebody thinks that it is dead, and removes its lock.
    fs::remove_file(place.path(&format!("{state}/run.lock"))).unwrap();
    // On another machine: it does not wait for the reply to the sleeper's open request.
    let mut rival = service.command(&place, &["run", "m.yaml", "-q"]);
    rival.env("XDG_STATE_HOME", place.path(".elsewhere"));
    Ended::from(rival.output().unwrap()).with(0);
    let sent = sends(&service);
    assert_eq!(sent, 3);
    tell("-CONT", &sleeper);
    let ended = Ended::from(sleeper.wait_with_output().unwrap()).with(5);
    assert_eq!(ended.json()["error"]["kind"], "storage", "{ended}");
    assert_eq!(sends(&service), sent);
    service.run(&place, &["doctor", "m.yaml"]).with(0);
    let again = service.run(&place, &["run", "m.yaml", "--json"]).with(0);
    assert_eq!(again.json()["counts"]["reused"], 2, "{again}");
}

/// The binary as a user who is not root; `None` where it can't be had.
fn as_nobody(place: &Place, args: &[&str]) -> Option<Ended> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|me| {
        use std::os::unix::fs::MetadataExt as _;
        me.uid() == 0
    });
    if !is_root {
        return Some(place.run(args));
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(env!("CARGO_BIN_EXE_millrun"))
        .args(args)
        .current_dir(place.path(""))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    let ended: Ended = command.output().ok()?.into();
    // 126 and 127: it is not there, or the binary is out of its reach.
    ended.code.is_some_and(|code| code < 126).then_some(ended)
}

#[test]
fn where_nothing_can_be_written_one_may_look_and_nothing_is_sent() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let set = |path: &str, mode: u32| {
        fs::set_permissions(place.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    set("", 0o755);
    set("m.yaml", 0o644);
    for folder in [".millrun", ".millrun/small", ".millrun/small/sim"] {
        for entry in fs::read_dir(place.path(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o444)).unwrap();
            }
        }
        set(folder, 0o555);
    }
    let Some(status) = as_nobody(&place, &["status", "m.yaml", "--sim"]) else {
        println!("skipped: this user may write everywhere, and setpriv is not there");
        return;
    };
    status.with(0);
    let run = as_nobody(&place, &["run", "m.yaml", "--sim", "--json"])
        .unwrap()
        .with(5);
    let error = &run.json()["error"];
    assert_eq!(error["kind"], "storage", "{run}");
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("nothing new is sent"),
        "{run}"
    );
    for folder in [".millrun", ".millrun/small", ".millrun/small/sim"] {
        set(folder, 0o755);
    }
}

/// A file system of its own, of 64 MiB, unmounted when it is dropped; `None` where none can be had.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(place: &Place, name: &str) -> Option<Self> {
        let path = place.path(name);
        fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        let mounted = mount
            .args(["-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs"])
            .arg(&path)
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(path))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_fills_up_ends_the_run_with_everything_recorded() {
    let place = Place::new();
    let Some(disk) = Disk::mount(&place, "disk") else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let parts = SMALL
        .replace("[10, 20]", &format!("{:?}", (1..=60).collect::<Vec<_>>()))
        .replace("budget:", &format!("{FAST_LIMITS}\nbudget:"))
        .replace("20.00 usd", "500.00 usd");
    place.write("m.yaml", &parts);
    let service = Service::start(&place, &["--speed", "300"]);
    let run = ["--state", "disk", "--json"];
    // The disk is full from the first job on.
    let mut child = service
        .command(&place, &[&["run", "m.yaml"], &run[..]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while service.books().totals.jobs == 0 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before the first job"
        );
    }
    let filler = place.path("disk/filler");
    let _ = fs::write(&filler, vec![1_u8; 64 << 20]);
    let ended = Ended::from(child.wait_with_output().unwrap()).with(5);
    let report = ended.json();
    assert_eq!(
        report["exit_reasons"],
        serde_json::json!(["storage_failed"]),
        "{ended}"
    );
    let hint = report["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("disk"), "{ended}");
    fs::remove_file(&filler).unwrap();
    let whole = service
        .run(&place, &[&["resume", "m.yaml"], &run[..]].concat())
        .with(0);
    assert_eq!(whole.json()["counts"]["succeeded"], 60, "{whole}");
    service
        .run(&place, &["doctor", "m.yaml", "--state", "disk"])
        .with(0);
    let totals = service.books().totals;
    assert_eq!((totals.jobs, totals.writes), (60, 60 + 50));
    drop(disk);
}

#[test]
fn a_terminal_that_hangs_up_stops_the_run_unless_that_was_ignored_from_the_start() {
    for (shell, reason) in [
        ("exec env --default-signal=HUP \"$0\" \"$@\"", true),
        ("trap '' HUP; exec \"$0\" \"$@\"", false),
    ] {
        let place = small();
        let mut command = Command::new("/bin/sh");
        let speed = if reason { "1" } else { "300" };
        command
            .args(["-c", shell, env!("CARGO_BIN_EXE_millrun")])
            .args(["run", "m.yaml", "--sim", "--json", "--sim-speed", speed])
            .current_dir(place.path(""))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Signals are caught before the state is locked.
        let lock = place.path(".millrun/small/sim/run.lock");
        while !fs::read_to_string(&lock).is_ok_and(|holder| holder.contains("process")) {
            assert!(
                child.try_wait().unwrap().is_none(),
                "it ended before its lock was there"
            );
        }
        let mut kill = Command::new("kill");
        let told = kill.args(["-HUP", &child.id().to_string()]).status();
        assert!(told.unwrap().success());
        let ended: Ended = child.wait_with_output().unwrap().into();
        let report = ended.json();
        let wanted = if reason {
            serde_json::json!(["interrupted"])
        } else {
            serde_json::json!([])
        };
        assert_eq!(report["exit_reasons"], wanted, "{ended}");
    }
}

#[test]
fn logs_that_can_not_be_written_stop_no_work() {
    let place = small();
    let full = Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    let run = [
        "run",
        "m.yaml",
        "--sim",
        "--sim-speed",
        "300",
        "-vv",
        "--log-format",
        "json",
        "--json",
    ];
    let mut run = place.command(&run);
    let ended: Ended = run.stderr(full).output().unwrap().into();
    assert_eq!(ended.with(0).json()["counts"]["succeeded"], 2);
}
