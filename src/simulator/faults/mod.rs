//! Faults: what the wire and the things along it do to requests and answers that the service itself would never do.
//!
//! Rules come from a file, a control call or code, and act at one seam around the routes: what happens in process
//! happens over sockets too. `docs/simulator-faults.md` is the list for users. Rules are no part of the world: its
//! log never holds one, and a reopened world is free of them.

mod body;
mod endpoint;
mod fault;
mod rule;
mod seam;
mod spoil;
mod strike;

pub use endpoint::Endpoint;
pub use fault::{Copied, Fault, Foreign, Reached, Shape, Words};
pub use rule::{FaultError, FaultRule, On, When};
pub use seam::Severed;
pub(crate) use seam::seam;
pub(crate) use strike::{Armed, Faults};
