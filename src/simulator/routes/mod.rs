//! The endpoints. Each checks the key and scope, reads its body, takes one turn with the world and answers.

pub(crate) mod artifacts;
pub(crate) mod balance;
pub(crate) mod control;
pub(crate) mod control_faults;
pub(crate) mod control_webapp;
pub(crate) mod jobs;
pub(crate) mod openapi;
mod order;
pub(crate) mod storage;
pub(crate) mod writes;
