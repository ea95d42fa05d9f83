//! What a user touches: scenarios, run folders, experiments, the command line, the live page, the tree itself.

#[path = "../common/mod.rs"]
mod common;

mod architecture;
mod calibration;
mod command_line;
mod experiments;
mod run_folder;
mod scenario_text;
mod view;
