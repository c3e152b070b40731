//! The wire between the engine and the simulator: it has a length, and somebody may tamper with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use millrun::adapters::in_process::InProcess;
use millrun::api::{Body, SendFuture, Transport, TransportError};

use super::harness::let_pass;

/// What requests take to the service, in turn: a later one may overtake an earlier one, and what a client counts from
/// its send is never what the service counts from its arrival.
const WAYS_THERE_MS: [u64; 3] = [100, 350, 200];
/// What an answer takes back.
const WAY_BACK: Duration = Duration::from_millis(200);

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and so does its answer.
    Arrives,
    /// No connection comes about.
    NotSent,
    /// It is lost on its way there.
    LostThere,
    /// It arrives, and its answer is lost.
    LostBack,
    /// Somebody else answers: this status, and this code of an error.
    Answered(u16, &'static str),
}

type Nemesis = Box<dyn FnMut(&Request<Bytes>) -> Fate + Send>;

/// A request on its way, by its number.
type Open = (u64, Request<Bytes>);

/// A request needs a while to the service, and its answer a while back. What is on its way when the process dies is kept,
/// so that a test can say what became of it.
#[derive(Clone)]
pub(super) struct Wire {
    service: InProcess,
    sent: Arc<AtomicU64>,
    open: Arc<Mutex<Vec<Open>>>,
    nemesis: Arc<Mutex<Nemesis>>,
}

impl Wire {
    pub(super) fn new(service: InProcess) -> Self {
        Self {
            service,
            sent: Arc::default(),
            open: Arc::default(),
            nemesis: Arc::new(Mutex::new(Box::new(|_| Fate::Arrives))),
        }
    }

    pub(super) fn beset(&self, nemesis: impl FnMut(&Request<Bytes>) -> Fate + Send + 'static) {
        *self.nemesis.lock().unwrap() = Box::new(nemesis);
    }

    pub(super) async fn deliver_what_is_open(&self) {
        let open: Vec<Open> = self.open.lock().unwrap().drain(..).collect();
        for (_, request) in open {
            let _ = self.service.send(request).await;
        }
    }

    pub(super) fn lose_what_is_open(&self) {
        self.open.lock().unwrap().clear();
    }
}

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        let fate = (self.nemesis.lock().unwrap())(&request);
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        if fate == Fate::NotSent {
            return Box::pin(async { Err(TransportError::NotSent("no route to host".to_owned())) });
        }
        self.open.lock().unwrap().push((number, request.clone()));
        let way_there = WAYS_THERE_MS[(number % 3) as usize];
        Box::pin(async move {
            let_pass(Duration::from_millis(way_there)).await;
            self.open
                .lock()
                .unwrap()
                .retain(|(open, _)| *open != number);
            let reply = match fate {
                Fate::Answered(status, code) => Ok(answer(status, code)),
                Fate::LostThere => Err(TransportError::Lost("connection reset".to_owned())),
                _ => self.service.send(request).await,
            };
            let_pass(WAY_BACK).await;
            match fate {
                Fate::LostBack => Err(TransportError::Lost("connection reset".to_owned())),
                _ => reply,
            }
        })
    }
}

fn answer(status: u16, code: &str) -> Response<Body> {
    let body =
        format!(r#"{{"error":{{"code":"{code}","message":"so it is"}},"request_id":"req_x"}}"#);
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.boxed_unsync())
        .unwrap()
}
