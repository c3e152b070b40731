//! The simulator: the whole remote API as an axum [`Router`](axum::Router) over a small world of its own.
//!
//! It answers to the API document alone and shares nothing with the client, so that a mistake of one cannot hide in
//! the other. The world is a fold of effects, kept in a log that is on disk before anything
//! is answered. Time is a value that every question brings along: a job never runs, its state is read off the
//! timetable it was accepted with. Durations, charges, failures and files are drawn from the seed and the content
//! asked for, so that the same prompts have the same night.
//!
//! # Reading an open document
//!
//! Where the document leaves room: a key is remembered for the workspace, for ever, after success only, and looked up
//! before the job's state and the balance; a replay costs a token and gets a fresh `request_id`. Limits are sliding
//! logs; refused requests and those without a fitting key are not counted. The balance is shown net of holds,
//! follow-ups take one too, failed runs are free, and `charged_cents` is the sum over a job's runs. The last revision
//! stays visible during and after later runs, whatever becomes of them.
//!
//! # Directives
//!
//! A prompt may hold orders to the simulator:
//!
//! | directive | what it does |
//! | --- | --- |
//! | `[sim:fail]` | this write fails, however often it is asked for |
//! | `[sim:fail=2]` | the first 2 writes of this content (and lineage) fail |
//! | `[sim:duration=5]` | the run takes 5 s |
//! | `[sim:cost=150]` | the run is charged 150 cents, even beyond its hold |
//! | `[sim:charge-late=60]` | the charge is known (and the hold let go) 60 s after the run's end |
//! | `[sim:files=3]` | an assembly with 3 files: the whole and two parts |
//! | `[sim:truncated]` | the run's STEP files are cut short |
//! | `[sim:quirk=metres]` | its STEP files are odd as real exporters' are; more than one may be asked for: `nested-header`, `integers`, `no-contexts`, `no-semicolon`, `metres`, `no-geometry`, `names-none`, `truncated` |
//! | `[sim:propose]`, `[sim:propose=2]` | in a review: it proposes an iteration, each time or the first 2 times |
//! | `[sim:propose=until-done]` | in a review: it proposes one until a completed follow-up asked for what was proposed |
//!
//! # Control
//!
//! Outside the API, without a key: `GET /_sim/books` ([`Books`]), `GET /_sim/clock`, `POST /_sim/top-up` with
//! `{"cents": 1000}`.
//!
//! A user of the web app works in the same workspace: `POST /_sim/webapp/jobs` with `{"prompt": "A plate"}` starts a job,
//! `POST /_sim/webapp/jobs/{job_id}/messages` goes on with one, `PUT /_sim/webapp/jobs/{job_id}/hidden` with
//! `{"hidden": true}` takes it out of the list.
//!
//! # Faults
//!
//! What the service would not do by itself, the wire may: `docs/simulator-faults.md` says what and how to ask for it,
//! from a file, over `POST /_sim/faults`, or with [`Simulator::add_faults`].

mod app;
mod billing;
mod books;
mod cents;
mod clock;
mod config;
mod design;
mod digest;
mod directives;
mod effect;
mod errors;
mod faults;
mod history;
mod ids;
mod jobs;
mod limits;
mod log;
mod multipart;
mod part21;
mod prompt;
mod quirks;
mod review;
mod router;
mod routes;
mod server;
mod socket;
mod solids;
mod step;
mod storage;
mod submit;
#[cfg(test)]
mod tests;
mod tokens;
mod webapp;
mod wire;
mod world;

pub use books::{Books, EarlyPoll, EarlyPolls, JobBook, KeyTally, ReviewBook, Totals, WriteBook};
pub use cents::Cents;
pub use clock::Clock;
pub use config::{ApiKey, Config, SIM_API_KEY, Scope};
pub use faults::{
    Copied, Endpoint, Fault, FaultError, FaultRule, Foreign, On, Reached, Severed, Shape, When,
    Words,
};
pub use ids::{ArtifactId, FileId, JobId, MessageId, RevisionId};
pub use jobs::{Source, Status, WriteKind};
pub use limits::{Class, Limits, Quota};
pub use log::SimulatorError;
pub use server::Simulator;
