//! Reports: what is true, told to people and to machines. Folds of events to text; nothing here prints or looks at a clock.
//!
//! Every format knows one [`Summary`](summary::Summary). Texts of the service go through [`terminal`](crate::untrusted::terminal).

mod advice;
pub mod checkup;
pub mod gates;
pub mod graph;
pub mod json;
pub mod ledger;
pub mod logs;
pub mod moment;
pub mod orphans;
pub mod palette;
pub mod plan_cost;
pub mod plan_json;
mod plan_reason;
pub mod plan_text;
mod plan_totals;
pub mod prompts;
pub mod runs;
pub mod shell;
mod stream;
pub mod summary;
mod table;
#[cfg(test)]
mod tests;
pub mod text;
pub mod why;
pub mod words;
