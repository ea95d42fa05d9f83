//! Verbs: one file is one biological process.

pub mod angiogenesis;
pub mod epidermis;
pub mod infection;
pub mod inflammation;
pub mod msc_behaviour;
pub mod secretion;
