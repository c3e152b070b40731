//! The command line: words in, words out. One file a command; the only room that prints and reads the environment.

mod adopt;
mod args;
mod balance;
mod call_error;
mod check;
mod complaint;
mod completions;
mod control;
mod doctor;
mod entry;
mod error;
mod exit;
mod gc;
mod init;
mod jobs;
mod ledger;
mod limits;
mod logging;
mod logs;
mod open;
mod origin;
mod output;
mod person;
mod plan;
mod progress;
mod remote;
mod report;
mod run;
mod runs;
mod schema;
mod signals;
mod sim;
mod state;
mod status;

pub use entry::main;
pub use exit::ExitCode;
