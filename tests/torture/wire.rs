//! The wire: requests need a while, some are lost, and what is out when its process dies may arrive all the same.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use millrun::adapters::in_process::InProcess;
use millrun::api::{Body, SendFuture, TimeLimit, Transport, TransportError};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::draw::Draw;
use super::night::let_pass;
use super::oracle::Auditor;
use super::story::Story;
use super::witness::Witness;

/// The longest way there. A process starts later than this after the one before it died.
pub(super) const LONGEST_WAY_MS: u32 = 400;

/// The wire of one night. Clones share it.
#[derive(Clone)]
pub(super) struct Wire {
    service: InProcess,
    story: Story,
    pub(super) witness: Witness,
    auditor: Auditor,
    shared: Arc<Shared>,
}

struct Shared {
    draw: Mutex<Draw>,
    sent: AtomicU64,
    /// Which process is at work: a higher one than a request has means that its own is dead.
    process: AtomicU64,
    lossy: Mutex<(u32, u32)>,
    /// From when to when no connection comes about.
    outage: Mutex<Option<(Instant, Instant)>>,
}

impl Wire {
    pub(super) fn new(
        service: InProcess,
        story: Story,
        witness: Witness,
        auditor: Auditor,
        draw: Draw,
    ) -> Self {
        Self {
            service,
            story,
            witness,
            auditor,
            shared: Arc::new(Shared {
                draw: Mutex::new(draw),
                sent: AtomicU64::new(0),
                process: AtomicU64::new(0),
                lossy: Mutex::new((0, 0)),
                outage: Mutex::new(None),
            }),
        }
    }

    /// From now on so many requests in a hundred are lost on their way there, and on their way back.
    pub(super) fn lose(&self, lossy: (u32, u32)) {
        *self.shared.lossy.lock().unwrap() = lossy;
    }

    /// No connection comes about from `after` seconds on, for `lasting` seconds.
    pub(super) fn fail(&self, outage: Option<(u32, u32)>) {
        let now = Instant::now();
        let span = outage.map(|(after, lasting)| {
            let from = now + Duration::from_secs(after.into());
            (from, from + Duration::from_secs(lasting.into()))
        });
        *self.shared.outage.lock().unwrap() = span;
    }

    /// The process is gone: of what is out, some is lost.
    pub(super) fn process_is_gone(&self) {
        self.shared.process.fetch_add(1, Ordering::Relaxed);
    }

    fn is_down(&self) -> bool {
        let outage = *self.shared.outage.lock().unwrap();
        outage.is_some_and(|(from, to)| (from..to).contains(&Instant::now()))
    }

    fn tell(&self, what: &str) {
        self.story.tell(self.auditor.now_ms(), what);
    }
}

/// What becomes of a request, drawn when it leaves.
struct Fate {
    number: u64,
    way_there: Duration,
    way_back: Duration,
    lost_there: bool,
    lost_back: bool,
    dies_along: bool,
}

impl Wire {
    fn fate(&self) -> Fate {
        let mut draw = self.shared.draw.lock().unwrap();
        let (there, back) = *self.shared.lossy.lock().unwrap();
        let ms = |ms: u32| Duration::from_millis(ms.into());
        // Now and then an answer stalls.
        let longest_back = if draw.happens(3) { 20_000 } else { 400 };
        Fate {
            number: self.shared.sent.fetch_add(1, Ordering::Relaxed) + 1,
            way_there: ms(draw.within(20, LONGEST_WAY_MS)),
            way_back: ms(draw.within(20, longest_back)),
            lost_there: draw.happens(there),
            lost_back: draw.happens(back),
            dies_along: draw.happens(50),
        }
    }

    async fn carry(
        self,
        request: Request<Bytes>,
        fate: Fate,
        answer: oneshot::Sender<Result<Response<Body>, TransportError>>,
    ) {
        let lost = || Err(TransportError::Lost("connection reset".to_owned()));
        let number = fate.number;
        let process = self.shared.process.load(Ordering::Relaxed);
        let_pass(fate.way_there).await;
        let is_orphan = process != self.shared.process.load(Ordering::Relaxed);
        if fate.lost_there || (is_orphan && fate.dies_along) {
            self.tell(&format!("#{number} lost on its way there"));
            let_pass(fate.way_back).await;
            let _ = answer.send(lost());
            return;
        }
        let is_post = request.method() == http::Method::POST;
        let reply = self.service.send(request).await;
        let told = match &reply {
            Ok(reply) => reply.status().as_u16().to_string(),
            Err(error) => error.to_string(),
        };
        self.tell(&format!("#{number} is answered {told}"));
        if is_post {
            self.auditor.audit();
        }
        let_pass(fate.way_back).await;
        if fate.lost_back {
            self.tell(&format!("#{number} lost on its way back"));
        }
        let _ = answer.send(if fate.lost_back { lost() } else { reply });
    }
}

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        let whole = match request.extensions().get::<TimeLimit>() {
            Some(TimeLimit::Whole(whole) | TimeLimit::Idle { whole }) => *whole,
            None => Duration::from_secs(60),
        };
        let deadline = Instant::now() + whole;
        if self.is_down() {
            return Box::pin(async { Err(TransportError::NotSent("no route to host".to_owned())) });
        }
        let fate = self.fate();
        let key = request.headers().get("idempotency-key");
        let key = key.and_then(|key| key.to_str().ok()).unwrap_or_default();
        self.tell(&format!(
            "#{} {} {} {key}",
            fate.number,
            request.method(),
            request.uri().path()
        ));
        self.witness.leaves(&request);
        let (answer, answered) = oneshot::channel();
        // The request lives on when who sent it is gone.
        tokio::spawn(self.clone().carry(request, fate, answer));
        Box::pin(async move {
            let late = || TransportError::Lost("the time is up".to_owned());
            let reply = tokio::time::timeout_at(deadline, answered).await;
            let reply = reply.map_err(|_| late())?.map_err(|_| late())??;
            Ok(reply.map(|body| {
                Timed {
                    body,
                    end: Box::pin(tokio::time::timeout_at(deadline, std::future::pending())),
                }
                .boxed_unsync()
            }))
        })
    }
}

/// A body that ends in an error when its time is up.
struct Timed {
    body: Body,
    end: Pin<Box<tokio::time::Timeout<std::future::Pending<()>>>>,
}

impl http_body::Body for Timed {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        if self.end.as_mut().poll(context).is_ready() {
            let late = TransportError::Lost("the time is up".to_owned());
            return Poll::Ready(Some(Err(late)));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
