//! The binary, as a user runs it.

mod commands;
mod kill;
mod place;
mod third_party;
