//! Which parts are meant: the expressions of `--select` and `--exclude`, and what they name in a family.

mod expression;
mod parts;

pub use expression::{Expression, SelectionError, State};
pub use parts::{Candidate, States, Wish};
