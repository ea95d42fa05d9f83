//! Solvers: fields by multigrid, networks by a sparse direct factor, oxygen of blood and tissue together.

pub mod anderson;
pub mod graph;
pub mod multigrid;
pub mod network_flow;
pub mod oxygen_kernel;
pub mod oxygen_transport;
pub mod reach;
pub mod sparse;
