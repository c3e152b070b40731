//! `gc`: what goes, what stays, and when nothing may go.

use std::collections::BTreeMap;
use std::fs;

use super::place::{Place, small};

const STATE: &str = ".millrun/small/sim";

/// Files that nobody needs: an object, what killed processes left, an old backup.
const NEEDLESS: [&str; 4] = [
    ".tmpAb3dE9",
    "journal.db.v1.bak",
    "objects/.put-Ab3dE9",
    "objects/0000000000000000000000000000000000000000000000000000000000000000",
];

/// Files that look a little like them.
const KEPT: [&str; 5] = [
    ".tmp-notes",
    "journal.db.v2.bak",
    "mine.v1.bak",
    "objects/.put-aside-for-later",
    "objects/README",
];

fn littered() -> Place {
    let place = small();
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    for name in NEEDLESS.iter().chain(&KEPT) {
        place.write(&format!("{STATE}/{name}"), "12345");
    }
    place
}

/// All files of the state with their content, but for what SQLite and the lock do when they are opened.
fn state(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let is_stable = |name: &String| {
        !name.contains("run.lock") && !name.ends_with("-shm") && !name.ends_with("-wal")
    };
    let names = place.files(STATE).into_iter().filter(is_stable);
    names
        .map(|name| {
            let bytes = fs::read(place.path(&format!("{STATE}/{name}"))).unwrap();
            (name, bytes)
        })
        .collect()
}

#[test]
fn what_nobody_needs_goes_and_everything_else_stays() {
    let place = littered();
    let before = state(&place);
    let published = place.files("out-sim");

    let dry = place
        .simulated(&["gc", "m.yaml", "--dry-run", "--json"])
        .with(0);
    assert_eq!(state(&place), before, "a dry run changed something");
    let dry = dry.json();
    assert_eq!((&dry["bytes"], &dry["dry_run"]), (&20.into(), &true.into()));

    let wet = place.simulated(&["gc", "m.yaml", "--json"]).with(0).json();
    assert_eq!(wet["removed"], dry["removed"]);
    let mut expected = before;
    for name in NEEDLESS {
        assert!(expected.remove(name).is_some(), "{name}");
    }
    assert_eq!(state(&place), expected);
    assert_eq!(place.files("out-sim"), published);

    let again = place.simulated(&["gc", "m.yaml"]).with(0);
    assert_eq!(again.stdout, "nothing to clear away\n");
    // All that was paid is still at home: a deleted file is published again without a request.
    fs::remove_dir_all(place.path("out-sim")).unwrap();
    let run = place.simulated(&["run", "m.yaml", "--json"]).with(0).json();
    assert_eq!(run["counts"]["succeeded"], 2);
    let requests = run["requests"].as_object().unwrap();
    let is_none = |(_, count): (&String, &serde_json::Value)| *count == 0;
    assert!(
        !requests.is_empty() && requests.iter().all(is_none),
        "{run}"
    );
    assert_eq!(place.files("out-sim"), published);
    // Others may read what the test put there, which the doctor would say.
    for name in KEPT {
        let _ = fs::remove_file(place.path(&format!("{STATE}/{name}"))); // The run has swept one.
    }
    place.simulated(&["doctor", "m.yaml"]).with(0);
}

#[test]
fn nothing_goes_while_the_journal_does_not_tell_everything() {
    let place = littered();
    let errored = format!("{STATE}/errored-run-1.jsonl");
    place.write(&errored, "");
    let refused = place.simulated(&["gc", "m.yaml"]).with(5);
    assert!(refused.stderr.contains("errored-run-1.jsonl"), "{refused}");
    fs::remove_file(place.path(&errored)).unwrap();

    // An older journal knows nothing of what came after it.
    let copy = place.path("older.db");
    let connection =
        rusqlite::Connection::open(place.path(&format!("{STATE}/journal.db"))).unwrap();
    connection
        .execute("vacuum into ?1", [copy.to_str().unwrap()])
        .unwrap();
    drop(connection);
    place.write(
        "m.yaml",
        &super::place::SMALL.replace("[10, 20]", "[10, 20, 30]"),
    );
    place.simulated(&["run", "m.yaml", "-q"]).with(0);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(place.path(&format!("{STATE}/journal.db{end}")));
    }
    fs::copy(&copy, place.path(&format!("{STATE}/journal.db"))).unwrap();
    let before = place.files(&format!("{STATE}/objects"));
    let refused = place.simulated(&["gc", "m.yaml"]).with(5);
    assert!(
        refused.stderr.contains("older than what was here"),
        "{refused}"
    );
    assert_eq!(place.files(&format!("{STATE}/objects")), before);
}

#[test]
fn where_nothing_ran_nothing_is_made() {
    let place = small();
    place.simulated(&["gc", "m.yaml"]).with(2);
    assert!(!place.path(".millrun").exists());
}
