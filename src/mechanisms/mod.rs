//! Verbs: one file = one biological process, with its equation, units, sources and pure rule.

pub mod blood_flow;
pub mod endothelial_injury;
pub mod ischaemia;
pub mod oxygen;
pub mod thrombosis;
pub mod transport;
