//! ISO 10303-21 ("Part 21"), the text form of STEP files: is this one whole, and is it sane?
//!
//! Real exporters bend the standard: an empty list where none may be, integers for reals, reals without a point, a missing
//! `;`, a header nested once too deep. A strict reader drops such files, so this one reads on and
//! reports what it met. An *error* means that data is missing or damaged, a *warning* that the file
//! is unusual. Nothing here recurses, and the time is linear in the size of the file.

mod examine;
mod finding;
mod schema;
mod token;

#[cfg(test)]
mod tests;

pub use examine::{Examination, examine, is_whole};
pub use finding::{Finding, Findings, Flaw, MAX_FINDINGS_PER_FLAW};
pub use schema::Schema;
