//! millrun runs batch manifests of CAD parts against the Orville text-to-CAD API.

pub mod adapters;
pub mod api;
pub mod cli;
pub mod execute;
pub mod geometry;
pub mod manifest;
pub mod plan;
pub mod report;
pub mod run;
pub mod schedule;
pub mod session;
pub mod simulator;
pub mod teeth;
pub mod untrusted;
