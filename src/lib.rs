//! calcisim: a simulator of calciphylaxis.
//!
//! The modules stand in layer order; a module imports only from a lower layer.

// 0: no knowledge of the model
pub mod error;
pub mod math;
pub mod units;
pub mod version;

// 1: the registry
pub mod parameters;

// 5: scenario text
pub mod scenario;

// 6: files
#[cfg(feature = "cli")]
pub mod library;

// 7: the command line
#[cfg(feature = "cli")]
pub mod cli;
