//! What to do next: limits, urgency, money, retries. Functions over values: no clock, no waiting, no randomness.

pub mod adoption;
pub mod agenda;
pub mod answer;
pub mod backoff;
mod bucket;
pub mod charges;
pub mod decide;
pub mod errand;
pub mod judge;
pub mod judge_poll;
pub mod limits;
pub mod looks;
pub mod money;
mod pace;
pub mod polls;
pub mod rehearsal;
pub mod search;
pub mod slot;
pub mod strain;
pub mod sweep;
pub mod transcripts;
mod trips;
pub mod witness;
mod writes;
