//! Many runs: plan, execute, merge, and what may be said about them.

pub mod analysis;
pub mod calibrate;
pub mod compare;
pub mod design;
pub mod matrix;
pub mod statistics;
