//! The state folder: older, damaged, taken away, on a disk of another machine, carried elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use millrun::simulator::SIM_API_KEY;
use serde_json::Value;

use super::place::{Ended, FAST_LIMITS, Place, SMALL, Service, small};

const JOURNAL: &str = ".millrun/small/sim/journal.db";

fn open(place: &Place, journal: &str) -> rusqlite::Connection {
    rusqlite::Connection::open(place.path(journal)).unwrap()
}

/// A family at a service of its own, which outlives the family's state.
fn at_a_service() -> (Place, Service, String) {
    let place = Place::new();
    let limits = format!("{FAST_LIMITS}\nbudget:");
    place.write("m.yaml", &SMALL.replace("budget:", &limits));
    let service = Service::start(&place, &["--speed", "300"]);
    let origin = service.base_url.replace([':', '/'], "_");
    (place, service, format!(".millrun/small/{origin}"))
}

/// How many sends the service has taken.
fn sends(service: &Service) -> usize {
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
    service
        .run(&place, &["run", "m.yaml", "-q", "--accept-rollback"])
        .with(0);
    service.run(&place, &["run", "m.yaml", "-q"]).with(0);
    // Here the service still knew the keys.
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
        ("exec \"$0\" \"$@\"", true),
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

/// The key of the simulator's own service is in nothing that leaves the state.
fn assert_keyless(text: &str) {
    assert!(!text.contains(SIM_API_KEY));
}

#[test]
fn a_state_that_was_exported_deleted_and_imported_buys_nothing_again() {
    let (place, service, _) = at_a_service();
    service.run(&place, &["run", "m.yaml", "-q"]).with(0);
    let sent = sends(&service);
    service
        .run(
            &place,
            &["state", "export", "m.yaml", "--output", "state.json"],
        )
        .with(0);
    let text = fs::read_to_string(place.path("state.json")).unwrap();
    assert_keyless(&text);
    let exported: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(exported["format_version"], 1);
    assert_eq!(exported["objects"].as_array().unwrap().len(), 3);
    let told = service.run(&place, &["state", "export", "m.yaml"]).with(0);
    assert_eq!(told.json(), exported);
    // Nothing is put over what is there.
    let refused = service
        .run(&place, &["state", "import", "m.yaml", "state.json"])
        .with(2);
    assert!(
        refused.stderr.contains("only into an empty state"),
        "{refused}"
    );

    fs::remove_dir_all(place.path(".millrun")).unwrap();
    service
        .run(&place, &["state", "import", "m.yaml", "state.json"])
        .with(0);
    let report = service
        .run(&place, &["run", "m.yaml", "--json"])
        .with(0)
        .json();
    // The part of two revisions fetches the first of them, which is published nowhere.
    let counts = [&report["counts"]["reused"], &report["counts"]["succeeded"]];
    assert_eq!(counts, [1, 1], "{report}");
    assert_eq!(report["requests"]["download"], 1, "{report}");
    assert_eq!(report["run_id"], "run-2");
    assert_eq!(sends(&service), sent);
    let ledger = service
        .run(&place, &["ledger", "m.yaml", "--json", "--run", "1"])
        .with(0)
        .json();
    assert_eq!(
        ledger["totals"]["charged_cents"],
        service.books().totals.charged_cents.0
    );
}

#[test]
fn objects_travel_along_when_they_are_wanted_and_another_family_is_refused() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    place
        .simulated(&[
            "state",
            "export",
            "m.yaml",
            "--output",
            "s.json",
            "--with-objects",
            "objects",
        ])
        .with(0);
    assert_eq!(place.files("objects").len(), 3);
    let damaged = &place.files("objects")[0];
    fs::remove_dir_all(place.path(".millrun")).unwrap();
    place.write("other.yaml", &SMALL.replace("uid: s1", "uid: s2"));
    let refused = place
        .simulated(&["state", "import", "other.yaml", "s.json"])
        .with(2);
    assert!(refused.stderr.contains("another family"), "{refused}");
    place.write("half.json", "{\"format_version\": 1");
    place
        .simulated(&["state", "import", "m.yaml", "half.json"])
        .with(2);
    let kept = fs::read(place.path(&format!("objects/{damaged}"))).unwrap();
    place.write(&format!("objects/{damaged}"), "damaged");
    let import = [
        "state",
        "import",
        "m.yaml",
        "s.json",
        "--with-objects",
        "objects",
    ];
    let refused = place.simulated(&import).with(2);
    assert!(refused.stderr.contains(damaged.as_str()), "{refused}");
    fs::write(place.path(&format!("objects/{damaged}")), kept).unwrap();
    place.simulated(&import).with(0);
    let report = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(report["counts"]["reused"], 2, "{report}");
}

/// The checks of `name` that a doctor made, as health and message.
fn checks(told: &Value, name: &str) -> Vec<(String, String)> {
    let checks = told["checks"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    checks
        .filter(|check| check["name"] == name)
        .map(|check| (text(&check["health"]), text(&check["message"])))
        .collect()
}

#[test]
fn a_doctor_finds_a_healthy_state_healthy() {
    let place = small();
    place.simulated(&["doctor", "m.yaml"]).with(0);
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let told = place
        .simulated(&["doctor", "m.yaml", "--json"])
        .with(0)
        .json();
    let mut all = told["checks"].as_array().unwrap().iter();
    assert!(all.all(|check| check["health"] == "good"), "{told:#}");
    assert_eq!(told["problems"], 0);
    let people = place.simulated(&["doctor", "m.yaml"]).with(0);
    assert!(people.stdout.contains("every promise was kept"), "{people}");
    assert!(
        people.stdout.ends_with("no problems were found\n"),
        "{people}"
    );

    let keyless = place.run(&["doctor", "--json"]).with(1).json();
    assert_eq!(checks(&keyless, "key")[0].0, "problem");
    let service = Service::start(&place, &["--speed", "300"]);
    let online = service
        .run(&place, &["doctor", "--online", "--json"])
        .with(0);
    assert_eq!(checks(&online.json(), "service")[0].0, "good");
    assert_keyless(&online.to_string());
    let mut wrong = service.command(&place, &["doctor", "--online", "--json"]);
    let wrong: Ended = wrong
        .env("ORVILLE_API_KEY", "gcad_sim_wrong")
        .output()
        .unwrap()
        .into();
    assert_eq!(checks(&wrong.with(1).json(), "service")[0].0, "problem");
}

#[test]
fn a_doctor_says_what_is_wrong_with_a_state_and_changes_nothing() {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    let doctor = |problem: &str| {
        let ended = place.simulated(&["doctor", "m.yaml", "--json"]);
        let told = ended.json();
        let is_found = checks(&told, problem)
            .iter()
            .any(|check| check.0 == "problem");
        assert!(is_found && told["exit_code"] == 1, "{problem}: {told:#}");
        ended.with(1);
    };
    let journal = place.path(JOURNAL);
    let good = fs::read(&journal).unwrap();

    let change = |sql: &str| open(&place, JOURNAL).execute_batch(sql).unwrap();
    change("update sends set state = 'intended'");
    doctor("projection");
    fs::write(&journal, &good).unwrap();

    // The same work intended a second time, after it was paid.
    change(
        "insert into events (run, at, name, body)
         select run, at, name, body from events where name = 'intended' limit 1",
    );
    doctor("promises");
    fs::write(&journal, &good).unwrap();

    change("delete from events where seq > 5");
    doctor("rollback");

    let damaged = "no database, but long enough to be looked at as one. ".repeat(100);
    fs::write(&journal, &damaged).unwrap();
    doctor("journal");
    assert_eq!(fs::read_to_string(&journal).unwrap(), damaged);
    fs::write(&journal, &good).unwrap();

    let object = &place.files(".millrun/small/sim/objects")[0];
    let object = place.path(&format!(".millrun/small/sim/objects/{object}"));
    let whole = fs::read(&object).unwrap();
    fs::write(&object, "damaged").unwrap();
    doctor("objects");
    fs::write(&object, whole).unwrap();

    fs::set_permissions(&journal, fs::Permissions::from_mode(0o644)).unwrap();
    doctor("modes");
    // What SQLite put beside it in the meantime has its mode.
    for name in place.files(".millrun/small/sim") {
        let file = place.path(&format!(".millrun/small/sim/{name}"));
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    place.write("out-sim/boxes/box-10.step", "edited");
    let told = place
        .simulated(&["doctor", "m.yaml", "--json"])
        .with(0)
        .json();
    assert_eq!(checks(&told, "published")[0].0, "note");
}
