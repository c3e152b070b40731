//! Nights drawn from a seed: the real engine on virtual time against the simulator, with everything that can go wrong on
//! the way, and an oracle that believes the simulator's books and never our own keys.
//!
//! One seed and one commit give one history, bit for bit: the night runs on one thread, its time is virtual, its journal is
//! written on the loop's own thread, and every chance is drawn from the seed.

mod disk;
mod doc;
mod draw;
mod durable;
mod editing;
mod family;
mod faults;
mod fuse;
mod hand;
mod lifecycle;
mod machine;
pub mod night;
mod oracle;
mod process;
mod real;
mod story;
mod verdict;
mod volume;
mod wire;
mod witness;
mod world;
