//! Faults over real sockets: what a client at the other end of a connection sees of them.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::simulator::{FaultRule, SimulatorError};

struct Served {
    simulator: Simulator,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), SimulatorError>>,
}

async fn served(rules: &str) -> Served {
    // Two simulated months a second: what takes its time is soon over.
    served_at(rules, 5_000_000.0).await
}

async fn served_at(rules: &str, speed: f64) -> Served {
    let clock = Clock::new(START_MS, speed);
    let simulator = Simulator::open(Config::default(), clock, None).unwrap();
    simulator.add_faults(FaultRule::parse_all(&format!("{{\"rules\":[{rules}]}}")).unwrap());
    serve(simulator).await
}

async fn serve(simulator: Simulator) -> Served {
    let listener = Simulator::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(simulator.clone().serve(listener, async {
        let _ = stopped.await;
    }));
    Served {
        simulator,
        address,
        stop,
        serving,
    }
}

impl Served {
    async fn connect(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn get(&self, address: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer {SIM_API_KEY}\r\n\
             connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Everything that comes until the connection ends, however it ends.
    async fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn jobs(&self) -> usize {
        self.simulator.books().totals.jobs
    }
}

fn create(prompt: &str) -> String {
    let body = json!({ "prompt": prompt }).to_string();
    let length = body.len();
    format!(
        "POST /api/v1/cad/jobs HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer {SIM_API_KEY}\r\n\
         idempotency-key: k1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn balance() -> String {
    format!(
        "GET /api/v1/billing/balance HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer {SIM_API_KEY}\r\n\
         connection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn a_reset_closes_the_connection_without_a_byte() {
    for (effect, jobs) in [("none", 0), ("applied", 1)] {
        let served = served(&format!(
            r#"{{"on":"create","nth":1,"fault":{{"kind":"reset","effect":"{effect}"}}}}"#
        ))
        .await;
        assert_eq!(served.exchange(&create("A plate")).await, "");
        assert_eq!(served.jobs(), jobs, "{effect}");
        let again = served.exchange(&create("A plate")).await;
        assert!(again.starts_with("HTTP/1.1 202 "), "{again}");
        assert_eq!(served.jobs(), 1);
    }
}

#[tokio::test]
async fn what_hangs_holds_its_connection_until_the_simulator_stops() {
    let served = served(r#"{"on":"create","fault":"hang"}"#).await;
    let mut hanging = served.connect(&create("A plate")).await;
    let other = served.exchange(&balance()).await;
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
    let nothing = hanging.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    served.stop.send(()).unwrap();
    served.serving.await.unwrap().unwrap();
    let mut rest = Vec::new();
    let _ = hanging.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_simulator_that_was_stopped_serves_again_and_its_faults_go_on() {
    let first = served(r#"{"on":"create","fault":"hang"}"#).await;
    first.stop.send(()).unwrap();
    first.serving.await.unwrap().unwrap();
    let again = serve(first.simulator).await;
    let hanging = again.connect(&create("A plate")).await;
    let other = again.exchange(&balance()).await;
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
    let nothing = hanging.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_truncated_body_is_shorter_than_it_said() {
    let served = served(r#"{"on":"balance","fault":"truncated"}"#).await;
    let answer = served.exchange(&balance()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let promised = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    assert_eq!(promised.unwrap().parse::<usize>().unwrap() / 2, body.len());
    assert!(body.starts_with("{\"currency\":\"usd\""), "{body}");
}

#[tokio::test]
async fn a_slow_body_comes_whole_and_an_endless_one_without_end() {
    let served = served(
        r#"{"on":"balance","nth":1,"fault":{"kind":"slow","seconds":86400}},
           {"on":"balance","nth":2,"fault":"endless"}"#,
    )
    .await;
    let slow = served.exchange(&balance()).await;
    assert!(slow.ends_with('}'), "{slow}");
    let mut stream = served.connect(&balance()).await;
    let mut piece = vec![0; 64 * 1024];
    let mut read = 0;
    while read < 4 * 1024 * 1024 {
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "it ended after {read} bytes");
        read += length;
    }
}

#[tokio::test]
async fn the_storage_has_a_port_of_its_own() {
    // The clock stands nearly still: links are good for as long as the test takes.
    let served = served_at("", 0.001).await;
    let api = served.address.to_string();
    let answer = served.exchange(&create("A plate [sim:duration=0]")).await;
    let id = answer.split('"').nth(3).unwrap();
    let status = served.get(&api, &format!("/api/v1/cad/jobs/{id}")).await;
    let at = status.find("/api/v1/artifacts/").unwrap();
    let download = status[at..].split('"').next().unwrap();
    let redirect = served.get(&api, download).await;
    assert!(redirect.starts_with("HTTP/1.1 302 "), "{redirect}");
    let location = redirect
        .lines()
        .find_map(|line| line.strip_prefix("location: http://"))
        .unwrap();
    let (storage, path) = location.split_at(location.find('/').unwrap());
    assert_ne!(storage, api);
    assert!(storage.starts_with("127.0.0.1:"), "{storage}");
    let file = served.get(storage, path).await;
    assert!(file.contains("\r\n\r\nISO-10303-21;"), "{file}");
    // Neither has what is the other's.
    for (address, path) in [
        (api.as_str(), path),
        (storage, "/api/v1/cad/jobs"),
        (storage, "/_sim/books"),
    ] {
        let answer = served.get(address, path).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{address}{path}");
    }
    served.stop.send(()).unwrap();
    served.serving.await.unwrap().unwrap();
    assert!(TcpStream::connect(storage).await.is_err());
}
