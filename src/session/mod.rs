//! A manifest and its state, opened: what the command line and programs use to plan and run a family.

mod begin;
mod carry;
mod doctor;
mod lost;
mod open;
mod run;
mod service;
mod state;

pub use begin::begin;
pub use carry::{Carried, export};
pub use doctor::examine;
pub use open::{Loaded, Session, SessionError, load};
pub use run::{Options, run};
pub use service::{Origin, SIMULATOR_SPEED};
pub use state::Risks;
