//! The only loop: it asks what to do, records it, does it, and records what came of it. Owns the ports.

mod dispatch;
pub mod engine;
mod local;
mod look;
pub mod ports;
mod resolve;
mod shown;
mod start;
