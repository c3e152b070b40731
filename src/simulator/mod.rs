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
//! Where the document leaves room, each reading is a switch of the [`Config`], and our first reading its default.
//! `docs/simulator.md` lists them all, with the directives that a prompt may hold and the control calls.
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
//! | `[sim:quirk=metres]` | its STEP files are odd as real exporters' are; more than one may be asked for: `nested-header`, `integers`, `no-contexts`, `no-semicolon`, `metres`, `no-geometry`, `names-none`, `broken-header`, `no-angle-unit`, `ap203`, `truncated` |
//! | `[sim:review-fails]`, `[sim:review-unavailable]`, `=2` | in a review: the assistant fails, each time or the first 2 times |
//! | `[sim:propose]`, `[sim:propose=2]` | in a review: it proposes an iteration, each time or the first 2 times |
//! | `[sim:propose=until-done]` | in a review: it proposes one until a completed follow-up asked for what was proposed |
//!
//! # Description
//!
//! `GET /api/v1/openapi.json` gives the API as an OpenAPI 3.1 document, without a key.
//!
//! # Control
//!
//! Outside the API, without a key: `GET /_sim/books` ([`Books`]), `GET /_sim/clock`, and `POST` of JSON to
//! `/_sim/top-up`, `/_sim/balance`, `/_sim/billing`, `/_sim/keys`, `/_sim/jobs/{job_id}/charge` and
//! `/_sim/jobs/{job_id}/hidden`.
//!
//! A user of the web app works in the same workspace: `POST /_sim/webapp/jobs` with `{"prompt": "A plate"}` starts a job,
//! `POST /_sim/webapp/jobs/{job_id}/messages` goes on with one.
//!
//! # Faults
//!
//! What the service would not do by itself, the wire may: `docs/simulator-faults.md` says what and how to ask for it,
//! from a file, over `POST /_sim/faults`, or with [`Simulator::add_faults`].

mod algorithms;
mod app;
mod attachment;
mod billing;
mod books;
mod cents;
mod clock;
mod config;
mod config_file;
mod design;
mod digest;
mod directives;
mod effect;
mod errors;
mod faults;
mod file_name;
mod flights;
mod gate;
mod history;
mod ids;
mod jobs;
mod json;
mod keys;
mod limits;
mod log;
mod multipart;
mod part21;
mod product;
mod prompt;
mod quirks;
mod retry_after;
mod review;
mod router;
mod routes;
mod sanitize;
mod server;
mod sniff;
mod socket;
mod solids;
mod step;
mod storage;
mod submit;
mod switches;
#[cfg(test)]
mod tests;
mod tokens;
mod webapp;
mod wire;
mod world;
mod write;

pub use billing::BillingState;
pub use books::{Books, EarlyPoll, EarlyPolls, JobBook, KeyTally, ReviewBook, Totals, WriteBook};
pub use cents::Cents;
pub use clock::Clock;
pub use config::{ApiKey, Config, KeyState, SIM_API_KEY, Scope};
pub use config_file::ConfigError;
pub use faults::{
    Copied, Endpoint, Fault, FaultError, FaultRule, Foreign, On, Reached, Severed, Shape, When,
    Words,
};
pub use ids::{ArtifactId, FileId, JobId, MessageId, RevisionId};
pub use jobs::{Source, Status, WriteKind};
pub use limits::{Class, Limits, Quota};
pub use log::SimulatorError;
pub use server::Simulator;
pub use switches::{
    AcceptedStatus, AfterFailure, Algorithm, Billing, BillingCodes, Characters, ChargedCents,
    Charges, Checked, CodeNames, Compared, Counted, DuringFollowUp, FailedRuns, Failures,
    FollowUpHold, HistoryContent, Idempotency, ImageSize, ImageTypeOf, InFlight, Insufficient,
    KeyLife, KeyScope, Limiting, ListOrder, OlderArtifacts, PollAfter, ProposalForm, ReadClass,
    Remembered, RetryAfterForm, RetryAfterOn, ReviewCodes, ReviewedStatus, ShownBalance,
    SignedUrls, Switches, UnknownCost, Uploads, ViewerActions, Visibility,
};
