//! Bodies that do not arrive as they should.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::response::Parts;
use axum::response::Response;
use futures_util::stream;

use crate::simulator::app::App;

/// In how many pieces a slow body trickles.
const PIECES: usize = 32;
/// How much of an endless body is sent at a time.
const GULP: usize = 64 * 1024;

/// A body that never begins: the connection is gone.
pub(super) fn lost() -> Body {
    Body::from_stream(stream::iter([Err::<Bytes, _>(reset())]))
}

/// The whole body, spread over `ms` milliseconds of real or virtual time.
pub(super) fn slow(app: Arc<App>, mut head: Parts, bytes: Bytes, ms: i64) -> Response {
    let size = bytes.len().div_ceil(PIECES).max(1);
    let pieces = i64::try_from(bytes.len().div_ceil(size).max(1)).unwrap_or(1);
    head.headers.insert(CONTENT_LENGTH, bytes.len().into());
    let trickle = stream::unfold((app, bytes), move |(app, mut bytes)| async move {
        if bytes.is_empty() {
            return None;
        }
        let (clock, stopped) = (app.clock(), app.faults().stopped());
        tokio::select! {
            () = clock.pass(ms / pieces) => {
                let piece = bytes.split_to(size.min(bytes.len()));
                Some((Ok(piece), (app, bytes)))
            }
            () = stopped => Some((Err(reset()), (app, Bytes::new()))),
        }
    });
    Response::from_parts(head, Body::from_stream(trickle))
}

/// Half of the body, where the whole is promised.
pub(super) fn truncated(mut head: Parts, bytes: &Bytes) -> Response {
    head.headers.insert(CONTENT_LENGTH, bytes.len().into());
    let half = bytes.slice(..bytes.len() / 2);
    let cut = stream::unfold(Some(half), async |half| match half {
        Some(half) if !half.is_empty() => Some((Ok(half), Some(Bytes::new()))),
        Some(_) => {
            // The half is given the time to leave: an error at once would take it along.
            tokio::task::yield_now().await;
            Some((Err(reset()), None))
        }
        None => None,
    });
    Response::from_parts(head, Body::from_stream(cut))
}

/// The beginning of the body, and then blanks for as long as somebody reads.
pub(super) fn endless(app: Arc<App>, mut head: Parts, bytes: &Bytes) -> Response {
    head.headers.remove(CONTENT_LENGTH);
    let begin = bytes.slice(..bytes.len().saturating_sub(1));
    let blanks = Bytes::from(vec![b' '; GULP]);
    let flood = stream::unfold((app, Some(begin)), move |(app, begin)| {
        let blanks = blanks.clone();
        async move {
            if let Some(begin) = begin.filter(|begin| !begin.is_empty()) {
                return Some((Ok(begin), (app, None)));
            }
            // Whoever reads must not keep the others from their turn.
            tokio::task::yield_now().await;
            if app.faults().is_stopped() {
                return Some((Err(reset()), (app, None)));
            }
            Some((Ok(blanks), (app, None)))
        }
    });
    Response::from_parts(head, Body::from_stream(flood))
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}
