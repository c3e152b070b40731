//! Shape to meaning: a manifest's templates rendered, its matrices expanded, its needs and keys worked out.
//!
//! [`resolve`] finds everything that is wrong at once. Templates are parsed and checked once, where they are written, and
//! rendered for each part.

mod expand;
mod family;
mod format;
mod guards;
pub mod images;
mod lints;
mod matrix;
mod names;
mod needs;
mod outputs;
mod scope;
mod settings;
mod steps;
mod template;
mod walk;

pub use family::{MAX_PARTS, resolve};
pub use images::{ImageProblem, ImageSource};
