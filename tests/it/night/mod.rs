//! Nights in virtual time, held against the simulator's books.

mod faults;
mod harness;
mod lineage;
mod prefix;
mod recovery;
mod resumption;
mod trouble;
mod whole;
mod wire;
