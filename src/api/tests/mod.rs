//! The client through its public face, against a scripted transport.

mod downloads;
mod endpoints;
mod outcomes;
mod scripted;
