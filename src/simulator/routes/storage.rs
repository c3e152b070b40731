//! `GET /_storage/{artifact_id}`: the storage that signed URLs lead to. It is not part of the API and asks for no key.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::simulator::app::{App, IDEMPOTENCY_KEY, Turn};
use crate::simulator::effect::Effect;
use crate::simulator::ids::ArtifactId;
use crate::simulator::jobs::Revision;
use crate::simulator::step;
use crate::simulator::storage::Signature;
use crate::simulator::switches::SignedUrls;

/// What a client shows to the API and to nobody else.
const SECRETS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, IDEMPOTENCY_KEY];

/// Gives a file to whoever has a link that works.
pub(crate) async fn file(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Signature>, QueryRejection>,
) -> Response {
    let leaks = SECRETS.iter().any(|name| headers.contains_key(name));
    let outcome = app.turn(|turn| {
        if leaks {
            turn.record(Effect::Leaked);
        }
        let (Ok(Path(id)), Ok(Query(signature))) = (path, query) else {
            return Ok(Err(StatusCode::FORBIDDEN));
        };
        let id = ArtifactId::from(id.as_str());
        Ok(take(turn, &id, &signature))
    });
    match outcome.await {
        Ok(Ok((revision, index))) => {
            let filename = &revision.artifacts[index].filename;
            let headers = [
                (CONTENT_TYPE, "application/step".to_owned()),
                (
                    CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{filename}\""),
                ),
            ];
            (headers, step::file(&revision, index)).into_response()
        }
        Ok(Err(status)) => refusal(status),
        // Only the log can fail here.
        Err(_) => refusal(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Counts the download. The file is written later, when the world is free again.
fn take(
    turn: &mut Turn<'_>,
    id: &ArtifactId,
    signature: &Signature,
) -> Result<(Revision, usize), StatusCode> {
    let used = turn.world.used_links.contains(&signature.signature);
    if used || !signature.admits(turn.world.config.seed, id, turn.now) {
        return Err(StatusCode::FORBIDDEN);
    }
    let (revision, index) = turn
        .world
        .artifact(id, turn.now)
        .ok_or(StatusCode::NOT_FOUND)?;
    let revision = revision.clone();
    turn.record(Effect::Downloaded {
        artifact: id.clone(),
    });
    if turn.world.config.switches.visibility.signed_urls == SignedUrls::Once {
        turn.record(Effect::LinkUsed {
            signature: signature.signature.clone(),
        });
    }
    Ok((revision, index))
}

/// What a link that does not work leads to.
pub(crate) fn refusal(status: StatusCode) -> Response {
    (status, "The link is invalid or has expired.\n").into_response()
}
