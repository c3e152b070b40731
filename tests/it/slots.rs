//! Slots that several processes share: two handles on one file, each with a lock of its own, are two processes to each other.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millrun::adapters::limits_db::{LimitsDb, Orphans};
use millrun::adapters::limits_view::{Of, view};
use millrun::execute::ports::Admission as _;
use millrun::plan::remote::{JobId, Timestamp};
use millrun::plan::settings::{Limits, Profile};
use millrun::schedule::slot::{Admittance, Class, SlotId};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

struct Shared {
    folder: tempfile::TempDir,
    limits: Limits,
}

impl Shared {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            limits: Limits::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("limits.db")
    }

    fn process(&self, now: Timestamp) -> LimitsDb {
        LimitsDb::open(&self.path(), &self.limits, now).unwrap()
    }
}

/// Asks for a slot, and ends the turn: the slot, or how long it is not to be had.
fn ask(db: &mut LimitsDb, class: &Class, now: Timestamp) -> Result<SlotId, Duration> {
    let answer = db.admit(std::slice::from_ref(class), now);
    db.commit().unwrap();
    match answer {
        Admittance::Granted(slots) => Ok(slots[0]),
        Admittance::NotBefore { at, .. } => Err(at.since(now)),
        Admittance::WhenAnswered { .. } => Err(Duration::MAX),
    }
}

fn reply(db: &mut LimitsDb, slot: SlotId, now: Timestamp) {
    db.answered(&[slot], now);
    db.commit().unwrap();
}

#[test]
fn a_write_of_one_process_keeps_the_others_back() {
    let shared = Shared::new();
    let (mut a, mut b) = (shared.process(NOW), shared.process(NOW));
    let slot = ask(&mut a, &Class::CadWrites, NOW).unwrap();
    // While it is out, b looks again soon: the reply comes to somebody else.
    let mut now = NOW.after(ms(7_000));
    assert_eq!(ask(&mut b, &Class::CadWrites, now), Err(ms(250)));
    reply(&mut a, slot, now);
    now = now.after(ms(250));
    assert_eq!(ask(&mut b, &Class::CadWrites, now), Err(ms(5_800)));
    now = now.after(ms(5_800));
    let second = ask(&mut b, &Class::CadWrites, now).unwrap();
    assert_ne!(slot, second);
    reply(&mut b, second, now.after(ms(400)));
    assert_eq!(
        ask(&mut a, &Class::CadWrites, now.after(ms(400))),
        Err(ms(6_267))
    );
    // Other classes are not concerned.
    assert!(ask(&mut a, &Class::Balance, now).is_ok());
}

#[test]
fn a_window_is_one_for_all() {
    let mut shared = Shared::new();
    shared.limits.profile = Profile::Window;
    let mut processes: Vec<LimitsDb> = (0..4).map(|_| shared.process(NOW)).collect();
    let mut granted = 0;
    for round in 0..20u64 {
        for db in &mut processes {
            let now = NOW.after(ms(round * 100));
            if let Ok(slot) = ask(db, &Class::CadWrites, now) {
                granted += 1;
                reply(db, slot, now.after(ms(50)));
            }
        }
    }
    assert_eq!(granted, 10);
    let later = NOW.after(ms(61_000));
    let mut again = 0;
    for _ in 0..10 {
        for db in &mut processes {
            again += usize::from(ask(db, &Class::CadWrites, later).is_ok());
        }
    }
    assert_eq!(again, 10);
}

#[test]
fn who_opens_takes_nothing_over_from_the_living() {
    let shared = Shared::new();
    let mut a = shared.process(NOW);
    let slot = ask(&mut a, &Class::CadWrites, NOW).unwrap();
    let now = NOW.after(ms(30_000));
    let mut b = shared.process(now);
    assert_eq!(ask(&mut b, &Class::CadWrites, now), Err(ms(250)));
    // Its reply is its own to tell, and later than anything that was assumed.
    reply(&mut a, slot, now);
    assert_eq!(ask(&mut b, &Class::CadWrites, now), Err(ms(6_050)));
}

#[test]
fn a_request_whose_process_is_gone_counts_as_answered() {
    let shared = Shared::new();
    let mut a = shared.process(NOW);
    let mut b = shared.process(NOW);
    ask(&mut a, &Class::CadWrites, NOW).unwrap();
    let now = NOW.after(ms(10_000));
    assert_eq!(ask(&mut b, &Class::CadWrites, now), Err(ms(250)));
    drop(a);
    // Seen to be gone now: that is when its request counts as answered.
    assert_eq!(ask(&mut b, &Class::CadWrites, now), Err(ms(250)));
    let wait = ask(&mut b, &Class::CadWrites, now).unwrap_err();
    assert_eq!(wait, ms(6_050));
    assert!(ask(&mut b, &Class::CadWrites, now.after(wait)).is_ok());
}

#[test]
fn a_request_to_a_service_elsewhere_may_be_out_until_its_time_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limits.db");
    let limits = Limits::default();
    let process = || LimitsDb::share(&path, &limits, Orphans::MayBeOut, "test").unwrap();
    let mut a = process();
    // The engine's clock may be any other: waits are what counts.
    ask(&mut a, &Class::CadWrites, NOW).unwrap();
    drop(a);
    let wait = ask(&mut process(), &Class::CadWrites, Timestamp(5)).unwrap_err();
    assert!(wait > ms(175_000) && wait <= ms(186_050), "{wait:?}");
}

#[test]
fn a_429_slows_all_down_and_is_remembered() {
    let shared = Shared::new();
    let (mut a, mut b) = (shared.process(NOW), shared.process(NOW));
    let slot = ask(&mut a, &Class::Reads, NOW).unwrap();
    a.refused(&[slot], Some(ms(30_000)), NOW);
    a.commit().unwrap();
    assert_eq!(ask(&mut b, &Class::Reads, NOW), Err(ms(30_000)));
    drop((a, b));
    let now = NOW.after(ms(10_000));
    assert_eq!(
        ask(&mut shared.process(now), &Class::Reads, now),
        Err(ms(20_000))
    );
}

#[test]
fn a_429_that_two_processes_get_at_once_counts_once() {
    let mut shared = Shared::new();
    // Under this profile reads are out at the same time from the first one on.
    shared.limits.profile = Profile::Window;
    let (mut a, mut b) = (shared.process(NOW), shared.process(NOW));
    let first = ask(&mut a, &Class::Reads, NOW).unwrap();
    let second = ask(&mut b, &Class::Reads, NOW.after(ms(200))).unwrap();
    let now = NOW.after(ms(400));
    for (db, slot) in [(&mut a, first), (&mut b, second)] {
        db.refused(&[slot], None, now);
        db.commit().unwrap();
    }
    // A second 429 in a row would have asked for more than the window.
    assert_eq!(ask(&mut a, &Class::Reads, now), Err(ms(60_000)));
    assert_eq!(ask(&mut b, &Class::Reads, now), Err(ms(60_000)));
}

#[test]
fn a_clock_that_went_back_makes_no_block_longer_and_no_slot_younger() {
    let shared = Shared::new();
    let ahead = NOW.after(ms(1_000_000_000));
    let mut a = shared.process(ahead);
    let slot = ask(&mut a, &Class::Reads, ahead).unwrap();
    a.refused(&[slot], Some(ms(60_000)), ahead);
    let write = ask(&mut a, &Class::CadWrites, ahead).unwrap();
    reply(&mut a, write, ahead);
    drop(a);
    let mut b = shared.process(NOW);
    let day = ms(24 * 60 * 60 * 1_000);
    assert_eq!(ask(&mut b, &Class::Reads, NOW), Err(day));
    assert_eq!(ask(&mut b, &Class::CadWrites, NOW), Err(ms(6_667)));
}

#[test]
fn what_no_window_reaches_is_swept_out() {
    let shared = Shared::new();
    let mut a = shared.process(NOW);
    for n in 0..2_000u64 {
        let now = NOW.after(ms(n * 10_000));
        let slot = ask(&mut a, &Class::JobPolls(JobId(format!("j{n}"))), now).unwrap();
        reply(&mut a, slot, now);
    }
    drop(a);
    let connection = rusqlite::Connection::open(shared.path()).unwrap();
    let left: u32 = connection
        .query_row("select count(*) from slots", [], |row| row.get(0))
        .unwrap();
    assert!(left < 600, "{left} slots are left");
}

#[test]
fn the_files_are_for_the_user_alone_and_those_of_an_older_version_are_read() {
    let shared = Shared::new();
    let old = rusqlite::Connection::open(shared.path()).unwrap();
    old.execute_batch(&format!(
        "create table slots (id integer primary key, class text not null, sent_at integer not null, replied_at integer) strict;
         create table blocks (class text primary key, until integer not null) strict, without rowid;
         insert into slots values (7, 'cad_writes', {0}, null);
         insert into blocks values ('reads', {1});
         pragma user_version = 1; pragma application_id = 0x4d4c524c;",
        NOW.0,
        NOW.0 + 5_000
    ))
    .unwrap();
    drop(old);
    let mut a = shared.process(NOW);
    assert_eq!(ask(&mut a, &Class::CadWrites, NOW), Err(ms(6_667)));
    assert_eq!(ask(&mut a, &Class::Reads, NOW), Err(ms(5_000)));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let locks = shared.folder.path().join("limits.holders");
    assert_eq!(mode(&locks), 0o700);
    for lock in std::fs::read_dir(&locks).unwrap() {
        assert_eq!(mode(&lock.unwrap().path()), 0o600);
    }
}

#[test]
fn who_looks_sees_what_is_used_who_shares_it_and_who_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limits.db");
    let limits = Limits::default();
    assert!(view(&path, &limits, Of::User).unwrap().is_none());
    let process = |family| LimitsDb::share(&path, &limits, Orphans::HaveArrived, family).unwrap();
    let (mut plates, mut frames) = (process("plates"), process("frames"));
    let slot = ask(&mut plates, &Class::CadWrites, NOW).unwrap();
    reply(&mut plates, slot, NOW);
    assert!(ask(&mut frames, &Class::CadWrites, NOW).unwrap_err() > ms(5_000));
    let read = ask(&mut frames, &Class::Reads, NOW).unwrap();
    frames.refused(&[read], Some(ms(90_000)), NOW);
    frames.commit().unwrap();

    let seen = view(&path, &limits, Of::User).unwrap().unwrap();
    let class = |class: Class| {
        seen.classes
            .iter()
            .find(|(seen, _)| *seen == class)
            .unwrap()
            .1
    };
    let writes = class(Class::CadWrites);
    assert_eq!((writes.standing.used, writes.standing.effective), (1, 10));
    assert!(writes.next_free > ms(2_000) && writes.next_free <= ms(6_667));
    let reads = class(Class::Reads);
    assert_eq!(reads.standing.effective, 599);
    assert!(reads.blocked > ms(80_000) && reads.blocked <= ms(90_000));
    let at_work: Vec<(&str, Vec<Class>)> = seen
        .holders
        .iter()
        .map(|holder| {
            let waits = holder.waits.iter().map(|(class, _)| class.clone());
            (holder.row.family.as_str(), waits.collect())
        })
        .collect();
    let waiting = vec![Class::CadWrites];
    assert_eq!(at_work, [("plates", vec![]), ("frames", waiting)]);

    drop(plates);
    let seen = view(&path, &limits, Of::User).unwrap().unwrap();
    assert_eq!(seen.holders.len(), 1);
}

#[test]
fn many_that_open_the_file_at_once_share_one_window() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.db");
        let limits = Limits {
            profile: Profile::Window,
            ..Limits::default()
        };
        let start = std::sync::Barrier::new(16);
        let one = || {
            start.wait();
            let opened = LimitsDb::share(&path, &limits, Orphans::HaveArrived, "f");
            let asked = opened.map(|mut db| (ask(&mut db, &Class::CadWrites, NOW).is_ok(), db));
            // Nobody leaves before all have asked, and who failed keeps nobody waiting.
            start.wait();
            asked.unwrap().0
        };
        let granted = std::thread::scope(|scope| {
            let all: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
            all.into_iter()
                .map(|one| one.join().unwrap())
                .filter(|got| *got)
                .count()
        });
        assert_eq!(granted, 10);
    }
}
