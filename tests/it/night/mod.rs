//! Nights in virtual time, held against the simulator's books.

mod control;
mod dynamic;
mod faults;
mod forecast;
mod fuse;
mod gates;
mod harness;
mod late_charges;
mod lineage;
mod needs;
mod orders;
mod part_cancels;
mod prefix;
mod recovery;
mod recreate;
mod resumption;
mod selections;
mod shown;
mod sweeps;
mod transcripts;
mod trouble;
mod whole;
mod wire;
