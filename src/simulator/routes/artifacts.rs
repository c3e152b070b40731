//! `GET /api/v1/cad/jobs/{job_id}/artifacts` and `GET /api/v1/artifacts/{artifact_id}/download`

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use super::jobs::job_id;
use crate::simulator::app::App;
use crate::simulator::config::Scope;
use crate::simulator::errors::ApiError;
use crate::simulator::ids::ArtifactId;
use crate::simulator::limits::{Bucket, Class};
use crate::simulator::storage::signed_path;
use crate::simulator::switches::{OlderArtifacts, SignedUrls};
use crate::simulator::wire::{ArtifactList, Download, Seconds};

/// Lists the artifacts of a job's latest revision.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    app.answer(try_list(&app, &headers, path).await)
}

/// Sends the client to the storage, or with `redirect=false` tells it where that is.
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<BTreeMap<String, String>>, QueryRejection>,
) -> Response {
    let as_json = query.is_ok_and(|Query(query)| {
        query
            .get("redirect")
            .is_some_and(|redirect| redirect == "false")
    });
    match try_download(&app, &uri, &headers, path).await {
        Ok(download) if !as_json => app.redirect(&download.url),
        outcome => app.answer(outcome.map(|download| (StatusCode::OK, download))),
    }
}

async fn try_list(
    app: &App,
    headers: &HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, ArtifactList), ApiError> {
    let key = app.authorize(headers, &[Scope::CadRead], Class::Artifacts)?;
    app.turn(|turn| {
        turn.admit(&[Bucket::Artifacts { key }])?;
        let job = turn.job(&job_id(path)?)?;
        Ok((
            StatusCode::OK,
            ArtifactList::of(&turn.world.config, &turn.world.jobs[job], turn.now),
        ))
    })
    .await
}

async fn try_download(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Download, ApiError> {
    const NOT_FOUND: ApiError = ApiError::NotFound("Artifact not found");
    let key = app.authorize(headers, &[Scope::CadRead], Class::Artifacts)?;
    app.turn(|turn| {
        turn.admit(&[Bucket::Artifacts { key }])?;
        let Path(id) = path.map_err(|_| NOT_FOUND)?;
        let id = ArtifactId::from(id.as_str());
        if turn.world.hides(&id, turn.now) {
            return Err(NOT_FOUND);
        }
        let switches = &turn.world.config.switches.visibility;
        if switches.older_artifacts == OlderArtifacts::Gone && !turn.world.is_latest(&id, turn.now)
        {
            return Err(NOT_FOUND);
        }
        // Links of one moment are told apart where each works once.
        let serial = (switches.signed_urls == SignedUrls::Once).then(|| app.next_link());
        let (revision, file) = turn.world.artifact(&id, turn.now).ok_or(NOT_FOUND)?;
        let config = &turn.world.config;
        let life_ms = config.scaled_ms(i64::from(config.link_seconds) * 1_000);
        let expires_ms = turn.now.saturating_add(life_ms);
        let path = signed_path(config.seed, &id, expires_ms, serial);
        Ok(Download {
            filename: revision.artifacts[file].filename.clone(),
            artifact_id: id,
            url: format!("http://{}{path}", storage(app, uri, headers)),
            expires_in_seconds: Seconds::from_ms(life_ms),
        })
    })
    .await
}

/// Where the client finds the storage: never the origin it knows this server by, so that a key that goes along with a
/// redirect goes where it may not. Without sockets it is the next port.
fn storage(app: &App, uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(address) = app.stored_at() {
        return address.to_string();
    }
    let told = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok()?.parse().ok());
    let known: Option<Authority> = told.or_else(|| uri.authority().cloned());
    let host = known.as_ref().map_or("localhost", Authority::host);
    let port = known.as_ref().and_then(Authority::port_u16).unwrap_or(80);
    format!("{host}:{}", port.checked_add(1).unwrap_or(1))
}
