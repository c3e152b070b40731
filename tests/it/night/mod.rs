//! Nights in virtual time, held against the simulator's books.

mod faults;
mod harness;
mod lineage;
mod prefix;
mod resumption;
mod selections;
mod trouble;
mod whole;
mod wire;
