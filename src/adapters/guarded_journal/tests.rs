//! Disks that fail in every way, and what is left of the records.

use std::path::{Path, PathBuf};

use super::*;
use crate::adapters::errored::take_in;
use crate::plan::ids::RunId;
use crate::plan::remote::Timestamp;
use crate::run::event::Event;
use crate::run::stop::StopReason;

struct Fixture {
    folder: tempfile::TempDir,
}

/// A journal on a disk that is full as long as the ballast is there, or fails in another way.
struct Disk {
    inner: SqliteJournal,
    fails: Fails,
}

enum Fails {
    WhileThereIs(PathBuf),
    Always(Trouble),
    Never,
}

impl Journal for Disk {
    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        let trouble = match &self.fails {
            Fails::WhileThereIs(path) if path.exists() => Trouble::Full,
            Fails::Always(trouble) => *trouble,
            Fails::WhileThereIs(_) | Fails::Never => return self.inner.append(records),
        };
        Err(StorageError::new("journal.db", "it failed").of(trouble))
    }
}

impl Placed for Disk {
    fn here(&self) -> &Place {
        self.inner.here()
    }
}

fn record(n: i64) -> Record {
    Record {
        at: Timestamp(n),
        run: Some(RunId(1)),
        event: Event::Stopping {
            reason: StopReason::Signal {},
        },
    }
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["state", "out", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn places(&self) -> Places {
        Places {
            state: self.path("state"),
            others: vec![self.path("out"), self.path("tmp")],
        }
    }

    fn open(&self) -> SqliteJournal {
        SqliteJournal::open(&self.path("state/journal.db")).unwrap()
    }

    fn guarded(&self, fails: Fails) -> GuardedJournal<Disk> {
        let ballast = Ballast::keep(&self.path("state/ballast")).unwrap();
        let inner = self.open();
        GuardedJournal::new(Disk { inner, fails }, ballast, self.places())
    }

    fn ats(&self) -> Vec<i64> {
        let records = SqliteJournal::read(&self.path("state/journal.db")).unwrap();
        records.iter().map(|record| record.at.0).collect()
    }
}

fn write(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_full_disk_takes_what_was_paid_for_into_the_room_that_was_kept() {
    let f = Fixture::new();
    let mut journal = f.guarded(Fails::WhileThereIs(f.path("state/ballast")));
    let error = journal.append(&[record(1), record(2)]).unwrap_err();
    assert_eq!(error.trouble, Trouble::Full);
    assert!(error.why.contains("everything is recorded"), "{error}");
    // Replies that are still out are recorded as well.
    journal.append(&[record(3)]).unwrap();
    assert_eq!(f.ats(), [1, 2, 3]);
    assert!(!f.path("state/ballast").exists());
    assert_eq!(
        f.places().find(&journal.inner.here().journal),
        [] as [PathBuf; 0]
    );
}

#[test]
fn what_the_journal_does_not_take_is_kept_beside_it_and_taken_in_by_the_next_process() {
    let f = Fixture::new();
    for trouble in [Trouble::Full, Trouble::Unsynced, Trouble::Other] {
        let before = f.ats_or_none();
        let mut journal = f.guarded(Fails::Always(trouble));
        let error = journal.append(&[record(1), record(2)]).unwrap_err();
        let file = f.path("state/errored-run-1.jsonl");
        assert!(error.why.contains(&file.display().to_string()), "{error}");
        journal.append(&[record(3)]).unwrap();
        drop(journal);
        let mut next = f.open();
        let told = take_in(&mut next, &f.places()).unwrap();
        assert!(told[0].starts_with("took 3 records in"), "{told:?}");
        assert!(!file.exists());
        assert_eq!(f.ats(), [before, vec![1, 2, 3]].concat());
        assert_eq!(take_in(&mut next, &f.places()).unwrap(), [] as [&str; 0]);
    }
}

impl Fixture {
    fn ats_or_none(&self) -> Vec<i64> {
        if self.path("state/journal.db").exists() {
            self.ats()
        } else {
            Vec::new()
        }
    }
}

#[test]
fn the_output_folder_and_the_temporary_one_help_out_and_then_the_error_itself() {
    let f = Fixture::new();
    let journal = f.guarded(Fails::Never);
    let id = journal.inner.here().journal.clone();
    drop(journal);
    for (gone, there) in [("state", "out"), ("out", "tmp")] {
        // A folder that is none takes no file.
        let mut places = f.places();
        places.state = f.path("none");
        places.others.retain(|folder| *folder != f.path(gone));
        let inner = Disk {
            inner: f.open(),
            fails: Fails::Always(Trouble::Other),
        };
        let ballast = Ballast::keep(&f.path("state/ballast")).unwrap();
        let mut journal = GuardedJournal::new(inner, ballast, places.clone());
        journal.append(&[record(1)]).unwrap_err();
        let found = places.find(&id);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(f.path(there)), "{found:?}");
        drop(journal);
        take_in(&mut f.open(), &places).unwrap();
    }
    assert_eq!(f.ats(), [1, 1]);

    let places = Places {
        state: f.path("none"),
        others: Vec::new(),
    };
    let inner = Disk {
        inner: f.open(),
        fails: Fails::Always(Trouble::Other),
    };
    let ballast = Ballast::keep(&f.path("state/ballast")).unwrap();
    let mut journal = GuardedJournal::new(inner, ballast, places);
    let error = journal.append(&[record(7)]).unwrap_err();
    journal.append(&[record(8)]).unwrap_err();
    let error = journal.with_unsaved(error);
    assert_eq!(error.unsaved.lines().count(), 3, "{}", error.unsaved);
    drop(journal);
    // What was told can be put into the state folder by hand.
    write(&f.path("state/errored-by-hand.jsonl"), &error.unsaved);
    take_in(&mut f.open(), &f.places()).unwrap();
    assert_eq!(f.ats(), [1, 1, 7, 8]);
}

#[test]
fn a_file_that_was_taken_in_by_a_process_that_was_killed_is_not_taken_in_twice() {
    let f = Fixture::new();
    let mut journal = f.guarded(Fails::Always(Trouble::Unsynced));
    journal.append(&[record(1), record(2)]).unwrap_err();
    drop(journal);
    let file = f.path("state/errored-run-1.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    // The commit whose sync failed was there after all, in part; then wholly; then the journal had gone on.
    let mut next = f.open();
    next.append(&[record(1)]).unwrap();
    take_in(&mut next, &f.places()).unwrap();
    assert_eq!(f.ats(), [1, 2]);
    write(&file, &text);
    take_in(&mut next, &f.places()).unwrap();
    assert_eq!(f.ats(), [1, 2]);
    next.append(&[record(9)]).unwrap();
    write(&file, &text);
    let told = take_in(&mut next, &f.places()).unwrap();
    assert!(told[0].contains("came too late"), "{told:?}");
    assert!(f.path("state/errored-run-1.stale").exists());
    assert_eq!(f.ats(), [1, 2, 9]);
}

#[test]
fn a_torn_last_line_is_left_out_and_what_others_could_have_written_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let f = Fixture::new();
    let mut journal = f.guarded(Fails::Always(Trouble::Other));
    journal.append(&[record(1)]).unwrap_err();
    drop(journal);
    let file = f.path("state/errored-run-1.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    write(&file, &format!("{text}{{\"at\":2,\"ru"));
    let mut next = f.open();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(take_in(&mut next, &f.places()).is_err());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    take_in(&mut next, &f.places()).unwrap();
    assert_eq!(f.ats(), [1]);

    write(&file, &format!("{text}not json\n"));
    let error = take_in(&mut next, &f.places()).unwrap_err();
    assert!(error.to_string().contains("line 3"), "{error}");
    assert!(file.exists());
}

#[test]
fn a_holder_that_was_fenced_off_leaves_nothing_for_the_other_to_take_in() {
    let f = Fixture::new();
    let mut journal = f.guarded(Fails::Never);
    let mut other = f.open();
    for _ in 0..2 {
        let error = journal.append(&[record(1)]).unwrap_err();
        assert_eq!(error.trouble, Trouble::Fenced);
    }
    assert_eq!(take_in(&mut other, &f.places()).unwrap(), [] as [&str; 0]);
    assert_eq!(f.ats(), [] as [i64; 0]);
}
