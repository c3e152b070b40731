//! Tests from outside: nights in virtual time, manifests and their diagnostics, the binary.

#![allow(unreachable_pub, reason = "a test crate has no outside")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by a panic, and prints what helps to find out why"
)]

mod binary;
mod downloads;
mod house;
mod limits;
mod manifest;
mod night;
mod nights;
mod slots;
