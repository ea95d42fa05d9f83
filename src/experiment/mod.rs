//! Many runs: plan, execute, merge, and what may be said about them.

pub mod analysis;
pub mod arms;
pub mod claims;
pub mod compare;
pub mod design;
pub mod effects;
pub mod execute;
pub mod factors;
pub mod file;
pub mod formula;
pub mod job;
pub mod matrix;
pub mod merge;
pub mod outputs;
pub mod pilot;
pub mod plan;
pub mod points;
pub mod results;
pub mod sbatch;
pub mod segment;
pub mod staged;
pub mod statistics;
pub mod status;
pub mod table;
mod text;
pub mod verify;
