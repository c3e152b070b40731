//! Which room may use which.

use super::{Source, sources};

/// Each room and the rooms that it may use. A room that is not here may not exist.
const MAY_USE: &[(&str, &[&str])] = &[
    ("manifest", &[]),
    ("plan", &["manifest"]),
    ("run", &["plan"]),
    ("schedule", &["plan", "run"]),
    ("geometry", &[]),
    ("untrusted", &[]),
    ("api", &["untrusted"]),
    ("simulator", &[]),
    ("execute", &["plan", "run", "schedule", "geometry"]),
    ("report", &["plan", "run", "untrusted"]),
    (
        "adapters",
        &[
            "api",
            "execute",
            "geometry",
            "plan",
            "run",
            "schedule",
            "simulator",
        ],
    ),
    (
        "session",
        &[
            "adapters",
            "api",
            "execute",
            "manifest",
            "plan",
            "run",
            "schedule",
            "simulator",
        ],
    ),
    (
        "cli",
        &[
            "adapters",
            "api",
            "execute",
            "manifest",
            "plan",
            "report",
            "run",
            "schedule",
            "session",
            "simulator",
            "untrusted",
        ],
    ),
];

/// What a room without clock, disk and network never touches.
const NEVER_IN_PURE_ROOMS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "tokio",
    "async ",
    "println!",
    "print!",
    "Instant::",
    "SystemTime",
    "reqwest",
    "rusqlite",
    "fastrand",
    " rand::",
];

#[test]
fn a_room_uses_only_the_rooms_that_it_may() {
    for source in sources().iter().filter(|source| source.room() != "lib") {
        let room = source.room();
        let (_, may_use) = MAY_USE
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{room}/ is not in the table"));
        for used in source.code.split("crate::").skip(1) {
            let used = used
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or_default();
            // Bugs that are planted on purpose may bite everywhere; without their feature there are none.
            let allowed = used == room || used == "teeth" || may_use.contains(&used);
            assert!(
                allowed,
                "{} uses crate::{used}, which {room}/ may not",
                source.path
            );
        }
    }
}

#[test]
fn the_pure_rooms_know_no_clock_no_disk_and_no_network() {
    const LOADER: &str = "manifest/loader.rs";
    let pure = |source: &&Source| {
        ["manifest", "plan", "run", "schedule", "report", "untrusted"].contains(&source.room())
    };
    for source in sources().iter().filter(pure) {
        for word in NEVER_IN_PURE_ROOMS {
            let excused = source.path == LOADER && *word == "std::fs";
            assert!(
                excused || !source.code.contains(word),
                "{} has {word:?}",
                source.path
            );
        }
    }
}

#[test]
fn the_loop_is_the_only_place_of_execute_that_waits_or_changes_anything() {
    for source in sources().iter().filter(|source| source.room() == "execute") {
        for word in [
            "spawn",
            "tokio::time",
            "static ",
            "Mutex",
            "RefCell",
            "Cell<",
            "Atomic",
        ] {
            assert!(!source.code.contains(word), "{} has {word:?}", source.path);
        }
        // The ports say what the outside may change; the engine holds the state of the loop.
        if !["execute/engine.rs", "execute/ports.rs"].contains(&source.path.as_str()) {
            for word in ["&mut ", ".await", "sleep", "clock"] {
                assert!(!source.code.contains(word), "{} has {word:?}", source.path);
            }
        }
    }
}

#[test]
fn only_the_command_line_prints() {
    for source in sources()
        .iter()
        .filter(|source| !["cli", "lib"].contains(&source.room()))
    {
        for word in [
            "println!",
            "eprintln!",
            "print!",
            "std::io::stdout",
            "std::io::stderr",
        ] {
            assert!(!source.code.contains(word), "{} has {word:?}", source.path);
        }
    }
}
