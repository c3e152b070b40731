//! The binary, as a user runs it.

mod commands;
mod faults;
mod kill;
mod language;
mod looks;
mod place;
mod service;
mod simulator;
mod stops;
mod third_party;
