//! `GET /_storage/{artifact_id}`: the storage that signed URLs lead to. It is not part of the API and asks for no key.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::simulator::app::{App, Turn};
use crate::simulator::effect::Effect;
use crate::simulator::ids::ArtifactId;
use crate::simulator::jobs::Revision;
use crate::simulator::step;
use crate::simulator::storage::Signature;

/// Gives a file to whoever has a link that works.
pub(crate) async fn file(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Signature>, QueryRejection>,
) -> Response {
    let (Ok(Path(id)), Ok(Query(signature))) = (path, query) else {
        return refusal(StatusCode::FORBIDDEN);
    };
    let id = ArtifactId::from(id.as_str());
    match app.turn(|turn| Ok(take(turn, &id, &signature))).await {
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
        Err(error) => refusal(error.status()),
    }
}

/// Counts the download. The file is written later, when the world is free again.
fn take(
    turn: &mut Turn<'_>,
    id: &ArtifactId,
    signature: &Signature,
) -> Result<(Revision, usize), StatusCode> {
    if !signature.admits(turn.world.config.seed, id, turn.now) {
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
    Ok((revision, index))
}

/// What a link that does not work leads to.
pub(crate) fn refusal(status: StatusCode) -> Response {
    (status, "The link is invalid or has expired.\n").into_response()
}
