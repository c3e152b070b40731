//! The binary, as a user runs it.

mod blows;
mod carried;
mod commands;
mod control;
mod cookbook;
mod doctor;
mod faults;
mod gates;
mod gc;
mod kill;
mod language;
mod limits;
mod looks;
mod place;
mod saved;
mod select;
mod service;
mod simulator;
mod state;
mod stops;
mod third_party;
mod why;
