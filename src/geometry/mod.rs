//! Reading the geometry files that come home.

pub mod part21;
