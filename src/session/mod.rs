//! A manifest and its state, opened: what the command line and programs use to plan and run a family.

mod adopt;
mod begin;
mod open;
mod recover;
mod run;
mod service;
mod slots;

pub use adopt::{Adoption, adopt_jobs};
pub use begin::begin;
pub use open::{Loaded, Session, SessionError, load};
pub use recover::{adopt, assignments, confirm_absent};
pub use run::{Options, run};
pub use service::{Origin, SIMULATOR_SPEED};
