//! What is true: events, and the folds of them. Nothing here decides anything, and nothing here looks at a clock.

mod about;
pub mod audit;
mod booking;
pub mod call;
pub mod checkup;
pub mod control;
mod doubt;
pub mod event;
mod follow;
mod gate;
pub mod history;
pub mod outcome;
mod ownership;
pub mod progress;
mod questions;
pub mod remember;
mod resolving;
pub mod sheet;
pub mod step;
pub mod stop;
mod timed;
mod walk;
