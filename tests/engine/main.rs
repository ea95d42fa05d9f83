//! What the model does: exact solutions, balances, published references, the disease, the same bits.

#[path = "../common/mod.rs"]
mod common;

mod analytic;
mod conservation;
mod determinism;
mod disease;
mod haemodynamics;
mod lessons;
mod networks;
mod oxygen_reference;
mod patterns;
mod scenarios;
mod switches;
mod twin;
mod wasm;
