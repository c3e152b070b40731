//! Reports of nights that are told event by event.

mod documents;
mod night;
mod texts;
