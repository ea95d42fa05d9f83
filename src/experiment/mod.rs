//! Many runs: plan, execute, merge, and what may be said about them.

pub mod biopsies;
pub mod compare;
pub mod statistics;
