//! What the journal promises to those who write and read it.

use super::*;
use crate::adapters::sqlite::backup;
use crate::plan::content::{Content, Prompt};
use crate::plan::ids::{PartId, StepId, StepRef};
use crate::plan::key::{IdempotencyKey, LineageId, Salt, StepKey};
use crate::plan::money::Cents;
use crate::plan::remote::JobId;
use crate::plan::send::SendId;
use crate::run::call::{Call, Endpoint};
use crate::run::event::Event;

struct Fixture {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    Fixture {
        path: folder.path().join("journal.db"),
        _folder: folder,
    }
}

impl Fixture {
    /// The database as another program sees it.
    fn connect(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    /// State and job of each attempt.
    fn sends(&self) -> Vec<(String, Option<String>)> {
        let connection = self.connect();
        let mut query = connection
            .prepare("select state, job_id from sends order by attempt")
            .unwrap();
        let rows = query
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.map(Result::unwrap).collect()
    }
}

fn record(event: Event) -> Record {
    Record {
        at: Timestamp(1_700_000_000_000),
        run: Some(RunId(1)),
        event,
    }
}

fn call(endpoint: Endpoint) -> Call {
    Call {
        endpoint,
        status: Some(200),
        request_id: None,
        rate_limited: false,
    }
}

/// One create, `attempt` times.
struct Create {
    send: SendId,
    content: Content,
}

impl Create {
    fn new() -> Self {
        let content = Content::Create {
            prompt: Prompt::new("a plate"),
            images: Vec::new(),
        };
        let key = StepKey::new(&content, None);
        let lineage = LineageId {
            create: key,
            ordinal: 0,
            generation: 0,
        };
        Self {
            send: SendId { lineage, key },
            content,
        }
    }

    fn intended(&self, attempt: u32) -> Record {
        let salt = Salt {
            name: "plates".to_owned(),
            uid: String::new(),
        };
        record(Event::Intended {
            send: self.send,
            step: StepRef {
                part: PartId::new("p").unwrap(),
                step: StepId::new("create").unwrap(),
            },
            content: self.content.clone(),
            target: None,
            attempt,
            key: IdempotencyKey::new(&salt, self.send.key, self.send.lineage, attempt),
            hold: Cents(200),
        })
    }

    fn accepted(&self, job: &str) -> Record {
        record(Event::Accepted {
            send: self.send,
            call: call(Endpoint::Create),
            job: JobId(job.to_owned()),
            next_poll_at: Timestamp(1_700_000_030_000),
        })
    }

    fn failed(&self) -> Record {
        record(Event::JobFailed {
            send: self.send,
            call: call(Endpoint::Job),
            charged: None,
            why: "the service failed the job".to_owned(),
            again_at: None,
        })
    }
}

#[test]
fn a_failed_attempt_keeps_its_row_when_the_next_one_goes_on() {
    let f = fixture();
    let create = Create::new();
    let mut journal = SqliteJournal::open(&f.path).unwrap();
    let first = [create.intended(0), create.accepted("one"), create.failed()];
    journal.append(&first).unwrap();
    journal
        .append(&[create.intended(1), create.accepted("two")])
        .unwrap();
    let row = |state: &str, job: &str| (state.to_owned(), Some(job.to_owned()));
    assert_eq!(
        f.sends(),
        [row("job_failed", "one"), row("accepted", "two")]
    );
    let jobs: Vec<(String, String, String)> = f
        .connect()
        .prepare("select job_id, part, state from jobs order by job_id")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let job = |job: &str, state: &str| (job.to_owned(), "p".to_owned(), state.to_owned());
    assert_eq!(jobs, [job("one", "job_failed"), job("two", "accepted")]);
    assert_eq!(journal.records().unwrap().len(), 5);
}

#[test]
fn a_journal_without_its_tables_yet_is_empty() {
    let f = fixture();
    assert_eq!(SqliteJournal::read(&f.path).unwrap(), []);
    std::fs::write(&f.path, "").unwrap();
    assert_eq!(SqliteJournal::read(&f.path).unwrap(), []);
    // The mode is set, the migration is not done.
    f.connect()
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    assert_eq!(SqliteJournal::read(&f.path).unwrap(), []);
    assert!(SqliteJournal::open(&f.path).is_ok());
}

/// The header of a rollback journal without a page in it, of a database of one page: as SQLite leaves it when it is
/// killed while it turns the write-ahead log on.
fn hot_journal() -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..8].copy_from_slice(&[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    header[20..24].copy_from_slice(&512_u32.to_be_bytes());
    header[24..28].copy_from_slice(&4_096_u32.to_be_bytes());
    header
}

#[test]
fn a_journal_whose_maker_was_killed_is_empty_and_can_be_opened() {
    let f = fixture();
    // A page that is there, as the killed process wrote it.
    let page = f
        .connect()
        .execute_batch("create table t (x); drop table t");
    page.unwrap();
    let beside = f.path.with_file_name("journal.db-journal");
    std::fs::write(&beside, hot_journal()).unwrap();
    assert_eq!(SqliteJournal::read(&f.path).unwrap(), []);
    assert_eq!(SqliteJournal::open(&f.path).unwrap().records().unwrap(), []);
}

#[test]
fn a_journal_of_a_newer_version_is_not_taken_for_a_damaged_one() {
    let f = fixture();
    drop(SqliteJournal::open(&f.path).unwrap());
    f.connect().pragma_update(None, "user_version", 99).unwrap();
    for error in [
        SqliteJournal::read(&f.path).unwrap_err(),
        SqliteJournal::open(&f.path).unwrap_err(),
    ] {
        assert!(error.to_string().contains("newer millrun"), "{error}");
    }
}

fn resent(create: &Create) -> Record {
    record(Event::Resent { send: create.send })
}

#[test]
fn a_holder_that_slept_while_another_took_over_adds_nothing() {
    let f = fixture();
    let create = Create::new();
    let mut first = SqliteJournal::open(&f.path).unwrap();
    first.append(&[create.intended(0)]).unwrap();
    let mut second = SqliteJournal::open(&f.path).unwrap();
    assert_eq!(second.here().epoch, first.here().epoch + 1);
    let error = first.append(&[resent(&create)]).unwrap_err();
    assert_eq!(error.trouble, Trouble::Fenced);
    assert!(error.to_string().contains("took it over"), "{error}");
    second.append(&[resent(&create)]).unwrap();
    // Not even when the other is gone.
    drop(second);
    assert!(first.append(&[resent(&create)]).is_err());
    assert_eq!(first.records().unwrap().len(), 2);
}

#[test]
fn a_journal_that_was_replaced_under_its_holder_is_not_written_any_more() {
    let f = fixture();
    let create = Create::new();
    let mut journal = SqliteJournal::open(&f.path).unwrap();
    journal.append(&[create.intended(0)]).unwrap();
    let copy = f.path.with_extension("copy");
    std::fs::copy(&f.path, &copy).unwrap();
    std::fs::rename(&copy, &f.path).unwrap();
    let error = journal.append(&[resent(&create)]).unwrap_err();
    assert_eq!(error.trouble, Trouble::Fenced, "{error}");
}

#[test]
fn a_full_disk_loses_nothing_of_what_was_there_and_room_heals_it() {
    let f = fixture();
    let create = Create::new();
    let mut journal = SqliteJournal::open(&f.path).unwrap();
    journal.append(&[create.intended(0)]).unwrap();
    let pages: u32 = journal
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let limit = |journal: &SqliteJournal, pages: u32| {
        let set = journal
            .connection
            .pragma_update(None, "max_page_count", pages);
        set.unwrap();
    };
    limit(&journal, pages);
    let many = vec![resent(&create); 1_000];
    let error = journal.append(&many).unwrap_err();
    assert_eq!(error.trouble, Trouble::Full, "{error}");
    limit(&journal, 1_000_000);
    journal.append(&many).unwrap();
    assert_eq!(journal.records().unwrap().len(), 1_001);
}

#[test]
fn a_journal_of_the_first_layout_is_backed_up_migrated_and_understood() {
    let f = fixture();
    let old = include_str!("../../../tests/fixtures/state/journal-v1.sql");
    f.connect().execute_batch(old).unwrap();
    let before = SqliteJournal::read(&f.path).unwrap();
    assert_eq!(before.len(), 30);
    let unmarked = SqliteJournal::place(&f.path).unwrap().unwrap();
    assert_eq!((unmarked.epoch, unmarked.seq), (0, 30));
    let mut journal = SqliteJournal::open(&f.path).unwrap();
    assert_eq!(journal.records().unwrap(), before);
    assert_eq!((journal.here().epoch, journal.here().seq), (1, 30));
    journal.append(&[Create::new().intended(0)]).unwrap();
    assert_eq!(SqliteJournal::read(&backup(&f.path, 1)).unwrap(), before);
}

#[test]
fn an_event_of_a_newer_version_is_refused_by_its_name() {
    let f = fixture();
    let mut journal = SqliteJournal::open(&f.path).unwrap();
    journal.append(&[Create::new().intended(0)]).unwrap();
    let change = |name: &str, body: &str| {
        let insert = "insert into events (run, at, name, body) values (1, 1, ?, ?)";
        f.connect().execute(insert, [name, body]).unwrap();
    };
    change("teleported", r#"{"event": "teleported"}"#);
    let error = SqliteJournal::read(&f.path).unwrap_err();
    assert_eq!(error.trouble, Trouble::Newer);
    for said in ["event 2", "teleported", "newer millrun"] {
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
    f.connect()
        .execute("delete from events where seq = 2", [])
        .unwrap();
    change("resent", "{");
    let error = SqliteJournal::read(&f.path).unwrap_err();
    assert_eq!(error.trouble, Trouble::Damaged, "{error}");
}

#[test]
fn the_mark_says_how_far_the_journal_came() {
    let f = fixture();
    let mark = f.path.with_file_name("sim.mark");
    let mut journal = SqliteJournal::open_marked(&f.path, 6, &mark).unwrap();
    let create = Create::new();
    journal.append(&[create.intended(0)]).unwrap();
    journal.append(&[create.accepted("one")]).unwrap();
    let noted = HighWater::read(&mark).unwrap();
    assert_eq!((noted.epoch, noted.seq), (7, 2));
    assert_eq!(SqliteJournal::place(&f.path).unwrap(), Some(noted));
}
