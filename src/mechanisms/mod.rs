//! Verbs: one file is one biological process.

pub mod challenge;
pub mod host_chemistry;
pub mod mineral_deposition;
pub mod osteogenic_switch;
pub mod wall_remodelling;
