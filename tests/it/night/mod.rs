//! Nights in virtual time, held against the simulator's books.

mod control;
mod faults;
mod harness;
mod lineage;
mod orders;
mod part_cancels;
mod prefix;
mod recovery;
mod resumption;
mod selections;
mod sweeps;
mod trouble;
mod whole;
mod wire;
