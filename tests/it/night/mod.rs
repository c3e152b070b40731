//! Nights in virtual time, held against the simulator's books.

mod control;
mod faults;
mod gates;
mod harness;
mod lineage;
mod needs;
mod orders;
mod part_cancels;
mod prefix;
mod recovery;
mod resumption;
mod selections;
mod shown;
mod sweeps;
mod trouble;
mod whole;
mod wire;
