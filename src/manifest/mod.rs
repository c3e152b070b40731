//! Text to shape: YAML and TOML, where everything stands in them, and diagnostics that point there.
//!
//! [`load`] reads a file and what it names, [`parse`] a text that stands alone, [`parse_in`] one with [`Surroundings`]. Both answer with a [`Manifest`]: typed, complete and inside its units, but
//! with templates, matrices and references as they were written. What they mean is worked out in `plan`. Of a manifest
//! with errors they give what could be read, so that what is wrong with its meaning is found at the same time.

mod bodies;
mod csv;
mod defaults;
pub mod diagnostic;
mod environment;
mod expected;
mod include;
mod json;
mod lints;
mod loader;
mod names;
pub mod not_yet;
mod parts;
mod reader;
mod render;
mod schema;
mod settings;
pub mod shape;
pub mod source;
mod steps;
mod suggest;
mod surroundings;
mod table;
mod toml;
mod top;
mod tree;
pub mod units;
mod yaml;

pub use diagnostic::{Code, Diagnostic, Diagnostics, Label, Severity};
pub use json::to_json;
pub use loader::{Environment, MAX_FILE_BYTES, load};
pub use render::{Style, render};
pub use schema::SCHEMA;
pub use shape::Manifest;
pub use source::{SourceId, Sources, Span, Spanned, Way};
pub use suggest::{did_you_mean, nearest};
pub use surroundings::{FileProblem, Nowhere, Surroundings};
pub use table::cell_address;
pub use top::{Format, Misshapen, parse, parse_in};
