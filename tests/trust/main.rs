//! Whether one may rely on it: promises, sealed folders, slips, fuzzing, long runs.

#[path = "../common/mod.rs"]
mod common;

mod endurance;
mod folders;
mod fuzz;
mod misconfiguration;
mod promises;
