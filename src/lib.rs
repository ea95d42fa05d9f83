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

// 4: the schedule
pub mod model;

// 5: scenario text
pub mod scenario;

// 6: records, checkpoints, runs and experiments
#[cfg(feature = "cli")]
pub mod checkpoint;
#[cfg(feature = "cli")]
pub mod experiment;
pub mod output;
pub mod simulation;
