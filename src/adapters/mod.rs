//! One file for each outside thing: the service, the journal, the limits, the files, the images, the clock, the state folder.

pub mod ballast;
pub mod clock;
pub mod content_store;
pub mod errored;
pub mod examine;
pub mod files;
mod folder_name;
pub mod guarded_journal;
pub mod high_water;
pub mod images;
pub mod in_process;
pub mod journal;
mod journal_layout;
mod journal_rows;
pub mod limits_db;
pub mod limits_view;
pub mod mount;
pub mod orville;
pub mod private_folder;
pub mod run_lock;
pub mod shared_limits;
mod slot_clock;
mod slot_holders;
mod slot_rows;
pub mod sqlite;
pub mod state_folder;
mod translate;
