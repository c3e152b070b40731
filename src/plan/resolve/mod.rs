//! Shape to meaning: a manifest's templates rendered, its matrices expanded, its needs and keys worked out.
//!
//! [`understand`] finds everything that is wrong at once, also in what could be read of a manifest whose shape is wrong.
//! Templates are parsed and checked once, where they are written, and rendered for each part. What hangs on something
//! that was refused is passed over: it may be right.

mod draft;
mod excludes;
mod expand;
mod family;
mod format;
mod guards;
pub mod images;
pub(super) mod late;
mod lints;
mod matrix;
mod names;
mod needs;
mod order;
mod outputs;
mod own;
mod part_reads;
mod problem;
mod reads;
mod scope;
mod settings;
mod shown;
mod step_needs;
mod steps;
mod template;
mod text;
mod variants;
mod walk;
mod work;

pub use draft::MAX_PARTS;
pub use family::{resolve, understand};
pub use images::{ImageProblem, ImageSource};
