//! calcisim: a simulator of calciphylaxis.
//!
//! A scenario is text, a model is what it describes, a step is an hour:
//!
//! ```
//! use calcisim::{error::Result, model::Model, output::series::Look, scenario::*, simulation::*};
//!
//! # fn main() -> Result<()> {
//! let scenario: Scenario = "extends = 'healthy'\n[space]\nwidth_mm = 2.0\nvoxel_um = 40".parse()?;
//! let settings = RunSettings::of(&scenario, &Shipped)?;
//! let mut model = Model::new(settings.parameters.clone(), settings.seed)?;
//! let mut series = Vec::new();
//! while model.clock.day() < 0.5 {
//!     advance(&mut model, &settings.instruments)?;
//!     series.push(Look::at(&model.tissue, &settings.definitions).row(model.clock.step(), model.clock.day()));
//! }
//! assert!(series.iter().all(|row| row.get("mean_po2_mmhg") > Some(20.0)));
//! # Ok(())
//! # }
//! ```
//!
//! # How to read on
//!
//! 1. [`scenario`]: from text to checked parameters, and where every value comes from; [`parameters`]: the registry behind it.
//! 2. [`state`]: the nouns. [`state::Tissue`] holds space, fields, vessels, cells and the patient.
//! 3. [`mechanisms`] and [`therapies`]: the verbs. One file is one process: its equation, its symbols, its source.
//! 4. [`model`]: the order of the processes, [`model::Model::step`], on one page.
//! 5. [`output`]: what is observed; [`simulation`]: a whole run, in memory or in a folder; `experiment`: many of them.
//! 6. [`picture`], `figures`, `report`, `view`: what a person sees.
//!
//! # A mechanism of one's own
//!
//! [`model::Process`] has one stated place in the schedule: the end of the step, after the epidermis. It draws only from
//! [`random::Purpose::Custom`], so it changes no other draw and the run stays the same for any number of threads.
//! `examples/add_a_mechanism.rs` shows one in under 60 lines.
//!
//! # Same bits
//!
//! One source revision, one scenario and one seed give one [`model::Model::state_hash`]: for any number of threads, debug or
//! release, stopped and resumed, native and wasm.
//!
//! # Versions
//!
//! Semantic versioning. Before 1.0 a new minor version may change the Rust API and a patch does not. Numbers are no part of it:
//! when the same scenario and seed give other results, CHANGELOG.md says so under «Numbers». The format of scenarios has a
//! number of its own (`schema = 1`), and so have names and columns of files: changing them raises it.
//!
//! # Features
//!
//! `parallel` (threads), `cli` (files, checkpoints, experiments, the command line), `figures`, `view`; all by default. Without
//! any, what is left is the engine: no files, no clock, no threads, also for `wasm32-unknown-unknown`.
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
