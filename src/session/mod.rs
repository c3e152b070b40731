//! A manifest and its state, opened: what the command line and programs use to plan and run a family.

mod adopt;
mod approve;
mod begin;
mod carry;
mod control;
mod doctor;
mod gc;
mod lost;
mod open;
mod recover;
mod regenerate;
mod run;
mod select;
mod service;
mod slots;
mod state;

pub use adopt::{Adoption, adopt_jobs};
pub use approve::{Answer, approve};
pub use begin::{begin, begin_selected};
pub use carry::{Carried, export};
pub use control::{Obeyed, command};
pub use doctor::examine;
pub use gc::collect_garbage;
pub use open::{Loaded, Session, SessionError, load};
pub use recover::{adopt, assignments, confirm_absent};
pub use run::{Options, run};
pub use select::{selected, states};
pub use service::{Origin, SIMULATOR_SPEED};
pub use state::Risks;
