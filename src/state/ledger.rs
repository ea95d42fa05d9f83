//! Books: what was there, what came, what went. Fluxes are booked where they happen, clipping too.

use serde::{Deserialize, Serialize};

/// Account of one conserved quantity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Inventory when the books were last closed.
    pub opening: f64,
    /// Booked since then, plus in, minus out.
    pub booked: f64,
    /// All that ever came in.
    pub inflow: f64,
    /// All that ever went out.
    pub outflow: f64,
}

impl Account {
    /// Books a change; positive comes in.
    pub fn book(&mut self, amount: f64) {
        self.booked += amount;
        if amount > 0.0 {
            self.inflow += amount;
        } else {
            self.outflow -= amount;
        }
    }

    /// Gap between an inventory and the books.
    pub fn gap(&self, inventory: f64) -> f64 {
        inventory - self.opening - self.booked
    }

    /// Opens the books anew at this inventory.
    pub fn close(&mut self, inventory: f64) {
        self.opening = inventory;
        self.booked = 0.0;
    }
}

/// The books of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Hydroxyapatite in walls and interstitium [µg].
    pub mineral_ug: Account,
    /// Moving cells: neutrophils, macrophages, stem cells [cells].
    pub cells: Account,
    /// Oxygen balance of the last solve: (supply + surface − consumption)/consumption.
    pub oxygen_gap: f64,
    /// Worst |oxygen_gap| since the start.
    pub oxygen_gap_worst: f64,
    /// Flow solves since the start.
    pub flow_solves: u64,
    /// Oxygen solves since the start.
    pub oxygen_solves: u64,
    /// Flow imbalance of the last solve, share of inflow.
    pub flow_gap: f64,
}
