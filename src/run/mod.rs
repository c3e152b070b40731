//! What is true: events, and the folds of them. Nothing here decides anything, and nothing here looks at a clock.

pub mod audit;
mod booking;
pub mod call;
pub mod checkup;
pub mod event;
pub mod history;
pub mod outcome;
pub mod progress;
mod questions;
pub mod remember;
pub mod sheet;
pub mod step;
mod walk;
