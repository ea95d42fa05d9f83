//! calcisim: a simulator of calciphylaxis.
//!
//! The modules stand in layer order; a module imports only from a lower layer.

// 0: no knowledge of the model
pub mod error;
pub mod math;
pub mod par;
pub mod units;

// 1: time, dice, space, linear solvers
pub mod clock;
pub mod grid;
pub mod parameters;
pub mod random;

// 2: nouns
pub mod state;

// 3: verbs and treatments
pub mod mechanisms;
pub mod therapies;
