//! calcisim: a simulator of calciphylaxis.
//!
//! The modules stand in layer order; a module imports only from a lower layer, or from a neighbour of its own layer
//! without going round in a circle.

// 0: no knowledge of the model
pub mod error;
pub mod math;
pub mod par;
pub mod units;
pub mod version;

// 1: time, dice, space, linear solvers, the registry
pub mod clock;
pub mod grid;
pub mod parameters;
pub mod random;
pub mod solve;

// 2: nouns
pub mod state;

// 3: initialisation and verbs
pub mod initial;
pub mod mechanisms;
pub mod therapies;

// 4: the schedule
pub mod model;

// 5: scenario text; what a lens shows of a snapshot
pub mod picture;
pub mod scenario;

// 6: observation, runs, files
#[cfg(feature = "cli")]
pub mod checkpoint;
#[cfg(feature = "cli")]
pub mod experiment;
#[cfg(feature = "cli")]
pub mod library;
#[cfg(feature = "cli")]
pub mod network_folder;
pub mod output;
#[cfg(feature = "cli")]
pub mod oxygen_case;
pub mod simulation;

// 7: the command line, pictures, reports and exports of run folders, the live page
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod export;
#[cfg(feature = "figures")]
pub mod figures;
#[cfg(feature = "figures")]
pub mod report;
#[cfg(feature = "page")]
pub mod view;
