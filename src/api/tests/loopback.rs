//! Servers on this machine that keep every byte they were sent.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::scripted::CANARY;
use crate::api::{ApiKey, Client, HttpTransport};

/// An address where a server is about to be.
pub(super) struct Place {
    listener: TcpListener,
    pub(super) origin: String,
}

/// A server; it ends with this.
pub(super) struct Server {
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// What a server does when it has answered.
pub(super) enum Then {
    Close,
    /// Nothing, with the connection open.
    Stall,
    /// It sends this for as long as anyone takes it.
    Repeat(String),
}

impl Place {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, origin }
    }

    /// A client whose API is here, over real sockets.
    pub(super) fn client(&self) -> Client {
        let base = self.origin.parse().unwrap();
        let transport = HttpTransport::new(&base).unwrap();
        Client::new(transport, base, ApiKey::new(CANARY).unwrap())
    }

    /// Answers each request with what `answer` makes of its first line, and closes the connection.
    pub(super) fn serve(self, answer: impl Fn(&str) -> String + Send + 'static) -> Server {
        self.serve_and(Then::Close, answer)
    }

    /// One connection after the other, one request on each.
    pub(super) fn serve_and(
        self,
        then: Then,
        answer: impl Fn(&str) -> String + Send + 'static,
    ) -> Server {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = self.listener.accept().await {
                let request = request(&mut stream).await;
                let answer = answer(request.lines().next().unwrap_or_default());
                kept.lock().unwrap().push(request);
                let mut sent = stream.write_all(answer.as_bytes()).await;
                match &then {
                    Then::Close => {}
                    Then::Stall => open.push(stream),
                    Then::Repeat(chunk) => {
                        while sent.is_ok() {
                            sent = stream.write_all(chunk.as_bytes()).await;
                        }
                    }
                }
            }
        });
        Server { requests, task }
    }
}

impl Server {
    /// The requests so far, byte by byte.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer whole in one text.
pub(super) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Status\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// Reads one request: its head, and as much of a body as that announces.
async fn request(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
    }
}
