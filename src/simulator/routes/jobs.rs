//! `GET /api/v1/cad/jobs`, `GET …/{job_id}` and `GET …/{job_id}/messages`

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use crate::simulator::app::{App, Turn};
use crate::simulator::config::Scope;
use crate::simulator::digest::Digester;
use crate::simulator::effect::Effect;
use crate::simulator::errors::ApiError;
use crate::simulator::history::History;
use crate::simulator::ids::JobId;
use crate::simulator::jobs::Job;
use crate::simulator::limits::{Bucket, Class};
use crate::simulator::submit;
use crate::simulator::switches::ListOrder;
use crate::simulator::wire::{JobList, JobStatus, JobSummary};
use crate::simulator::world::World;

/// How many jobs a page has unless the client says.
const PAGE: usize = 20;
/// And how many at most.
const LARGEST_PAGE: usize = 100;

/// The query of a job list.
#[derive(Debug, Deserialize)]
pub(crate) struct ListQuery {
    limit: Option<String>,
    cursor: Option<String>,
    q: Option<String>,
}

/// Where a list goes on, and how it was asked for.
#[derive(Debug)]
struct Cursor {
    /// The number, in order of creation, of the job that was shown last; at first that of none.
    after: Option<usize>,
    limit: usize,
    q: String,
}

/// Lists jobs.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response {
    app.answer(try_list(&app, &headers, query).await)
}

/// Reads a job's status.
pub(crate) async fn status(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    app.answer(try_status(&app, &headers, path).await)
}

/// Reads a job's conversation.
pub(crate) async fn messages(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    app.answer(try_messages(&app, &headers, path).await)
}

/// The job a path names.
pub(super) fn job_id(path: Result<Path<String>, PathRejection>) -> Result<JobId, ApiError> {
    match path {
        Ok(Path(id)) => Ok(JobId::from(id.as_str())),
        Err(_) => Err(ApiError::NO_JOB),
    }
}

async fn try_list(
    app: &App,
    headers: &HeaderMap,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<(StatusCode, JobList), ApiError> {
    app.authorize(headers, &[Scope::CadRead], Class::Reads)?;
    app.turn(|turn| {
        turn.admit(&[Bucket::Reads])?;
        let Query(query) = query.map_err(|_| ApiError::InvalidRequest("The query is invalid"))?;
        let start = Cursor::begin(query)?;
        Ok((StatusCode::OK, start.page(turn.world, turn.now)?))
    })
    .await
}

async fn try_status(
    app: &App,
    headers: &HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, JobStatus), ApiError> {
    let key = app.authorize(headers, &[Scope::CadRead], Class::Reads)?;
    app.turn(|turn| {
        let id = job_id(path);
        let known = id.as_ref().ok().and_then(|id| turn.world.job_index(id));
        let Some(job) = known else {
            // A job that is not there has no limit of its own: it would be a way to fill the memory.
            turn.admit(&[Bucket::Reads])?;
            return Err(ApiError::NO_JOB);
        };
        turn.admit(&[Bucket::JobPolls { key, job }, Bucket::Reads])?;
        Ok((StatusCode::OK, poll(turn, job)))
    })
    .await
}

/// Answers a poll, and notes if it came before its time.
fn poll(turn: &mut Turn<'_>, index: usize) -> JobStatus {
    let now = turn.now;
    if let Some(told_ms) = turn.world.jobs[index]
        .next_poll_ms
        .filter(|told_ms| now < *told_ms)
    {
        let job = turn.world.jobs[index].id.clone();
        turn.record(Effect::PolledEarly { job, told_ms });
    }
    let active = turn.world.jobs[index].status(now).is_active();
    let poll_after = submit::poll_after(turn.world).filter(|_| active);
    let world = &mut *turn.world;
    let job = &mut world.jobs[index];
    job.next_poll_ms = poll_after.map(|wait| now.saturating_add(wait.ms()));
    JobStatus::of(&world.config, job, poll_after, now)
}

async fn try_messages(
    app: &App,
    headers: &HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, History), ApiError> {
    app.authorize(headers, &[Scope::CadRead], Class::Reads)?;
    app.turn(|turn| {
        turn.admit(&[Bucket::Reads])?;
        let job = turn.job(&job_id(path)?)?;
        Ok((
            StatusCode::OK,
            History::of(
                &turn.world.config.switches.visibility,
                &turn.world.jobs[job],
                turn.now,
            ),
        ))
    })
    .await
}

impl Cursor {
    /// From the query: a cursor brings its own limit and search, which the query may override.
    fn begin(query: ListQuery) -> Result<Self, ApiError> {
        let mut cursor = match query.cursor.filter(|cursor| !cursor.is_empty()) {
            Some(text) => {
                Self::decode(&text).ok_or(ApiError::InvalidRequest("cursor is invalid"))?
            }
            None => Self {
                after: None,
                limit: PAGE,
                q: String::new(),
            },
        };
        if let Some(limit) = query.limit {
            cursor.limit = limit.parse().unwrap_or(0);
        }
        if let Some(q) = query.q {
            cursor.q = q.to_lowercase();
        }
        if (1..=LARGEST_PAGE).contains(&cursor.limit) {
            Ok(cursor)
        } else {
            Err(ApiError::InvalidRequest("limit must be between 1 and 100"))
        }
    }

    /// # Errors
    /// When it goes on after a job that there is not: it is none of ours.
    fn page(self, world: &World, now: i64) -> Result<JobList, ApiError> {
        let order = order(world);
        let start = match self.after {
            None => 0,
            Some(after) => {
                let shown = order.iter().position(|index| *index == after);
                shown.ok_or(ApiError::InvalidRequest("cursor is invalid"))? + 1
            }
        };
        let mut found = order[start..]
            .iter()
            .map(|index| (*index, &world.jobs[*index]))
            .filter(|(_, job)| !job.hidden && job.search.contains(&self.q));
        let page: Vec<(usize, &Job)> = found.by_ref().take(self.limit).collect();
        let more = found.next().is_some();
        let next_cursor = page.last().filter(|_| more).map(|(index, _)| {
            Self {
                after: Some(*index),
                ..self
            }
            .encode()
        });
        Ok(JobList {
            jobs: page
                .iter()
                .map(|(_, job)| JobSummary::of(&world.config, job, now))
                .collect(),
            next_cursor,
        })
    }

    fn encode(&self) -> String {
        let after = self
            .after
            .map_or_else(String::new, |after| after.to_string());
        let text = format!("{after}:{}:{}", self.limit, self.q);
        BASE64URL_NOPAD.encode(text.as_bytes())
    }

    fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()?;
        let mut fields = text.splitn(3, ':');
        Some(Self {
            after: Some(fields.next()?.parse().ok()?),
            limit: fields.next()?.parse().ok()?,
            q: fields.next()?.to_owned(),
        })
    }
}

/// The numbers of all jobs in the order that lists have. What is any order to a client is the same for every page.
fn order(world: &World) -> Vec<usize> {
    let mut order: Vec<usize> = (0..world.jobs.len()).rev().collect();
    if world.config.switches.visibility.order == ListOrder::Any {
        let digest = |index: &usize| {
            Digester::new("list order")
                .text(world.jobs[*index].id.as_str())
                .finish()
        };
        order.sort_by_cached_key(digest);
    }
    order
}
