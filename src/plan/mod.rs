//! Shape to meaning: ids, templates, matrices, the graph, step keys, lineage, actions and cost. No run state, no IO, no time.

pub mod action;
pub mod actions;
pub mod bill;
pub mod bind;
pub mod content;
pub mod difference;
pub mod dynamic;
pub mod family;
pub mod gate;
pub mod ids;
pub mod key;
pub mod ledger;
pub mod memory;
pub mod money;
pub mod order;
pub mod publish;
pub mod recreation;
pub mod remote;
pub mod resolve;
pub mod selection;
pub mod settings;
pub mod settle;
pub mod subset;
pub mod timing;
pub mod view;
