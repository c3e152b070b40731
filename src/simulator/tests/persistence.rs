//! A world that outlives its process.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::simulator::SimulatorError;

fn open(dir: &Path, start_ms: i64) -> Client {
    let clock = Clock::new(start_ms, 1.0);
    Client::of(Simulator::open(Config::default(), clock, Some(dir)).unwrap())
}

#[tokio::test]
async fn a_reopened_world_is_the_same_and_forgets_a_torn_line() {
    let dir = tempfile::tempdir().unwrap();
    let client = open(dir.path(), START_MS);
    let created = client.create("k1", "A plate [sim:duration=0]").await;
    let job = format!("/api/v1/cad/jobs/{}", created.text("id"));
    let review = client
        .post(
            &format!("{job}/review"),
            "r1",
            json!({ "prompt": "Risks?" }),
        )
        .await;
    assert_eq!(review.status, 200);
    client.get(&job).await;
    let before = client.simulator.books();
    let last_ms = client.simulator.last_ms();
    assert!(matches!(
        Simulator::open(Config::default(), Clock::new(0, 1.0), Some(dir.path())),
        Err(SimulatorError::InUse)
    ));
    drop(client);

    let log = dir.path().join("world.jsonl");
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(br#"{"at_ms":1,"effect":{"topp"#).unwrap();
    drop(file);
    assert_eq!(Simulator::recorded_until(dir.path()).unwrap(), last_ms);

    let client = open(dir.path(), 0);
    let after = client.simulator.books();
    assert_eq!(after.jobs, before.jobs);
    assert_eq!(after.totals, before.totals);
    assert_eq!(after.early_polls, before.early_polls);
    let replay = client.create("k1", "A plate [sim:duration=0]").await;
    assert_eq!(replay.text("id"), created.text("id"));
    assert_eq!(
        client.simulator.books().now_ms,
        last_ms.unwrap(),
        "time never goes back"
    );
}

#[tokio::test]
async fn a_damaged_line_in_the_middle_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), START_MS));
    std::fs::write(dir.path().join("world.jsonl"), "{}\n{}\n").unwrap();
    let opened = Simulator::open(Config::default(), Clock::new(0, 1.0), Some(dir.path()));
    assert!(matches!(
        opened,
        Err(SimulatorError::Corrupt { line: 1, .. })
    ));
}

#[tokio::test]
async fn limits_outlive_the_process_and_concurrent_writes_all_reach_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let client = open(dir.path(), START_MS);
    let writes = (0..10).map(|index| {
        client.create(
            ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][index],
            PLATE,
        )
    });
    let answers = futures_util::future::join_all(writes).await;
    assert!(answers.iter().all(|answer| answer.status == 202));
    drop(client);
    let client = open(dir.path(), START_MS);
    assert_eq!(client.simulator.books().totals.jobs, 10);
    assert_eq!(client.create("k", PLATE).await.status, 429);
}

#[tokio::test(start_paused = true)]
async fn worlds_that_begin_at_different_times_call_no_two_jobs_the_same() {
    let made = async |start_ms| {
        let clock = Clock::new(start_ms, 1.0);
        let client = Client::of(Simulator::open(Config::default(), clock, None).unwrap());
        let job = client.job("k1", "A plate [sim:duration=0]").await;
        let body = client.get(&job).await.json();
        let artifact = body["artifacts"][0]["id"].clone();
        (job, body["latest_revision_id"].clone(), artifact)
    };
    let (first, again, later) = (
        made(START_MS).await,
        made(START_MS).await,
        made(START_MS + 1).await,
    );
    assert_eq!(first, again);
    assert!(first.0 != later.0 && first.1 != later.1 && first.2 != later.2);

    // A world that goes on in another process draws as if it had never stopped.
    let whole = Client::new(Config::default());
    whole.job("k1", "A plate [sim:duration=0]").await;
    let second = whole.job("k2", PLATE).await;
    let dir = tempfile::tempdir().unwrap();
    let before = open(dir.path(), START_MS);
    before.job("k1", "A plate [sim:duration=0]").await;
    drop(before);
    let after = open(dir.path(), START_MS + 60_000);
    assert_eq!(after.job("k2", PLATE).await, second);
}

#[tokio::test]
async fn a_port_that_is_taken_is_no_matter_of_the_log() {
    let listener = Simulator::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    match Simulator::bind(address).await {
        Err(SimulatorError::Bind { address: told, .. }) => assert_eq!(told, address),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_is_served_over_loopback_and_nowhere_else() {
    let elsewhere = Simulator::bind("0.0.0.0:0".parse().unwrap()).await;
    assert!(matches!(elsewhere, Err(SimulatorError::NotLoopback(_))));
    let listener = Simulator::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let client = Client::new(Config::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(client.simulator.clone().serve(listener, async {
        let _ = stopped.await;
    }));
    let asked = move || {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.write_all(b"GET /_sim/clock HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        std::io::read_to_string(stream)
    };
    let answer = tokio::task::spawn_blocking(asked).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_log_from_before_there_were_switches_is_read_under_any_of_them() {
    let odd = r#"
        [switches.idempotency]
        scope = "endpoint"
        remembered = "refusals"
        [switches.billing]
        failed-runs = "charged"
        charges = "beyond-hold"
        follow-ups = "free"
        late-seconds = 60
        [switches.visibility]
        proposals = "text"
        poll-after = "null"
        order = "any"
        "#;
    for config in [Config::default(), Config::from_toml(odd).unwrap()] {
        let dir = tempfile::tempdir().unwrap();
        let log = include_str!("fixtures/world-before-switches.jsonl");
        std::fs::write(dir.path().join("world.jsonl"), log).unwrap();
        let clock = Clock::new(1_795_580_000_000, 1.0);
        let client = Client::of(Simulator::open(config, clock, Some(dir.path())).unwrap());
        let books = client.simulator.books();
        assert_eq!((books.totals.completed, books.totals.failed), (1, 1));
        assert_eq!(
            (books.totals.charged_cents.0, books.totals.held_cents.0),
            (150, 0)
        );
        assert_eq!((books.idempotency.seen, books.idempotency.replays), (3, 1));
        let again = client
            .create("k3", "A spacer [sim:fail][sim:duration=1]")
            .await;
        assert_eq!(
            again.text("id"),
            "cadjob_703db82e-df8c-48a3-9767-77512703f9ce"
        );
        let review = format!("/api/v1/cad/jobs/{}/review", books.jobs[0].id);
        let asked = json!({ "prompt": "Risks? [sim:propose]" });
        let proposal =
            &client.post(&review, "k2", asked).await.json()["review"]["iteration_proposal"];
        assert_eq!(
            proposal["summary"], "Break the sharp edges of revision A",
            "it was answered so"
        );
    }
}
