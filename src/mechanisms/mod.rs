//! Verbs: one file = one biological process, with its equation, units, sources and pure rule.

pub mod angiogenesis;
pub mod blood_flow;
pub mod challenge;
pub mod endothelial_injury;
pub mod epidermis;
pub mod host_chemistry;
pub mod infection;
pub mod inflammation;
pub mod ischaemia;
pub mod mineral_deposition;
pub mod msc_behaviour;
pub mod osteogenic_switch;
pub mod oxygen;
pub mod secretion;
pub mod thrombosis;
pub mod transport;
pub mod wall_remodelling;
