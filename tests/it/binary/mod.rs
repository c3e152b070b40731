//! The binary, as a user runs it.

mod commands;
mod kill;
mod place;
mod simulator;
