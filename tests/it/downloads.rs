//! Files and the key: the client's credential never reaches the storage, in process and over sockets, whatever else goes
//! wrong; and our reader takes each odd file for what it is.

use millrun::adapters::in_process::InProcess;
use millrun::api::{
    ApiKey, ArtifactId, BaseUrl, CallError, Client, HttpTransport, IdempotencyKey, Prompt,
    Transport, UnknownReason,
};
use millrun::geometry::part21::{Finding, Flaw, examine};
use millrun::simulator::{Clock, Config, FaultRule, SIM_API_KEY, Simulator};

const PLATE: &str = "A plate, 80 x 60 x 6.5 mm, with two 6 mm holes [sim:duration=0]";

fn simulator() -> Simulator {
    // The clock stands nearly still: what is signed does not expire.
    Simulator::open(
        Config::default(),
        Clock::new(1_790_000_000_000, 0.001),
        None,
    )
    .unwrap()
}

fn client(transport: impl Transport + 'static, base: &str) -> Client {
    let base: BaseUrl = base.parse().unwrap();
    Client::new(transport, base, ApiKey::new(SIM_API_KEY).unwrap())
}

fn in_process(simulator: &Simulator) -> Client {
    client(InProcess::new(simulator.router()), "http://127.0.0.1:8080")
}

async fn over_sockets(simulator: &Simulator) -> Client {
    let listener = Simulator::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(simulator.clone().serve(listener, std::future::pending()));
    client(HttpTransport::new(&base.parse().unwrap()).unwrap(), &base)
}

async fn artifact(client: &Client, prompt: &str) -> ArtifactId {
    let key = IdempotencyKey::new("k1").unwrap();
    let text = prompt;
    let prompt = Prompt { text, images: &[] };
    let queued = client.create_job(prompt, &key).await.unwrap().value;
    let job = client.job(&queued.id).await.unwrap().value;
    job.artifacts[0].id.clone()
}

fn rules(list: &str) -> Vec<FaultRule> {
    FaultRule::parse_all(&format!("{{\"rules\":[{list}]}}")).unwrap()
}

#[tokio::test]
async fn a_file_comes_from_storage_and_the_key_does_not_go_there() {
    let simulators = [simulator(), simulator()];
    let clients = [
        in_process(&simulators[0]),
        over_sockets(&simulators[1]).await,
    ];
    for (client, simulator) in clients.iter().zip(&simulators) {
        let artifact = artifact(client, PLATE).await;
        simulator.add_faults(rules(
            r#"{"on":"download","nth":2,"fault":"expired_url"},
               {"on":"storage","nth":3,"fault":"truncated"},
               {"on":"storage","nth":4,"fault":"reset"}"#,
        ));
        let file = client.download(&artifact).await.unwrap().value;
        assert!(file.content.starts_with(b"ISO-10303-21;"));
        for lost in ["an expired link", "half a file", "a connection reset"] {
            let failed = client.download(&artifact).await.unwrap_err();
            let CallError::Unknown { reason, .. } = failed else {
                panic!("{lost}: {failed:?}");
            };
            assert!(matches!(reason, UnknownReason::Storage(_)), "{lost}");
        }
        client.download(&artifact).await.unwrap();
        let books = simulator.books();
        assert_eq!(books.leaks, 0);
        // The files that were lost on the way had been given.
        assert_eq!(books.totals.downloads, 3);
    }
}

#[tokio::test]
async fn a_link_to_elsewhere_is_not_followed() {
    for to in [
        "plain_http",
        "file",
        "private_address",
        "//10.0.0.1/f",
        "https://u:p@storage.example/f",
    ] {
        let simulator = simulator();
        let client = in_process(&simulator);
        let artifact = artifact(&client, PLATE).await;
        simulator.add_faults(rules(&format!(
            r#"{{"on":"download","fault":{{"kind":"foreign_url","to":"{to}"}}}}"#
        )));
        let failed = client.download(&artifact).await.unwrap_err();
        let CallError::Unknown { reason, .. } = failed else {
            panic!("{to}: {failed:?}");
        };
        assert!(matches!(reason, UnknownReason::Storage(_)), "{to}");
        assert_eq!(simulator.books().totals.downloads, 0, "{to}");
    }
}

#[tokio::test]
async fn odd_files_are_read_with_warnings_and_damaged_ones_are_not() {
    let flaws = |findings: &[Finding]| {
        let mut flaws: Vec<Flaw> = findings.iter().map(|finding| finding.flaw).collect();
        flaws.dedup();
        flaws
    };
    for (quirk, errors, warnings, solids) in [
        ("none", vec![], vec![], 1),
        ("nested-header", vec![], vec![Flaw::OddHeader], 1),
        ("integers", vec![], vec![Flaw::IntegerForReal], 1),
        ("no-contexts", vec![], vec![], 1),
        ("no-semicolon", vec![], vec![Flaw::MissingSemicolon], 1),
        ("metres", vec![], vec![], 1),
        ("no-geometry", vec![], vec![Flaw::NoSolid], 0),
        ("names-none", vec![], vec![], 1),
        ("broken-header", vec![], vec![Flaw::OddHeader], 1),
        ("no-angle-unit", vec![], vec![], 1),
        ("ap203", vec![], vec![], 1),
    ] {
        let simulator = simulator();
        let client = in_process(&simulator);
        let artifact = artifact(&client, &format!("{PLATE} [sim:quirk={quirk}]")).await;
        let file = client.download(&artifact).await.unwrap().value;
        let examined = examine(&file.content);
        assert_eq!(flaws(examined.errors.as_slice()), errors, "{quirk}");
        assert_eq!(flaws(examined.warnings.as_slice()), warnings, "{quirk}");
        assert_eq!(examined.solids, solids, "{quirk}");
    }
    let simulator = simulator();
    let client = in_process(&simulator);
    let artifact = artifact(&client, &format!("{PLATE} [sim:quirk=truncated]")).await;
    let file = client.download(&artifact).await.unwrap().value;
    let errors = examine(&file.content).errors;
    assert!(
        flaws(errors.as_slice()).contains(&Flaw::NoEnd),
        "{errors:?}"
    );
}
