//! The client through its public face, against a scripted transport.

mod contract;
mod documented;
mod downloads;
mod endpoints;
mod outcome_table;
mod outcomes;
mod scripted;
mod sent;
