//! The binary, as a user runs it.

mod commands;
mod faults;
mod kill;
mod place;
