//! calcisim: a simulator of calciphylaxis.
//!
//! The modules stand in layer order; a module imports only from a lower layer.

// 0: no knowledge of the model
pub mod error;
pub mod math;
pub mod par;

// 1: time, dice, space, linear solvers
pub mod clock;
pub mod grid;
pub mod random;

// 2: nouns
pub mod state;

// 5: what a lens shows of a snapshot
pub mod picture;

// 7: pictures of run folders
#[cfg(feature = "figures")]
pub mod figures;
