//! The client through its public face, against a scripted transport.

mod bounds;
mod contract;
mod credentials;
mod documented;
mod downloads;
mod endpoints;
mod hostile;
mod loopback;
mod outcome_table;
mod outcomes;
mod scripted;
mod sent;
