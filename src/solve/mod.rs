//! Linear solvers: fields by multigrid, networks by a sparse direct factor.

pub mod graph;
pub mod multigrid;
pub mod network_flow;
pub mod sparse;
